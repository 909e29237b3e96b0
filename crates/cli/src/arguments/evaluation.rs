//! On what a run is evaluated, and how it decodes.

use std::path::PathBuf;

use clap::Args;

use super::{DecoderArguments, FeatureArguments, RunOverrides, SplitName};

/// What `scst eval` and `scst compare` say of the runs that they evaluate.
#[derive(Debug, Args)]
pub(crate) struct EvaluationArguments {
    /// The images or texts to caption [default: val]
    #[arg(long, value_enum)]
    pub(crate) split: Option<SplitName>,
    /// Captions of other data: Karpathy JSON, COCO annotations, or a table with --splits
    #[arg(long, value_name = "FILE")]
    pub(crate) captions: Option<PathBuf>,
    /// Splits of a table of captions
    #[arg(long, value_name = "FILE", requires = "captions")]
    pub(crate) splits: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: FeatureArguments,
    #[command(flatten)]
    pub(crate) set: RunOverrides,
    /// flex (CPU), ndarray (CPU), wgpu (GPU) or cuda (NVIDIA GPU) [default: that of the run]
    #[arg(long)]
    pub(crate) backend: Option<String>,
    /// CPU threads
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) decoder: DecoderArguments,
}

impl EvaluationArguments {
    /// The split that is evaluated.
    pub(crate) fn split(&self) -> SplitName {
        self.split.unwrap_or(SplitName::Val)
    }
}
