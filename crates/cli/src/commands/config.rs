//! `scst config`: a configuration with all its defaults.

use std::process::ExitCode;

use scst_trainer::Config;

use crate::{arguments::ConfigArguments, failure::Failure};

pub(crate) fn run(arguments: ConfigArguments) -> Result<ExitCode, Failure> {
    let config = Config::load(&arguments.config, arguments.overrides()?)?;
    print!("{}", config.to_toml());
    Ok(ExitCode::SUCCESS)
}
