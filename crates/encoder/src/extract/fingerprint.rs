//! Which file of weights an encoder had.

use std::{fs, path::Path};

use crate::{
    architecture::Architecture,
    error::{EncoderError, WeightsError},
};

/// CRC-32C of a file of weights.
///
/// # Errors
/// It cannot be read.
pub fn fingerprint(architecture: Architecture, weights: &Path) -> Result<u32, EncoderError> {
    let bytes = fs::read(weights).map_err(|error| EncoderError::Weights {
        path: weights.to_owned(),
        architecture,
        error: WeightsError::Read(error),
    })?;
    Ok(crc32c::crc32c(&bytes))
}
