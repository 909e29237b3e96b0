//! `scst completions`: what a shell completes.

use std::process::ExitCode;

use crate::{
    arguments::CompletionsArguments,
    help::visible_command,
    output::{print_line, program_name},
};

pub(crate) fn run(arguments: &CompletionsArguments) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut visible_command(),
        program_name(),
        &mut script,
    );
    print_line!("{}", String::from_utf8_lossy(&script).trim_end());
    ExitCode::SUCCESS
}
