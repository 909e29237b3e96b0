//! `scst`: train captioners with cross-entropy and self-critical sequence training, and evaluate
//! them.
//!
//! This crate parses arguments, calls the libraries and prints; it is the only one that prints.
//! Results go to standard output, everything else to standard error. Exit code 2 means that the
//! user's input was at fault, 1 that something failed, 130 that a run was interrupted.
#![expect(clippy::print_stderr, reason = "this is the crate that prints")]

mod arguments;
mod commands;
mod display;
mod failure;
mod output;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    arguments::{Arguments, Benchmark, Command},
    failure::Failure,
};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit_code()
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    tracing_subscriber::fmt()
        .with_max_level(arguments.log_level)
        .with_writer(std::io::stderr)
        .without_time()
        .init();
    match arguments.command {
        Command::Train(arguments) => commands::train::run(arguments),
        Command::Eval(arguments) => commands::eval::run(&arguments),
        Command::Caption(arguments) => commands::caption::run(&arguments),
        Command::Score(arguments) => commands::score::run(&arguments),
        Command::DocumentFrequency(arguments) => commands::document_frequency::run(&arguments),
        Command::Tokenize(arguments) => commands::tokenize::run(&arguments),
        Command::Rewards => Ok(commands::rewards::run()),
        Command::Config(arguments) => commands::config::run(arguments),
        Command::Devices(arguments) => commands::devices::run(&arguments),
        Command::SelfTest(arguments) => commands::devices::self_test(&arguments),
        Command::Bench(arguments) => match &arguments.benchmark {
            Benchmark::Step(arguments) => commands::bench::step(arguments),
        },
        Command::Estimators(arguments) => commands::estimators::run(&arguments),
        Command::Import(arguments) => commands::import::run(&arguments),
        Command::Features(arguments) => commands::features::run(&arguments),
        Command::Scenes(arguments) => commands::scenes::run(&arguments),
    }
}
