//! State dicts that PyTorch has saved.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use half::f16;
use pytorch_reader::{DType, PytorchReader, Tensor};

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

/// A `.pth` file of 32- or 16-bit floats, as `torch.save(model.state_dict())` writes it in any version.
#[derive(Debug)]
pub struct StateDict {
    tensors: HashMap<String, Tensor>,
}

impl StateDict {
    /// Opens a file; nothing in it is executed.
    ///
    /// # Errors
    /// The file cannot be read, or is not a whole PyTorch file.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        // Files that others cannot see through, such as directories, get the operating system's words.
        std::fs::File::open(path)
            .and_then(|mut file| std::io::Read::read(&mut file, &mut [0]))
            .map_err(WeightsError::Read)?;
        let reader = PytorchReader::new(path).map_err(WeightsError::Format)?;
        Ok(Self {
            tensors: reader.into_tensors(),
        })
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

impl WeightSource for StateDict {
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let missing = || WeightsError::Missing {
            name: name.to_owned(),
        };
        let tensor = self.tensors.remove(name).ok_or_else(missing)?;
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
                found: format!("{dtype:?}"),
            });
        }
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
