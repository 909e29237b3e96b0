//! Arguments of `scst doctor`.

use std::path::PathBuf;

use clap::Args;

use super::{ConfigArguments, config::ConfigOverrides};

/// The most steps that are timed.
const MOST_STEPS: u64 = 1000;

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// A configuration that is to be trained, or a run that trains or has ended: its directory, its name below `runs/`, or
    /// the directory of several seeds
    #[arg(value_name = "CONFIG.toml|RUN")]
    pub(crate) subject: PathBuf,
    /// Steps of every stage of a configuration that are timed, after one that is not; 0 for no times
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(..=MOST_STEPS))]
    pub(crate) steps: u64,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) overrides: ConfigOverrides,
}

impl DoctorArguments {
    /// The same, with the subject as a configuration.
    pub(crate) fn into_config(self) -> ConfigArguments {
        ConfigArguments {
            config: self.subject,
            overrides: self.overrides,
        }
    }

    /// The first flag of a configuration that was given.
    pub(crate) fn flag_of_config(&self) -> Option<&'static str> {
        let given = &self.overrides;
        let flags = [
            ("--set", !given.overrides.is_empty()),
            ("--backend", given.backend.is_some()),
            ("--seed", given.seed.is_some()),
            ("--threads", given.threads.is_some()),
        ];
        flags.into_iter().find(|(_, given)| *given).map(|(f, _)| f)
    }
}
