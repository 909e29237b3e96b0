//! The arguments of `scst generate`.

use std::path::PathBuf;

use clap::Args;

use super::{DecoderArguments, RunOverrides};

/// Texts, and how targets are written for them.
#[derive(Debug, Clone, Args)]
pub(crate) struct GenerateArguments {
    /// A run directory (its best checkpoint is taken) or a checkpoint directory, of a run that reads texts
    #[arg(value_name = "RUN_OR_CHECKPOINT")]
    pub(crate) model: PathBuf,
    /// A text a line, a table whose header has a column `source`, or JSON Lines with `source`; `-` stands for standard
    /// input
    #[arg(value_name = "FILE")]
    pub(crate) sources: PathBuf,
    /// Print one JSON object a source: {"source", "targets": [{"target", "log_probability"}]}, and its "id" if it has one
    #[arg(long)]
    pub(crate) json: bool,
    /// flex (CPU), ndarray (CPU), wgpu (GPU) or cuda (NVIDIA GPU) [default: that of the run]
    #[arg(long)]
    pub(crate) backend: Option<String>,
    /// CPU threads
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) set: RunOverrides,
    #[command(flatten)]
    pub(crate) decoder: DecoderArguments,
}
