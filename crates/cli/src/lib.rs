//! The command line of `scst`: train captioners with cross-entropy and self-critical sequence training, and evaluate
//! them.
//!
//! A program with rewards, captioners or objectives of its own calls [`run`] with them, and has every command:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     let mut registry = scst_trainer::Registry::default();
//!     // registry.rewards.register("mine", |entry, sources| ...);
//!     // registry.captioners.register("mine", |table| ...);
//!     // registry.objectives.register("mine", |table| ...);
//!     scst_cli::run(registry)
//! }
//! ```
//!
//! This crate parses arguments, calls the libraries and prints; it is the only one that prints.
//! Results go to standard output, everything else to standard error. Exit code 2 means that the
//! user's input was at fault, 1 that something failed, 130 that a run was interrupted.

mod arguments;
mod build_info;
mod commands;
mod display;
mod examples;
mod explanation;
mod failure;
mod help;
mod output;
mod ranks;
mod usage;

use std::process::ExitCode;

use clap::FromArgMatches;
use scst_model::CaptionerRegistry;
use scst_trainer::Registry;
use tracing_subscriber::{Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    arguments::{Arguments, Benchmark, Command},
    failure::Failure,
    output::Verbosity,
    ranks::Ranks,
};

/// Runs the program: reads the command line, does what it says, prints, and returns the exit code.
///
/// Configurations may name what `registry` holds beside what is built in: `custom = { name = "..." }` in place of a reward,
/// `[model.custom]` with a `name` in place of a captioner, `objective = { custom = { name = "..." } }` in a stage.
pub fn run(registry: Registry) -> ExitCode {
    let matches = help::command().try_get_matches();
    let arguments = matches.and_then(|mut matches| Arguments::from_arg_matches_mut(&mut matches));
    let arguments = match arguments {
        Ok(arguments) => arguments,
        Err(error) => return refuse_command_line(&error, &registry.captioners),
    };
    let ranks = match arguments
        .command
        .rank_timeout()
        .map_or(Ok(Ranks::alone()), Ranks::join)
    {
        Ok(ranks) => ranks,
        Err(failure) => return Ranks::refuse(&failure),
    };
    output::set_verbosity(if ranks.is_first() {
        arguments.verbosity()
    } else {
        Verbosity::Quiet
    });
    match ranks.guard(|| run_command(arguments, &registry, &ranks)) {
        Ok(code) => code,
        Err(failure) => ranks.fail(&failure),
    }
}

/// The command line that [`run`] reads, for what describes it.
pub fn command() -> clap::Command {
    help::command()
}

/// Shows what is wrong with the command line, or the help or version that it asks for.
fn refuse_command_line(error: &clap::Error, captioners: &CaptionerRegistry) -> ExitCode {
    let given: Vec<String> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    if let Some(message) = usage::in_plain_words(error, &given, captioners) {
        output::error(&message);
        return ExitCode::from(2);
    }
    let code = u8::try_from(error.exit_code()).unwrap_or(2);
    let printed = error.print();
    if !error.use_stderr() {
        output::check(printed);
    }
    ExitCode::from(code)
}

fn run_command(
    arguments: Arguments,
    registry: &Registry,
    ranks: &Ranks,
) -> Result<ExitCode, Failure> {
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(console::colors_enabled_stderr())
        .with_writer(std::io::stderr)
        .without_time()
        .log_internal_errors(false);
    tracing_subscriber::registry()
        .with(lines.with_filter(arguments.logged()))
        .init();
    match arguments.command {
        Command::New(arguments) => commands::new::run(&arguments, &registry.captioners),
        Command::Train(arguments) => commands::train::run(arguments, registry, ranks),
        Command::Check(arguments) => commands::check::run(arguments, registry),
        Command::Doctor(arguments) => commands::doctor::run(*arguments, registry),
        Command::Eval(arguments) => commands::eval::run(&arguments, registry, ranks),
        Command::Compare(arguments) => commands::compare::run(&arguments, registry),
        Command::Card(arguments) => commands::report::run_card(&arguments, registry),
        Command::Report(arguments) => commands::report::run(&arguments, registry),
        Command::Caption(arguments) => commands::caption::run(&arguments, registry),
        Command::Generate(arguments) => commands::generate::run(&arguments, registry),
        Command::Score(arguments) => commands::score::run(&arguments),
        Command::DocumentFrequency(arguments) => commands::document_frequency::run(&arguments),
        Command::Tokenize(arguments) => commands::tokenize::run(&arguments),
        Command::Rewards => commands::rewards::run(),
        Command::Reward(arguments) => commands::reward::run(&arguments, registry),
        Command::Config(arguments) => commands::config::run(arguments, &registry.captioners),
        Command::Devices(arguments) => commands::devices::run(&arguments),
        Command::SelfTest(arguments) => commands::devices::self_test(&arguments),
        Command::Bench(arguments) => match &arguments.benchmark {
            Benchmark::Step(arguments) => commands::bench::step(arguments, ranks),
        },
        Command::Estimators(arguments) => commands::estimators::run(arguments, registry, ranks),
        Command::Import(arguments) => commands::import::run(&arguments, &registry.captioners),
        Command::Split(arguments) => commands::split::run(&arguments),
        Command::Features(arguments) => commands::features::run(&arguments, ranks),
        Command::Scenes(arguments) => commands::scenes::run(&arguments),
        Command::Completions(arguments) => Ok(commands::completions::run(&arguments)),
        Command::Man(arguments) => commands::man::run(&arguments),
    }
}
