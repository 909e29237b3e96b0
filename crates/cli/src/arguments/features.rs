//! Arguments of `scst features`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use scst_encoder::{Architecture, Element, OnError};

use super::RankArguments;

/// Types of the numbers in a feature file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ElementName {
    /// 16-bit floats
    F16,
    /// 32-bit floats
    F32,
}

impl From<ElementName> for Element {
    fn from(name: ElementName) -> Self {
        match name {
            ElementName::F16 => Self::F16,
            ElementName::F32 => Self::F32,
        }
    }
}

/// What is done about an image that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnErrorName {
    /// End with an error that names it
    Stop,
    /// Report it and give it no features
    Skip,
}

impl From<OnErrorName> for OnError {
    fn from(name: OnErrorName) -> Self {
        match name {
            OnErrorName::Stop => Self::Stop,
            OnErrorName::Skip => Self::Skip,
        }
    }
}

/// Encode a folder of images: pooled features, grid features or both.
///
/// Beside each file go a NAME.names.txt with the image of every row, sorted by file name, and a NAME.encoder.json, by
/// which runs know their encoder. Photos are turned as their EXIF data say. When the work is interrupted, the same
/// command goes on where it was, or before the first image whose file has another size or time since.
#[derive(Debug, Args)]
pub(crate) struct FeaturesArguments {
    /// A folder with JPEG, PNG, WebP, GIF, BMP or TIFF images of any size
    #[arg(long, value_name = "DIR")]
    pub(crate) images: PathBuf,
    /// Read the folders within it too; images are then named by their path from the folder, as in val/a.jpg
    #[arg(long)]
    pub(crate) recursive: bool,
    /// Replace finished files of the same names
    #[arg(long)]
    pub(crate) force: bool,
    /// efficientnet_lite0 to efficientnet_lite4, resnet50 or resnet101
    #[arg(long, value_parser = str::parse::<Architecture>)]
    pub(crate) encoder: Architecture,
    /// Its weights: a PyTorch state dict (efficientnet_lite_pytorch's or torchvision's names), also inside a checkpoint
    #[arg(long, value_name = "FILE.pth")]
    pub(crate) weights: PathBuf,
    /// Where pooled features are written, [images, dimension]
    #[arg(long, value_name = "FILE.npy", required_unless_present = "grid")]
    pub(crate) out: Option<PathBuf>,
    /// Where grid features are written, [images, regions, dimension]
    #[arg(long, value_name = "GRID.npy")]
    pub(crate) grid: Option<PathBuf>,
    /// Type of the numbers
    #[arg(long, value_enum, default_value = "f16")]
    pub(crate) dtype: ElementName,
    /// What is done about an image that cannot be read
    #[arg(long, value_enum, default_value = "stop")]
    pub(crate) on_error: OnErrorName,
    /// CPU threads
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) ranks: RankArguments,
}
