//! A configuration before its first step.

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use scst_trainer::{
    Checkup, Config, FeatureStatistics, Registry, Trial,
    config::{Names, ValidConfig},
    examine,
};
use serde_json::{Value, json};

use super::finding::{Finding, print};
use crate::{
    arguments::DoctorArguments,
    commands::{INTERRUPTED, check, set_threads},
    failure::Failure,
    output::{note, print_line},
};

pub(super) fn run(arguments: DoctorArguments, registry: &Registry) -> Result<ExitCode, Failure> {
    let (steps, is_json) = (arguments.steps, arguments.json);
    let path = arguments.subject.clone();
    let overrides = arguments.into_config().overrides()?;
    let config = Config::load(&path, overrides, &registry.captioners)?;
    set_threads(config.threads)?;
    let checkup = examine(&config, registry, &mut check::Progress::new());
    let findings: Vec<Finding> = checkup
        .findings
        .warnings
        .iter()
        .map(Finding::before)
        .collect();
    if !is_json {
        check::print(&config, &checkup.findings);
        print_more(&checkup, config.data.names());
    }
    let trial = match trial(&config, &checkup, steps, registry)? {
        Timed::Not => None,
        Timed::Steps(trial) => Some(trial),
        Timed::Interrupted => return Ok(ExitCode::from(INTERRUPTED)),
    };
    if is_json {
        print_line!("{}", in_json(&path, &checkup, trial.as_ref(), &findings)?);
    } else {
        trial.iter().for_each(print_trial);
        if !findings.is_empty() || checkup.findings.problems.is_empty() {
            print(&findings);
        }
    }
    Ok(check::exit_code(checkup.findings.problems))
}

/// What came of timing a few steps.
enum Timed {
    /// They are not wanted, or cannot be taken.
    Not,
    Steps(Trial),
    Interrupted,
}

/// Times a few steps, if they are wanted and nothing keeps a run from them.
fn trial(
    config: &ValidConfig,
    checkup: &Checkup,
    steps: u64,
    registry: &Registry,
) -> Result<Timed, Failure> {
    let sources = checkup.resolution.map(|resolution| resolution.sources);
    let (Some(sources), true) = (sources, checkup.findings.problems.is_empty() && steps > 0) else {
        return Ok(Timed::Not);
    };
    note!("timing {steps} steps of every stage");
    let stop = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&stop);
    // What the steps leave is removed before the program ends.
    ctrlc::set_handler(move || raised.store(true, Ordering::Relaxed))
        .map_err(|error| Failure::Failed(format!("cannot listen for Ctrl-C: {error}")))?;
    let stages = &checkup.findings.stages;
    let trial = Trial::take(config, stages, sources, steps, registry, &stop)?;
    Ok(trial.map_or(Timed::Interrupted, Timed::Steps))
}

fn print_more(checkup: &Checkup, names: Names) {
    if let Some(counts) = checkup.references {
        print_line!(
            "references  {:.1} of each of the {} to train on, {} to {}",
            counts.mean,
            names.sources,
            counts.fewest,
            counts.most
        );
    }
    if let Some(features) = &checkup.features {
        print_features(features);
    }
    if let Some(table) = &checkup.document_frequency {
        print_line!(
            "frequencies {table}, counted of the captions to train on, in words of this vocabulary"
        );
    }
    if let Some(resolution) = checkup.resolution {
        print_line!(
            "validation  {} {} tell captioners apart that differ by {:.3} or more in {}",
            resolution.sources,
            names.sources,
            resolution.difference,
            resolution.metric.label()
        );
    }
}

fn print_features(features: &FeatureStatistics) {
    let FeatureStatistics {
        images,
        dimension,
        low,
        high,
        constant,
        equal,
        ..
    } = features;
    print_line!(
        "values      {low:.2} to {high:.2}; {constant} of {dimension} dimensions constant; {equal} of {images} images with the \
         features of another"
    );
}

fn print_trial(trial: &Trial) {
    for stage in &trial.stages {
        print_line!(
            "time        {}: {} ({:.0} ms a step, {} a validation)",
            stage.name,
            time(stage.secs),
            1e3 * stage.step_secs,
            time(stage.validation_secs)
        );
    }
    let secs: f64 = trial.stages.iter().map(|stage| stage.secs).sum();
    print_line!(
        "            {} in all, less once captions end by themselves",
        time(secs)
    );
    if let Some(memory) = trial.peak_rss_mib {
        print_line!("memory      {memory} MiB at its peak");
    }
}

/// A time in the unit that suits it.
fn time(secs: f64) -> String {
    match secs {
        0.0..10.0 => format!("{secs:.1} s"),
        10.0..100.0 => format!("{secs:.0} s"),
        100.0..6000.0 => format!("{:.0} min", secs / 60.0),
        _ => format!("{:.1} h", secs / 3600.0),
    }
}

fn in_json(
    path: &PathBuf,
    checkup: &Checkup,
    trial: Option<&Trial>,
    findings: &[Finding],
) -> Result<Value, Failure> {
    let failed = |error: serde_json::Error| Failure::failed(&error);
    let data = checkup.findings.data.as_ref();
    let problems = checkup.findings.problems.iter();
    Ok(json!({
        "config": path,
        "data": data.map(|data| json!({
            "train": data.train_sources,
            "val": data.val_sources,
            "test": data.test_sources,
            "targets": data.train_captions,
            "words": data.words,
            "vocabulary": data.vocabulary,
            "unknown_share": data.unknown_share(),
            "cut_share": data.cut_share(),
            "longest": data.longest_caption,
        })),
        "references": checkup.references.map(|counts| json!({
            "fewest": counts.fewest,
            "mean": counts.mean,
            "most": counts.most,
        })),
        "features": checkup.features.as_ref().map(|features| json!({
            "dimension": features.dimension,
            "low": features.low,
            "high": features.high,
            "constant_dimensions": features.constant,
            "equal_images": features.equal,
        })),
        "document_frequency": checkup.document_frequency,
        "validation": checkup.resolution.map(|resolution| json!({
            "sources": resolution.sources,
            "metric": resolution.metric.name(),
            "difference": resolution.difference,
        })),
        "stages": trial.iter().flat_map(|trial| &trial.stages).map(|stage| json!({
            "name": stage.name,
            "step_secs": stage.step_secs,
            "validation_secs": stage.validation_secs,
            "secs": stage.secs,
        })).collect::<Value>(),
        "peak_rss_mib": trial.and_then(|trial| trial.peak_rss_mib),
        "findings": serde_json::to_value(findings).map_err(failed)?,
        "problems": problems.map(ToString::to_string).collect::<Vec<_>>(),
    }))
}
