//! Arguments of `scst estimators`.

use std::path::PathBuf;

use clap::Args;

use super::ConfigArguments;

#[derive(Debug, Args)]
pub(crate) struct EstimatorArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// A run directory (its best checkpoint is taken) or a checkpoint directory
    #[arg(long, value_name = "RUN_OR_CHECKPOINT")]
    pub(crate) checkpoint: PathBuf,
    /// Training images
    #[arg(long, default_value_t = 20)]
    pub(crate) images: usize,
    /// Numbers of samples an image
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_values_t = [2, 5, 10])]
    pub(crate) samples: Vec<usize>,
    /// Draws of every estimator
    #[arg(long, default_value_t = 50)]
    pub(crate) draws: u64,
    /// Draws of the mean that they are compared with
    #[arg(long, default_value_t = 200)]
    pub(crate) reference_draws: u64,
    /// Print one JSON list
    #[arg(long)]
    pub(crate) json: bool,
}
