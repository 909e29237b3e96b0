//! The `scst` program, with the built-in rewards alone.

use std::process::ExitCode;

fn main() -> ExitCode {
    scst_cli::run(scst_trainer::Registry::default())
}
