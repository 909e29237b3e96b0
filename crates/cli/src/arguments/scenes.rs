//! Arguments of `scst scenes`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct ScenesArguments {
    /// Where the data set is written
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Seed of the scenes
    #[arg(long, default_value_t = scst_data::scenes::SEED)]
    pub(crate) seed: u64,
}
