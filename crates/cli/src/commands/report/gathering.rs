//! All that a report shows, from the files and captions of runs.

use std::{collections::BTreeSet, path::PathBuf};

use scst_report::{Metric, Names, Report, Run};
use scst_reward::{BadEndingPenaltyOptions, ReportMetric};
use scst_significance::LEVEL;
use scst_trainer::{Config, Registry};

use super::{
    outputs::Decoding,
    run_files::{Checkpoints, RunFiles},
    scores::{Scored, score},
};
use crate::{
    arguments::EvaluationArguments,
    commands::{captions::check_alike, evaluation::Looks},
    failure::Failure,
};

/// Of what a report is made.
pub(super) struct Gathering<'a> {
    pub(super) runs: &'a [PathBuf],
    pub(super) checkpoints: Checkpoints,
    pub(super) evaluation: &'a EvaluationArguments,
    pub(super) resamples: usize,
}

/// What there is to show.
pub(super) struct Gathered {
    pub(super) report: Report,
    /// The configuration of the first run.
    pub(super) config: Config,
    /// Where its captioner looked in a few images, if it attends.
    pub(super) attention: Vec<Looks>,
}

impl Gathering<'_> {
    /// All that the report shows but photos.
    pub(super) fn gather(&self, registry: &Registry) -> Result<Gathered, Failure> {
        // All that can be missing is looked for before the first caption is decoded, which takes long.
        let mut files = Vec::with_capacity(self.runs.len());
        for path in self.runs {
            files.push(RunFiles::read(
                path,
                self.checkpoints,
                &registry.captioners,
            )?);
        }
        let mut warned = BTreeSet::new();
        let mut sides = Vec::with_capacity(files.len());
        for files in &files {
            let decoding = Decoding {
                arguments: self.evaluation,
                registry,
            };
            sides.push(decoding.outputs(files, &mut warned)?);
        }
        let all = sides.iter().flat_map(|side| &side.outputs);
        check_alike(all.flat_map(|output| &output.runs))?;
        let scored = score(&sides, self.resamples)?;
        let config = sides[0].config.clone();
        let mut report = self.head(&config, &scored);
        report.sources.clone_from(&sides[0].sources);
        for (k, (side, files)) in sides.iter().zip(files).enumerate() {
            let mut signatures = vec![("scores".to_owned(), side.signature.clone())];
            signatures.extend(files.signatures);
            let mut run = Run {
                name: files.name,
                configuration: files.configuration,
                decoder: side.decoder.clone(),
                signatures,
                warnings: files.warnings,
                stages: files.stages,
                seeds: files.records,
                ..Run::default()
            };
            scored.fill(k, side, report.main_metric, &mut run);
            report.runs.push(run);
        }
        let last = sides.remove(0).outputs.pop();
        Ok(Gathered {
            report,
            config,
            attention: last.map_or_else(Vec::new, |output| output.attention),
        })
    }

    /// What all runs have in common.
    fn head(&self, config: &Config, scored: &Scored) -> Report {
        let names = config.data.names();
        let runs = self.runs.iter().map(|path| path.display().to_string());
        let metric = |metric: &ReportMetric| Metric {
            name: metric.name(),
            label: metric.label(),
            smaller_is_better: metric.smaller_is_better(),
        };
        let metrics: Vec<Metric> = scored.metrics.iter().map(metric).collect();
        let main = config.validation.metric.name();
        let main = metrics.iter().position(|metric| metric.name == main);
        let bad_endings = match &config.data.text {
            None => BadEndingPenaltyOptions::default().words,
            Some(_) => Vec::new(),
        };
        Report {
            title: runs.collect::<Vec<_>>().join(", "),
            split: self.evaluation.split().name().to_owned(),
            names: Names {
                source: names.source.to_owned(),
                sources: names.sources.to_owned(),
                target: names.target.to_owned(),
                targets: names.targets.to_owned(),
            },
            metrics,
            main_metric: main.unwrap_or(0),
            sources: Vec::new(),
            runs: Vec::new(),
            bad_endings,
            level: LEVEL,
            resamples: self.resamples,
        }
    }
}
