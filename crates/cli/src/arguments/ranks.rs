//! Arguments of commands that several processes run together.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct RankArguments {
    /// As one of several processes of `mpirun` or `srun`: end all of them when one has not been heard of for so many seconds
    #[arg(long, value_name = "SECS", default_value_t = Self::TIMEOUT, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) rank_timeout: u64,
}

impl RankArguments {
    /// Where nothing is said of it.
    pub(crate) const TIMEOUT: u64 = 600;
}
