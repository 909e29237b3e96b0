//! What is to be made of what.

use std::{num::NonZeroUsize, path::PathBuf};

use crate::{architecture::Architecture, record::Element};

/// What is done about an image that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// The work ends with an error.
    Stop,
    /// It gets no features.
    Skip,
}

/// What is to be made of what.
#[derive(Debug, Clone)]
pub struct Extraction {
    /// A folder; its JPEG, PNG, WebP, GIF, BMP and TIFF files are encoded, the right way up.
    pub images: PathBuf,
    /// Whether folders within it are read too; then names are paths from the folder.
    pub is_recursive: bool,
    /// Whether finished files of the same names are replaced.
    pub replaces: bool,
    /// The encoder.
    pub architecture: Architecture,
    /// Its weights, a `.pth` file.
    pub weights: PathBuf,
    /// Where pooled features go, a `.npy` file `[images, dimension]`.
    pub pooled: Option<PathBuf>,
    /// Where grid features go, a `.npy` file `[images, regions, dimension]`.
    pub grid: Option<PathBuf>,
    /// Type of the numbers.
    pub element: Element,
    /// What is done about an image that cannot be read.
    pub on_error: OnError,
    /// Threads; each encodes an image of its own.
    pub threads: NonZeroUsize,
}
