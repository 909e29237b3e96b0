//! One module a command.

pub(crate) mod bench;
pub(crate) mod caption;
mod caption_file;
mod captions;
mod changed_features;
pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod config;
mod decoded;
pub(crate) mod devices;
pub(crate) mod doctor;
pub(crate) mod document_frequency;
pub(crate) mod estimators;
pub(crate) mod eval;
mod evaluation;
pub(crate) mod features;
pub(crate) mod generate;
pub(crate) mod import;
mod input;
pub(crate) mod man;
pub(crate) mod new;
mod out_file;
pub(crate) mod report;
pub(crate) mod reward;
pub(crate) mod rewards;
pub(crate) mod scenes;
pub(crate) mod score;
mod seed_runs;
pub(crate) mod split;
pub(crate) mod tokenize;
pub(crate) mod train;

use std::num::NonZeroUsize;

use crate::{failure::Failure, output::warn};

/// Exit code of work that was interrupted, as shells report it.
const INTERRUPTED: u8 = 130;
/// More threads than any machine runs at a time.
const LARGEST_THREADS: usize = 1024;

/// The number of CPU threads of the process.
fn number_of_threads() -> NonZeroUsize {
    NonZeroUsize::new(rayon::current_num_threads()).unwrap_or(NonZeroUsize::MIN)
}

/// Sets the number of CPU threads for the whole process, this one among them: loops over values that begin here need not wake
/// another and wait for it.
fn set_threads(threads: Option<usize>) -> Result<(), Failure> {
    let pool = rayon::ThreadPoolBuilder::new().use_current_thread();
    let Some(threads) = threads else {
        // Of all cores; unless the program that calls has its threads already.
        let _ = pool.build_global();
        return Ok(());
    };
    if !(1..=LARGEST_THREADS).contains(&threads) {
        return Err(Failure::Mistake(format!(
            "--threads: found {threads}, expected 1 to {LARGEST_THREADS}"
        )));
    }
    let machine = std::thread::available_parallelism().map_or(threads, NonZeroUsize::get);
    if threads > machine {
        warn(&format!(
            "threads: {threads}, but this machine runs {machine} at a time: more of them make nothing faster"
        ));
    }
    pool.num_threads(threads)
        .build_global()
        .map_err(|error| Failure::Failed(format!("cannot start {threads} threads: {error}")))
}
