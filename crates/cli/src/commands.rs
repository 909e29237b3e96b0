//! One module a command.

pub(crate) mod bench;
mod caption_file;
pub(crate) mod config;
pub(crate) mod devices;
pub(crate) mod document_frequency;
pub(crate) mod estimators;
pub(crate) mod eval;
pub(crate) mod features;
pub(crate) mod import;
pub(crate) mod rewards;
pub(crate) mod scenes;
pub(crate) mod score;
pub(crate) mod tokenize;
pub(crate) mod train;

use crate::failure::Failure;

/// Sets the number of CPU threads for the whole process.
fn set_threads(threads: Option<usize>) -> Result<(), Failure> {
    let Some(threads) = threads else {
        return Ok(());
    };
    if threads == 0 {
        return Err(Failure::Mistake(
            "found 0 threads, expected 1 or more".to_owned(),
        ));
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build_global()
        .map_err(|error| Failure::Failed(format!("cannot start {threads} threads: {error}")))
}
