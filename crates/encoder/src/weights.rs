//! State dicts that PyTorch has saved.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read,
    path::Path,
};

use half::f16;
use pytorch_reader::{DType, PickleError, PytorchError, PytorchReader, Tensor};
use zip::ZipArchive;

use crate::{error::WeightsError, sniff};

/// Names that a message lists for one that is missing.
const NEAREST: usize = 3;

/// What checkpoints keep a state dict under, beside an optimiser's.
const ENTRIES: [&str; 4] = ["state_dict", "model_state_dict", "model_state", "model"];
/// What wrappers of a network put before the names of its tensors.
const WRAPPERS: [&str; 5] = ["module", "_orig_mod", "model", "net", "network"];
/// How many times as long as its file all tensors together may be: some share their values.
const SHARING: u64 = 4;

/// Longer names are not compared with one that is missing.
const NAME_BYTES: usize = 200;

/// Where a network's tensors come from, by name and shape.
pub trait WeightSource {
    /// The values of a tensor in row-major order; each tensor is asked for once.
    ///
    /// # Errors
    /// There is no such tensor, it has another shape, or it cannot be read.
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError>;
}

/// A tensor of floats.
#[derive(Debug, Clone, PartialEq)]
pub struct FloatTensor {
    /// Sizes of its dimensions.
    pub shape: Vec<usize>,
    /// Its values in row-major order.
    pub values: Vec<f32>,
}

/// A `.pth` file of 32- or 16-bit floats, as `torch.save(model.state_dict())` writes it in any version.
#[derive(Debug)]
pub struct StateDict {
    tensors: BTreeMap<String, Tensor>,
    /// How many bytes the tensors that are still to be read may take.
    room: u64,
}

impl StateDict {
    /// Opens a file; nothing in it is executed.
    ///
    /// # Errors
    /// The file cannot be read, or is not a whole PyTorch file.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        // Files that others cannot see through, such as directories, get the operating system's words.
        let mut head = Vec::new();
        let file = File::open(path).map_err(WeightsError::Read)?;
        let length = file.metadata().map_err(WeightsError::Read)?.len();
        let mut start = (&file).take(sniff::HEAD_BYTES as u64);
        start.read_to_end(&mut head).map_err(WeightsError::Read)?;
        if unpacks_to_more(file, length) {
            return Err(WeightsError::Format);
        }
        let reader = PytorchReader::new(path).map_err(|error| of_reader(&error, &head))?;
        Ok(Self {
            tensors: reader.into_tensors().into_iter().collect(),
            room: length.saturating_mul(SHARING),
        })
    }

    /// The tensors of an entry such as `state_dict` or `model`, where there is one, without what wrappers such as
    /// `DataParallel` and `torch.compile` put before all names (`module.`, `_orig_mod.`). For networks whose names are
    /// not known beforehand; `Encoder::open` knows them.
    #[must_use]
    pub fn unwrapped(mut self) -> Self {
        let below = |tensors: &BTreeMap<String, Tensor>, first: &str| -> BTreeMap<String, Tensor> {
            let inner = tensors.iter().filter_map(|(name, tensor)| {
                let rest = name.strip_prefix(first)?.strip_prefix('.')?;
                Some((rest.to_owned(), tensor.clone()))
            });
            inner.collect()
        };
        let mut entries = ENTRIES.iter().map(|entry| below(&self.tensors, entry));
        if let Some(entry) = entries.find(|entry| !entry.is_empty()) {
            self.tensors = entry;
        }
        // Wrappers are wrapped too.
        while let Some(inner) = WRAPPERS
            .iter()
            .map(|wrapper| below(&self.tensors, wrapper))
            .find(|inner| !inner.is_empty() && inner.len() == self.tensors.len())
        {
            self.tensors = inner;
        }
        self
    }

    /// Goes to the network that has all tensors of these names, wherever it stands in the file: its names may begin with
    /// `module.` and `_orig_mod.`, and it may be an entry (`state_dict`, `model`) of a dictionary with other entries,
    /// which are left out. Without one, all stays as it is.
    ///
    /// # Errors
    /// There are several such networks.
    pub(crate) fn enter(mut self, names: &[&str]) -> Result<Self, WeightsError> {
        let [first, others @ ..] = names else {
            return Ok(self);
        };
        let is_network = |prefix: &&str| {
            let has = |name: &&str| self.tensors.contains_key(&format!("{prefix}{name}"));
            (prefix.is_empty() || prefix.ends_with('.')) && others.iter().all(has)
        };
        let ends = self
            .tensors
            .keys()
            .filter_map(|name| name.strip_suffix(first));
        let prefixes: BTreeSet<&str> = ends.filter(is_network).collect();
        let prefixes: Vec<String> = prefixes.into_iter().map(str::to_owned).collect();
        match prefixes.as_slice() {
            [] => Ok(self),
            [prefix] => {
                let tensors = self.tensors.into_iter().filter_map(|(name, tensor)| {
                    let name = name.strip_prefix(prefix.as_str())?.to_owned();
                    Some((name, tensor))
                });
                self.tensors = tensors.collect();
                Ok(self)
            }
            // Beside a network itself, all others are tensors that it does not have.
            [first, ..] if first.is_empty() => Ok(self),
            _ => Err(WeightsError::Ambiguous { prefixes }),
        }
    }

    /// All tensors by name, without counts, which are whole numbers.
    ///
    /// # Errors
    /// A tensor cannot be read, or is not one of 32- or 16-bit floats.
    pub fn floats(mut self) -> Result<BTreeMap<String, FloatTensor>, WeightsError> {
        let mut shapes = Vec::with_capacity(self.tensors.len());
        for (name, tensor) in &self.tensors {
            if tensor.dtype() != DType::I64 {
                shapes.push((name.clone(), tensor.shape().to_vec()));
            }
        }
        let tensors = shapes.into_iter().map(|(name, shape)| {
            let values = self.tensor(&name, &shape)?;
            Ok((name, FloatTensor { shape, values }))
        });
        tensors.collect()
    }

    /// Checks that only tensors are left that a network without its classifier has no use for.
    ///
    /// # Errors
    /// There are others: the file is of another network.
    pub fn finish(self) -> Result<(), WeightsError> {
        let is_known = |name: &str| {
            let classifier = ["fc.", "_fc."];
            name.ends_with(".num_batches_tracked")
                || classifier.iter().any(|prefix| name.starts_with(prefix))
        };
        let mut unknown = self.tensors.into_keys().filter(|name| !is_known(name));
        match unknown.next() {
            Some(name) => Err(WeightsError::Unexpected { name }),
            None => Ok(()),
        }
    }
}

impl WeightSource for StateDict {
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let Some(tensor) = self.tensors.remove(name) else {
            return Err(WeightsError::Missing {
                name: name.to_owned(),
                nearest: nearest(name, self.tensors.keys()),
            });
        };
        if tensor.shape() != shape {
            return Err(WeightsError::Shape {
                name: name.to_owned(),
                found: tensor.shape().to_vec(),
                expected: shape.to_vec(),
            });
        }
        let dtype = tensor.dtype();
        if !matches!(dtype, DType::F32 | DType::F16) {
            return Err(WeightsError::Type {
                name: name.to_owned(),
                found: type_name(dtype),
            });
        }
        // A tensor that repeats its values may be larger than the file, without bound.
        let room = self.room.checked_sub(tensor.byte_len() as u64);
        self.room = room.ok_or_else(|| WeightsError::Repeats {
            name: name.to_owned(),
        })?;
        let bytes = tensor.read().map_err(WeightsError::Tensor)?;
        let values: Vec<f32> = if dtype == DType::F32 {
            let (values, _) = bytes.as_chunks();
            values
                .iter()
                .map(|&value| f32::from_ne_bytes(value))
                .collect()
        } else {
            let (values, _) = bytes.as_chunks();
            let halves = values.iter().map(|&value| f16::from_ne_bytes(value));
            halves.map(f32::from).collect()
        };
        if values.iter().all(|value| value.is_finite()) {
            Ok(values)
        } else {
            Err(WeightsError::NotFinite {
                name: name.to_owned(),
            })
        }
    }
}

/// Whether a file is an archive with an entry that is larger than the archive. PyTorch stores entries as they are.
fn unpacks_to_more(file: File, length: u64) -> bool {
    let Ok(mut archive) = ZipArchive::new(file) else {
        return false;
    };
    (0..archive.len()).any(|index| {
        let entry = archive.by_index_raw(index);
        entry.is_ok_and(|entry| entry.size() > length)
    })
}

/// The names that differ least from one, by letters that are put in, left out and changed.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let names = names.filter(|other| other.len() <= NAME_BYTES);
    let mut names: Vec<_> = names
        .map(|other| (strsim::levenshtein(name, other), other))
        .collect();
    names.sort_unstable();
    let nearest = names.into_iter().take(NEAREST);
    nearest.map(|(_, name)| name.clone()).collect()
}

/// PyTorch's name of a type.
fn type_name(dtype: DType) -> String {
    let name = format!("{dtype:?}").to_lowercase();
    let Some(at) = name.find(|letter: char| letter.is_ascii_digit()) else {
        return name;
    };
    let (letters, bits) = name.split_at(at);
    let kind = match letters {
        "f" => "float",
        "bf" => "bfloat",
        "i" => "int",
        "u" => "uint",
        _ => return name,
    };
    format!("{kind}{bits}")
}

/// Why a file that begins like this cannot be read.
fn of_reader(error: &PytorchError, head: &[u8]) -> WeightsError {
    match sniff::kind(head) {
        Some("a zip archive" | "a tar archive" | "a pickle") | None => {}
        Some(found) => return WeightsError::Foreign { found },
    }
    match error {
        PytorchError::InvalidFormat(reason) if reason.contains("data.pkl") => {
            WeightsError::Foreign {
                found: "a zip archive without the `data.pkl` of PyTorch",
            }
        }
        PytorchError::InvalidFormat(reason) if reason.contains("Expected a dictionary") => {
            WeightsError::Foreign {
                found: "a pickle of something else than a dictionary",
            }
        }
        PytorchError::Pickle(PickleError::UnsupportedType(name)) => {
            WeightsError::Object { name: name.clone() }
        }
        PytorchError::Pickle(PickleError::NoDataSource) => WeightsError::Foreign {
            found: "a pickle without the numbers of its tensors",
        },
        _ => WeightsError::Format,
    }
}
