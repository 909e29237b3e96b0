//! Arguments of `scst eval`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{EvaluationArguments, RankArguments};

/// The order of captions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CaptionOrder {
    /// The best first, by the run's `validation.metric`
    Best,
    /// The worst first
    Worst,
    /// As the images or texts stand in their files
    Split,
}

#[derive(Debug, Args)]
pub(crate) struct EvalArguments {
    /// A run directory (its best checkpoint is taken) or a checkpoint directory
    #[arg(value_name = "RUN_OR_CHECKPOINT")]
    pub(crate) model: PathBuf,
    /// Another run or checkpoint, whose probabilities are averaged with those of the first at every
    /// word; may be given several times
    #[arg(long, value_name = "RUN_OR_CHECKPOINT")]
    pub(crate) ensemble: Vec<PathBuf>,
    /// Write the captions as the COCO server takes them: [{"image_id", "caption"}]; where the caption files have no
    /// ids (tables), `image_id` is the file name
    #[arg(long, value_name = "results.json")]
    pub(crate) out: Option<PathBuf>,
    /// Show so many captions with their references, from the best to the worst in equal strides
    #[arg(long, value_name = "N", conflicts_with = "json")]
    pub(crate) show: Option<usize>,
    /// Print every caption with its scores and references: a table, or with --json one object a line
    #[arg(long, value_enum, value_name = "ORDER", num_args = 0..=1, require_equals = true, default_missing_value = "best")]
    pub(crate) per_caption: Option<CaptionOrder>,
    /// Print one JSON object on standard output and nothing else; with --per-caption, it is the last line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) ranks: RankArguments,
    #[command(flatten)]
    pub(crate) evaluation: EvaluationArguments,
}
