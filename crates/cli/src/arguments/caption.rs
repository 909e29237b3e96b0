//! The arguments of `scst caption`.

use std::path::PathBuf;

use clap::Args;
use scst_encoder::Architecture;

use super::DecoderArguments;

/// Images, and how they are captioned.
#[derive(Debug, Args)]
pub(crate) struct CaptionArguments {
    /// A run directory (its best checkpoint is taken) or a checkpoint directory
    #[arg(value_name = "RUN_OR_CHECKPOINT")]
    pub(crate) model: PathBuf,
    /// JPEG, PNG, WebP, GIF, BMP or TIFF images of any size
    #[arg(value_name = "IMAGE", required = true)]
    pub(crate) images: Vec<PathBuf>,
    /// The encoder of the run's features, where the run does not know it: efficientnet_lite0 to
    /// efficientnet_lite4, resnet50 or resnet101
    #[arg(long, value_parser = str::parse::<Architecture>)]
    pub(crate) encoder: Option<Architecture>,
    /// Its weights, where the run does not know them or they have moved
    #[arg(long, value_name = "FILE.pth")]
    pub(crate) weights: Option<PathBuf>,
    /// Draw where the captioner looked: the photo once for every word of the caption (of several, the
    /// first), in warm light where its attention was. With several images, one picture each:
    /// OUT-IMAGE.png
    #[arg(long, value_name = "OUT.png")]
    pub(crate) attention: Option<PathBuf>,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    pub(crate) json: bool,
    /// flex (CPU), ndarray (CPU), wgpu (GPU) or cuda (NVIDIA GPU) [default: that of the run]
    #[arg(long)]
    pub(crate) backend: Option<String>,
    /// CPU threads
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) decoder: DecoderArguments,
}
