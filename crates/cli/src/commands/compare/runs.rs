//! The captions of runs, as `scst eval` decodes them.

use std::{collections::BTreeSet, path::PathBuf};

use scst_reward::TextMetric;
use scst_trainer::{Checkpoint, Registry};

use crate::{
    arguments::EvaluationArguments,
    commands::{captions::Side, decoded::decode_run, seed_runs::runs_of},
    failure::Failure,
};

/// The sides, and the metrics of raw text that any of the runs asks for.
pub(super) fn sides_of_runs(
    paths: &[Vec<PathBuf>],
    arguments: &EvaluationArguments,
    registry: &Registry,
) -> Result<(Vec<Side>, Vec<TextMetric>), Failure> {
    // All of them are read before the first is decoded, which takes long.
    let mut opened = Vec::with_capacity(paths.len());
    for paths in paths {
        let open = |path: PathBuf| {
            let checkpoint = Checkpoint::load_run_or_checkpoint(&path, &registry.captioners)?;
            Ok((path, checkpoint))
        };
        let mut runs = Vec::new();
        for path in paths {
            runs.extend(runs_of(path)?);
        }
        let runs = runs.into_iter().map(open);
        opened.push((paths, runs.collect::<Result<Vec<_>, Failure>>()?));
    }
    let (mut sides, mut metrics, mut warned) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (paths, of_side) in opened {
        let mut runs = Vec::new();
        for (path, checkpoint) in of_side {
            let run = (&*path, checkpoint);
            let decoded = decode_run(run, arguments, registry, &mut warned)?;
            metrics.extend(decoded.config.validation.raw_text());
            runs.push(decoded.captions(&path));
        }
        sides.push(Side::of(paths, runs));
    }
    Ok((sides, metrics))
}
