//! Arguments of `scst eval`.

use std::path::PathBuf;

use clap::Args;

use super::{DecoderArguments, FeatureArguments, SplitName};

#[derive(Debug, Args)]
pub(crate) struct EvalArguments {
    /// A run directory (its best checkpoint is taken) or a checkpoint directory
    #[arg(value_name = "RUN_OR_CHECKPOINT")]
    pub(crate) model: PathBuf,
    /// The images to caption
    #[arg(long, value_enum, default_value = "val")]
    pub(crate) split: SplitName,
    /// Another run or checkpoint, whose probabilities are averaged with those of the first at every
    /// word; may be given several times
    #[arg(long, value_name = "RUN_OR_CHECKPOINT")]
    pub(crate) ensemble: Vec<PathBuf>,
    /// Captions of other data: Karpathy JSON, COCO annotations, or a table with --splits
    #[arg(long, value_name = "FILE")]
    pub(crate) captions: Option<PathBuf>,
    /// Splits of a table of captions
    #[arg(long, value_name = "FILE", requires = "captions")]
    pub(crate) splits: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: FeatureArguments,
    /// Write the captions as the COCO server takes them: [{"image_id", "caption"}]; where the caption files have no
    /// ids (tables), `image_id` is the file name
    #[arg(long, value_name = "results.json")]
    pub(crate) out: Option<PathBuf>,
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
