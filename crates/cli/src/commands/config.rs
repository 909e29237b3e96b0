//! `scst config`: a configuration with all its defaults, or what can stand in one.

use std::process::ExitCode;

use scst_model::CaptionerRegistry;
use scst_trainer::{
    Config,
    config::{explain, json_schema},
};

use crate::{
    arguments::ShowConfigArguments, explanation::Explanation, failure::Failure, output::print_line,
};

pub(crate) fn run(
    arguments: ShowConfigArguments,
    captioners: &CaptionerRegistry,
) -> Result<ExitCode, Failure> {
    if arguments.schema {
        print_line!("{:#}", json_schema());
    } else if let Some(key) = &arguments.explain {
        let key = Some(key.as_str()).filter(|key| !key.is_empty());
        print_line!("{}", Explanation(&explain(key)?));
    } else if let Some(arguments) = arguments.config() {
        let config = Config::load(&arguments.config, arguments.overrides()?, captioners)?;
        print_line!("{}", config.to_commented_toml()?.trim_end());
    }
    Ok(ExitCode::SUCCESS)
}
