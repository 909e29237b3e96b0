//! Weights and moments as safetensors.

use std::{io, path::Path};

use burn::tensor::{Device, Tensor, TensorData};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use scst_kernels::traffic::read;
use scst_model::Captioner;

use super::error::CheckpointError;
use crate::optimise::optimiser::Optimiser;

/// A tensor on the host.
#[derive(Debug, Clone)]
pub(crate) struct NamedTensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

impl NamedTensor {
    /// Flattened, on a device.
    pub(super) fn on(&self, device: &Device) -> Tensor<1> {
        let data = TensorData::new(self.values.clone(), [self.values.len()]);
        Tensor::from_data(data, device)
    }
}

/// All weights of a captioner.
pub(super) fn model_tensors(captioner: &Captioner) -> Result<Vec<NamedTensor>, CheckpointError> {
    let parameters = captioner.parameters().into_iter().map(|parameter| {
        Ok(NamedTensor {
            name: parameter.name,
            shape: parameter.shape,
            values: read(parameter.values)?,
        })
    });
    parameters.collect()
}

/// `captioner` with the weights of the same names, on `device`; else what does not fit.
pub(crate) fn with_weights(
    captioner: Captioner,
    weights: &[NamedTensor],
    device: &Device,
) -> Result<Captioner, String> {
    let find = |name: &str| weights.iter().find(|tensor| tensor.name == name);
    for parameter in captioner.parameters() {
        let name = &parameter.name;
        match find(name) {
            None => return Err(format!("parameter `{name}` is missing")),
            Some(tensor) if tensor.shape != parameter.shape => {
                return Err(format!(
                    "parameter `{name}` has shape {:?}, the configuration asks for {:?}",
                    tensor.shape, parameter.shape
                ));
            }
            Some(_) => {}
        }
    }
    Ok(captioner.update(|name, values| find(name).map_or(values, |tensor| tensor.on(device))))
}

/// All moments of an optimiser, two a parameter.
pub(super) fn moment_tensors(optimiser: &Optimiser) -> Result<Vec<NamedTensor>, CheckpointError> {
    let mut tensors = Vec::new();
    for (name, moments) in optimiser.moments() {
        for (suffix, tensor) in [("first", &moments.first), ("second", &moments.second)] {
            let values: Vec<f32> = read(tensor.clone())?;
            tensors.push(NamedTensor {
                name: format!("{name}.{suffix}"),
                shape: vec![values.len()],
                values,
            });
        }
    }
    Ok(tensors)
}

/// The bytes of a safetensors file; `path` is named in errors.
pub(super) fn encode(tensors: Vec<NamedTensor>, path: &Path) -> Result<Vec<u8>, CheckpointError> {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|tensor| tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let error = |error: safetensors::SafeTensorError| CheckpointError::Write {
        path: path.to_owned(),
        source: io::Error::other(error.to_string()),
    };
    let mut views = Vec::with_capacity(tensors.len());
    for (tensor, bytes) in tensors.iter().zip(&bytes) {
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).map_err(error)?;
        views.push((tensor.name.as_str(), view));
    }
    safetensors::serialize(views, None).map_err(error)
}

/// The tensors of a safetensors file.
pub(super) fn decode(path: &Path, bytes: &[u8]) -> Result<Vec<NamedTensor>, CheckpointError> {
    let damaged = |found: String| CheckpointError::Damaged {
        path: path.to_owned(),
        found,
        expected: "safetensors of 32-bit floats".to_owned(),
    };
    let tensors = SafeTensors::deserialize(bytes)
        .map_err(|_| damaged("a header that does not fit the file".to_owned()))?;
    let tensors = tensors.iter().map(|(name, view)| {
        if view.dtype() != Dtype::F32 {
            return Err(damaged(format!("`{name}` of another type")));
        }
        let (words, _) = view.data().as_chunks::<4>();
        Ok(NamedTensor {
            name: name.to_owned(),
            shape: view.shape().to_vec(),
            values: words.iter().map(|&word| f32::from_le_bytes(word)).collect(),
        })
    });
    tensors.collect()
}
