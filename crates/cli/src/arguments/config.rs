//! Arguments that name a configuration, and those of `scst config`.

use std::path::PathBuf;

use clap::Args;
use scst_trainer::config::{ConfigError, Override};

/// A configuration file and what is set over it.
#[derive(Debug, Args)]
pub(crate) struct ConfigArguments {
    /// The configuration file
    #[arg(value_name = "CONFIG.toml")]
    pub(crate) config: PathBuf,
    /// Set a value over the file's, e.g. `stages.0.epochs=3`; may be given several times
    #[arg(long = "set", value_name = "KEY.PATH=VALUE")]
    pub(crate) overrides: Vec<String>,
    /// flex (CPU), ndarray (CPU), wgpu (GPU) or cuda (NVIDIA GPU)
    #[arg(long)]
    pub(crate) backend: Option<String>,
    /// Seed of every random draw
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// CPU threads
    #[arg(long)]
    pub(crate) threads: Option<usize>,
}

impl ConfigArguments {
    /// All overrides, in the order in which they apply.
    pub(crate) fn overrides(&self) -> Result<Vec<Override>, ConfigError> {
        let sets = self.overrides.iter();
        let sets = sets.map(|text| Override::of_flag("--set", text));
        let flags = [
            (
                "backend",
                self.backend.as_ref().map(|name| format!("{name:?}")),
            ),
            ("seed", self.seed.map(|seed| seed.to_string())),
            ("threads", self.threads.map(|threads| threads.to_string())),
        ];
        let flags = flags.into_iter().filter_map(|(key, value)| {
            let value = value?;
            Some(Override::of_key(&format!("--{key}"), key, &value))
        });
        sets.chain(flags).collect()
    }
}
