//! `scst scenes`: the embedded data set, generated anew.

use std::process::ExitCode;

use scst_data::scenes;

use crate::{arguments::ScenesArguments, failure::Failure, output::print_line};

pub(crate) fn run(arguments: &ScenesArguments) -> Result<ExitCode, Failure> {
    let generated = scenes::generate(arguments.seed);
    scenes::write(&generated, &arguments.directory).map_err(|error| Failure::failed(&error))?;
    print_line!(
        "wrote the scenes of seed {} to {}",
        arguments.seed,
        arguments.directory.display()
    );
    Ok(ExitCode::SUCCESS)
}
