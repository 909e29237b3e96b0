//! A training run: opening its directory, its stages one after the other, and what is left behind.

mod batches;
mod between;
mod checkup;
mod closing;
mod date;
mod foreign;
mod lock;
mod machine;
mod material;
mod opening;
mod options;
mod outset;
pub(crate) mod places;
mod prepared;
pub(crate) mod progress;
mod rank_checks;
pub(crate) mod reads;
mod record;
mod stage;
mod state;
mod validation;
mod validation_examples;
pub(crate) mod window;

use crate::{TrainError, config::ValidConfig, observer::Observer};
pub use checkup::{Checkup, examine};
pub use lock::abandon_lock;
pub use material::{FeaturesFound, Findings, StageFound, check};
pub use options::{Longer, Outcome, RunOptions, Start, Summary};
pub use outset::data_warnings;
use prepared::prepare;
use rank_checks::check_ranks;
pub use record::Program;
use state::Run;

/// Trains a captioner as `config` says, and leaves everything in the run directory.
///
/// # Errors
/// [`TrainError`]; a checkpoint that was written before stays intact.
pub fn train(
    config: &ValidConfig,
    options: &RunOptions<'_>,
    observer: &mut dyn Observer,
) -> Result<Outcome, TrainError> {
    check_ranks(config, options)?;
    let (prepared, [recorded, located]) = prepare(config, options, observer)?;
    let mut run = Run::open(&prepared, [&recorded, &located], options, observer)?;
    let is_finished = run.is_finished();
    let longer = run.longer();
    while run.progress.stage < config.stages.len() {
        if let Some(checkpoint) = run.stage(options.stop)? {
            return Ok(Outcome::Stopped { checkpoint });
        }
    }
    let summary = Box::new(run.finish()?);
    Ok(if is_finished {
        Outcome::AlreadyFinished { summary, longer }
    } else {
        Outcome::Finished(summary)
    })
}
