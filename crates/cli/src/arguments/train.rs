//! Arguments of `scst train`.

use std::path::PathBuf;

use clap::Args;

use super::ConfigArguments;

#[derive(Debug, Args)]
pub(crate) struct TrainArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// The directory of a run that is begun or given by its configuration [default: runs/NAME]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with a run, from its newest checkpoint: give its directory in place of a configuration,
    /// `scst train --resume runs/NAME`, or the configuration that it was begun with
    #[arg(long, conflicts_with = "resume_or_start")]
    pub(crate) resume: bool,
    /// The same with a configuration, or begin a run if there is none: for job scripts
    #[arg(long)]
    pub(crate) resume_or_start: bool,
    /// Read all features of a resumed run again and compare their checksum, even where size, time and
    /// sampled rows of the files are as they were
    #[arg(long)]
    pub(crate) verify_features: bool,
    /// Sample captions to show at the end of the first stage and of the run, no more than the run keeps
    /// (`validation.samples`); 0 for none
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) show: usize,
}
