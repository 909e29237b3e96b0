//! `scst report`: a page of what became of runs.

mod outputs;
mod pictures;
mod run_files;
mod scores;

use std::{collections::BTreeSet, process::ExitCode};

use scst_files::write_bytes_atomically;
use scst_model::CaptionerRegistry;
use scst_report::{Metric, Names, Report, ReportError, Run, Source, page, text};
use scst_reward::{BadEndingPenaltyOptions, ReportMetric};
use scst_significance::LEVEL;
use scst_trainer::Config;

use crate::{
    arguments::ReportArguments,
    commands::{captions::check_alike, set_threads},
    failure::Failure,
    output::{note, print_line},
};
use outputs::Decoding;
use pictures::add_pictures;
use run_files::RunFiles;
use scores::{Scored, score};

pub(crate) fn run(
    arguments: &ReportArguments,
    captioners: &CaptionerRegistry,
) -> Result<ExitCode, Failure> {
    let evaluation = &arguments.evaluation;
    set_threads(evaluation.threads.or_else(|| evaluation.set.threads()))?;
    let report = gather(arguments, captioners)?;
    if arguments.text {
        print_line!("{}", text(&report)?.trim_end());
    } else {
        let written = write_bytes_atomically(&arguments.out, page(&report)?.as_bytes());
        written.map_err(|error| Failure::failed(&error))?;
        note!("{}", arguments.out.display());
    }
    Ok(ExitCode::SUCCESS)
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        Self::failed(&error)
    }
}

/// All that the report shows.
fn gather(arguments: &ReportArguments, captioners: &CaptionerRegistry) -> Result<Report, Failure> {
    // All that can be missing is looked for before the first caption is decoded, which takes long.
    let mut files = Vec::with_capacity(arguments.runs.len());
    for path in &arguments.runs {
        files.push(RunFiles::read(path, captioners)?);
    }
    let mut warned = BTreeSet::new();
    let mut sides = Vec::with_capacity(files.len());
    for files in &files {
        let decoding = Decoding {
            arguments: &arguments.evaluation,
            captioners,
        };
        sides.push(decoding.outputs(files, &mut warned)?);
    }
    let all = sides.iter().flat_map(|side| &side.outputs);
    check_alike(all.flat_map(|output| &output.runs))?;
    let scored = score(&sides, arguments.resamples)?;
    let config = &sides[0].config;
    let mut report = head(arguments, config, &scored);
    report.sources = sides[0].sources.clone();
    for (k, (side, files)) in sides.iter().zip(files).enumerate() {
        let mut run = Run {
            name: files.name,
            configuration: files.configuration,
            decoder: side.decoder.clone(),
            signatures: vec![("scores".to_owned(), side.signature.clone())],
            warnings: files.warnings,
            stages: files.stages,
            seeds: files.records,
            ..Run::default()
        };
        scored.fill(k, side, report.main_metric, &mut run);
        report.runs.push(run);
    }
    if let Some(folder) = &arguments.images {
        add_pictures(&mut report, folder)?;
    }
    Ok(report)
}

/// What all runs have in common.
fn head(arguments: &ReportArguments, config: &Config, scored: &Scored) -> Report {
    let names = config.data.names();
    let runs = arguments.runs.iter().map(|path| path.display().to_string());
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
        split: arguments.evaluation.split().name().to_owned(),
        names: Names {
            source: names.source.to_owned(),
            sources: names.sources.to_owned(),
            target: names.target.to_owned(),
            targets: names.targets.to_owned(),
        },
        metrics,
        main_metric: main.unwrap_or(0),
        sources: Vec::<Source>::new(),
        runs: Vec::new(),
        bad_endings,
        level: LEVEL,
        resamples: arguments.resamples,
    }
}
