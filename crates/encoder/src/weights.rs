//! State dicts that PyTorch has saved.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::Read,
    path::Path,
};

use half::f16;
use pytorch_reader::{DType, PytorchReader, Tensor};
use zip::ZipArchive;

use crate::error::WeightsError;

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

/// What checkpoints keep a state dict under, beside an optimiser's.
const ENTRIES: [&str; 4] = ["state_dict", "model_state_dict", "model_state", "model"];
/// What wrappers of a network put before the names of its tensors.
const WRAPPERS: [&str; 5] = ["module", "_orig_mod", "model", "net", "network"];
/// How many times as long as its file all tensors together may be: some share their values.
const SHARING: u64 = 4;
/// How many names a message lists.
const NEAREST: usize = 3;

/// A `.pth` file of 32- or 16-bit floats, as `torch.save(model.state_dict())` writes it in any version.
///
/// A state dict that is an entry of a checkpoint is found there, and what wrappers such as `DataParallel` and
/// `torch.compile` put before all names (`module.`, `_orig_mod.`) is left out.
#[derive(Debug)]
pub struct StateDict {
    tensors: HashMap<String, Tensor>,
    /// Names of all tensors as they are in the file, by those that they have here.
    names: BTreeMap<String, String>,
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
        let mut file = File::open(path).map_err(WeightsError::Read)?;
        file.read(&mut [0]).map_err(WeightsError::Read)?;
        let length = file.metadata().map_err(WeightsError::Read)?.len();
        if unpacks_to_more(file, length) {
            return Err(WeightsError::Format);
        }
        let reader = PytorchReader::new(path).map_err(|_| WeightsError::Format)?;
        let found = reader.into_tensors();
        let names = unwrapped(found.keys().cloned().collect());
        let mut tensors = HashMap::new();
        let mut found = found;
        for (name, in_file) in &names {
            if let Some(tensor) = found.remove(in_file) {
                tensors.insert(name.clone(), tensor);
            }
        }
        Ok(Self {
            tensors,
            names,
            room: length.saturating_mul(SHARING),
        })
    }

    /// Names in the file that are most like `name`.
    fn nearest(&self, name: &str) -> Vec<String> {
        let all = self.names.iter();
        let mut likely: Vec<_> = all
            .map(|(here, in_file)| (strsim::sorensen_dice(name, here), in_file))
            .collect();
        likely.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        let likely = likely.into_iter().take(NEAREST);
        likely.map(|(_, in_file)| in_file.clone()).collect()
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
        let unknown = self.tensors.into_keys().filter(|name| !is_known(name));
        match unknown.min() {
            Some(name) => Err(WeightsError::Unexpected { name }),
            None => Ok(()),
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

/// Names by those without the entry that holds them and without wrappers.
fn unwrapped(in_file: Vec<String>) -> BTreeMap<String, String> {
    let mut names: BTreeMap<String, String> = in_file
        .into_iter()
        .map(|name| (name.clone(), name))
        .collect();
    let below = |names: &BTreeMap<String, String>, first: &str| -> BTreeMap<String, String> {
        let names = names.iter();
        names
            .filter_map(|(name, in_file)| {
                let rest = name.strip_prefix(first)?.strip_prefix('.')?;
                Some((rest.to_owned(), in_file.clone()))
            })
            .collect()
    };
    let entries = ENTRIES.iter().map(|entry| below(&names, entry));
    if let Some(entry) = entries.into_iter().find(|entry| !entry.is_empty()) {
        names = entry;
    }
    // Wrappers are wrapped too.
    while let Some(inner) = WRAPPERS
        .iter()
        .map(|wrapper| below(&names, wrapper))
        .find(|inner| !inner.is_empty() && inner.len() == names.len())
    {
        names = inner;
    }
    names
}

/// The name of an element type in PyTorch.
fn element_type(dtype: DType) -> &'static str {
    match dtype {
        DType::F64 => "float64",
        DType::F32 => "float32",
        DType::F16 => "float16",
        DType::BF16 => "bfloat16",
        DType::I64 => "int64",
        DType::I32 => "int32",
        DType::I16 => "int16",
        DType::I8 => "int8",
        DType::U8 => "uint8",
        DType::Bool => "bool",
        _ => "another type",
    }
}

impl WeightSource for StateDict {
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let Some(tensor) = self.tensors.remove(name) else {
            return Err(WeightsError::Missing {
                name: name.to_owned(),
                nearest: self.nearest(name),
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
                found: element_type(dtype),
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
