//! The captions of runs: decoded here, as `scst eval` does.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use scst_model::CaptionerRegistry;
use scst_reward::TextMetric;
use scst_trainer::{Checkpoint, Config, EvaluationReport};

use super::captions::{Captions, Side};
use crate::{
    arguments::EvaluationArguments,
    commands::{
        evaluation::evaluate_run,
        seed_runs::{SeedRuns, run_of},
    },
    failure::Failure,
    output::note,
};

/// The sides, and the metrics of raw text that any of the runs asks for.
pub(super) fn sides_of_runs(
    paths: &[Vec<PathBuf>],
    arguments: &EvaluationArguments,
    captioners: &CaptionerRegistry,
) -> Result<(Vec<Side>, Vec<TextMetric>), Failure> {
    // All of them are read before the first is decoded, which takes long.
    let mut opened = Vec::with_capacity(paths.len());
    for paths in paths {
        let open = |path: PathBuf| {
            let checkpoint = Checkpoint::load_run_or_checkpoint(&path, captioners)?;
            Ok((path, checkpoint))
        };
        let runs = runs_of(paths)?.into_iter().map(open);
        opened.push((paths, runs.collect::<Result<Vec<_>, Failure>>()?));
    }
    let (mut sides, mut metrics, mut warned) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (paths, of_side) in opened {
        let mut runs = Vec::new();
        for (path, checkpoint) in of_side {
            note!("captions of {}", path.display());
            let run = (&*path, checkpoint);
            let (config, report) = evaluate_run(run, &[], arguments, captioners, &mut warned)?;
            metrics.extend(config.validation.raw_text());
            runs.push(captions(&path, &config, report));
        }
        sides.push(Side::of(paths, runs));
    }
    Ok((sides, metrics))
}

/// The runs that paths name: a directory of several seeds stands for all of them.
fn runs_of(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut runs = Vec::new();
    for path in paths {
        match SeedRuns::read(path)? {
            Some(found) => runs.extend(found.seeds.iter().map(|&seed| run_of(path, seed))),
            None => runs.push(path.clone()),
        }
    }
    Ok(runs)
}

fn captions(path: &Path, config: &Config, report: EvaluationReport) -> Captions {
    let mut parts = report.signature.split(['|', '+']);
    let words = parts.find(|part| part.starts_with("words:"));
    let words = words.map_or(String::new(), |words| format!("|{words}"));
    let mut captions = Captions {
        path: path.display().to_string(),
        kind: config.data.names().sources,
        sources: Vec::new(),
        texts: Vec::new(),
        references: Vec::new(),
        raw: None,
        decoder: Some(report.decoder),
        words,
    };
    for scored in report.captions {
        captions.sources.push(scored.image);
        captions.texts.push(scored.caption);
        captions.references.push(scored.references);
    }
    captions
}
