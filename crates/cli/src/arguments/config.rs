//! Arguments that name a configuration.

use std::path::PathBuf;

use clap::Args;
use scst_trainer::config::{ConfigError, Override};

/// A configuration file and what is set over it.
#[derive(Debug, Args)]
pub(crate) struct ConfigArguments {
    /// The configuration file
    #[arg(value_name = "CONFIG.toml")]
    pub(crate) config: PathBuf,
    #[command(flatten)]
    pub(crate) overrides: ConfigOverrides,
}

/// What is set over a configuration.
#[derive(Debug, Args)]
pub(crate) struct ConfigOverrides {
    /// Set a value over the file's, e.g. `stages.0.epochs=3`; may be given several times. Where a table has one of
    /// several keys, such as `model`, the key takes the place of the file's
    #[arg(long = "set", value_name = "KEY.PATH=VALUE")]
    pub(crate) overrides: Vec<String>,
    /// flex (CPU), ndarray (CPU), wgpu (GPU) or cuda (NVIDIA GPU)
    #[arg(long)]
    pub(crate) backend: Option<String>,
    /// Seed of every random draw
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) seed: Option<String>,
    /// CPU threads
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) threads: Option<String>,
}

impl ConfigArguments {
    /// All overrides, in the order in which they apply.
    pub(crate) fn overrides(&self) -> Result<Vec<Override>, ConfigError> {
        let given = &self.overrides;
        let sets = given.overrides.iter();
        let sets = sets.map(|text| Override::of_flag("--set", text));
        let flags = [
            (
                "backend",
                given.backend.as_ref().map(|name| format!("{name:?}")),
            ),
            ("seed", given.seed.clone()),
            ("threads", given.threads.clone()),
        ];
        let flags = flags.into_iter().filter_map(|(key, value)| {
            let value = value?;
            Some(Override::of_key(&format!("--{key}"), key, &value))
        });
        sets.chain(flags).collect()
    }
}
