//! Arguments of `scst config`.

use std::path::PathBuf;

use clap::Args;

use super::{ConfigArguments, config::ConfigOverrides};

#[derive(Debug, Args)]
pub(crate) struct ShowConfigArguments {
    /// The configuration file
    #[arg(value_name = "CONFIG.toml", required_unless_present_any = ["explain", "schema"])]
    config: Option<PathBuf>,
    #[command(flatten)]
    overrides: ConfigOverrides,
    /// Explain a key, a table with all its keys, or every key: type, range, default and meaning
    #[arg(
        long,
        value_name = "KEY",
        num_args = 0..=1,
        default_missing_value = "",
        conflicts_with_all = ["config", "overrides", "backend", "seed", "threads"]
    )]
    pub(crate) explain: Option<String>,
    /// Print the JSON schema of configurations, from which editors complete and check
    #[arg(
        long,
        conflicts_with_all = ["config", "overrides", "backend", "seed", "threads", "explain"]
    )]
    pub(crate) schema: bool,
}

impl ShowConfigArguments {
    /// The configuration, unless something else is asked for.
    pub(crate) fn config(self) -> Option<ConfigArguments> {
        let config = self.config?;
        Some(ConfigArguments {
            config,
            overrides: self.overrides,
        })
    }
}
