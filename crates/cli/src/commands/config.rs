//! `scst config`: a configuration with all its defaults.

use std::process::ExitCode;

use scst_trainer::Config;

use crate::{arguments::ConfigArguments, failure::Failure, output::print_line};

pub(crate) fn run(arguments: ConfigArguments) -> Result<ExitCode, Failure> {
    let config = Config::load(&arguments.config, arguments.overrides()?)?;
    print_line!("{}", config.to_commented_toml()?.trim_end());
    Ok(ExitCode::SUCCESS)
}
