//! `scst compare`: whether the captions of runs differ by more than chance.

mod files;
mod report;
mod runs;

use std::process::ExitCode;

use scst_reward::TextMetric;
use scst_significance::{Comparison, Counts, Resampling, SignificanceError};
use scst_trainer::Registry;

use crate::{
    arguments::{CompareArguments, DecoderArguments},
    commands::{
        captions::{Side, check_alike, counts_of},
        set_threads,
    },
    failure::Failure,
};
use files::sides_of_files;
use report::{Compared, Report};
use runs::sides_of_runs;

pub(crate) fn run(arguments: &CompareArguments, registry: &Registry) -> Result<ExitCode, Failure> {
    let evaluation = &arguments.evaluation;
    set_threads(evaluation.threads.or_else(|| evaluation.set.threads()))?;
    let paths = match &*arguments.sides {
        [] => vec![arguments.a.clone(), arguments.b.clone()],
        [side] => {
            return Err(Failure::Mistake(format!(
                "found one side, `{}`, expected two or more to compare",
                side.display()
            )));
        }
        sides => sides.iter().map(|side| vec![side.clone()]).collect(),
    };
    let (sides, metrics) = match &arguments.references {
        None => sides_of_runs(&paths, evaluation, registry)?,
        Some(references) => {
            if evaluation.decoder != DecoderArguments::default() {
                return Err(Failure::Mistake(
                    "found options of the decoder with --references, expected none: captions of files are there already"
                        .to_owned(),
                ));
            }
            sides_of_files(&paths, references, arguments)?
        }
    };
    check_alike(sides.iter().flat_map(|side| &side.runs))?;
    compare(arguments, &sides, &metrics)?.print(arguments.json);
    Ok(ExitCode::SUCCESS)
}

/// Compares every side with the first.
fn compare<'a>(
    arguments: &CompareArguments,
    sides: &'a [Side],
    metrics: &[TextMetric],
) -> Result<Report<'a>, Failure> {
    let resampling = Resampling {
        resamples: arguments.resamples,
        seed: arguments.resampling_seed,
    };
    // How the counts of all sides, which are alike, become scores.
    let mut scorer = None;
    let mut counts_of_sides = Vec::with_capacity(sides.len());
    for side in sides {
        let mut of_side = Vec::with_capacity(side.runs.len());
        for run in &side.runs {
            let counts = run.counts(metrics)?;
            of_side.push(counts_of(&counts)?);
            scorer.get_or_insert(counts);
        }
        counts_of_sides.push(of_side);
    }
    let first = scorer.ok_or(SignificanceError::NoRuns)?;
    let scores = |sum: &[f64]| first.scores(sum);
    let mut compared = Vec::with_capacity(sides.len());
    for (k, b) in counts_of_sides.iter().enumerate().skip(1) {
        let comparison = Comparison::new(&counts_of_sides[0], b, &scores)?;
        compared.push(Compared {
            b: k,
            differences: comparison.differences(resampling)?,
        });
    }
    let of_runs = |side: &Vec<Counts>| side.iter().map(|run| scores(&run.sum())).collect();
    Ok(Report {
        split: arguments
            .references
            .is_none()
            .then(|| arguments.evaluation.split().name()),
        sides,
        metrics: first.metrics(),
        scores: counts_of_sides.iter().map(of_runs).collect(),
        compared,
        resampling,
        signature: first.signature(&sides[0].runs[0].words),
    })
}
