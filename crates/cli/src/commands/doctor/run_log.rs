//! A run, from what it has logged so far.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

use scst_trainer::{
    Config, Examination, Registry, Warning,
    events::{
        LogEntry, METRICS_FILE, Record, RecordKind, SAMPLES_FILE, Sample, read_log, read_samples,
    },
    setting_faults,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::finding::{Finding, print};
use crate::{failure::Failure, output::print_line};

/// Name of the file of what came of a run.
const SUMMARY: &str = "summary.json";

/// Tells what is wrong with runs, one after the other.
pub(super) fn run(
    directories: &[PathBuf],
    is_json: bool,
    registry: &Registry,
) -> Result<ExitCode, Failure> {
    let logs = directories.iter().map(|run| Log::read(run, registry));
    let logs: Vec<Log> = logs.collect::<Result<_, _>>()?;
    if is_json {
        let runs: Result<Vec<Value>, Failure> = logs.iter().map(Log::in_json).collect();
        print_line!("{}", json!({ "runs": runs? }));
        return Ok(ExitCode::SUCCESS);
    }
    for log in &logs {
        log.print();
    }
    Ok(ExitCode::SUCCESS)
}

/// What a run has logged.
struct Log {
    directory: PathBuf,
    config: Config,
    entries: Vec<LogEntry>,
    samples: Vec<Sample>,
    /// What it says at its end.
    at_end: Vec<String>,
}

/// What `summary.json` holds of what is told here.
#[derive(Deserialize)]
struct Summary {
    #[serde(default)]
    warnings: Vec<String>,
}

impl Log {
    fn read(directory: &Path, registry: &Registry) -> Result<Self, Failure> {
        let metrics = directory.join(METRICS_FILE);
        if !metrics.is_file() {
            return Err(Failure::Mistake(format!(
                "`{}`: found no `{METRICS_FILE}`, expected the directory of a run",
                directory.display()
            )));
        }
        let path = directory.join("config.toml");
        let config: Config = Config::load(&path, Vec::new(), &registry.captioners)?.into();
        let mistake = |error| Failure::Mistake(format!("{error}"));
        let entries = read_log(&metrics).map_err(mistake)?;
        let samples = directory.join(SAMPLES_FILE);
        let samples = if samples.is_file() {
            read_samples(&samples).map_err(mistake)?
        } else {
            Vec::new()
        };
        let summary = std::fs::read(directory.join(SUMMARY)).ok();
        let summary: Option<Summary> =
            summary.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(Self {
            directory: directory.to_owned(),
            config,
            entries,
            samples,
            at_end: summary.map_or_else(Vec::new, |summary| summary.warnings),
        })
    }

    fn records(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.entries.iter().filter_map(|entry| match entry {
            LogEntry::Record(record) => Some(record),
            LogEntry::Warning(_) | LogEntry::Hash(_) => None,
        })
    }

    /// Steps that are done, as far as it is logged.
    fn steps(&self) -> u64 {
        self.records().next_back().map_or(0, |record| record.step)
    }

    /// What the run has warned of.
    fn logged(&self) -> impl Iterator<Item = Finding> {
        let warnings = self.entries.iter().filter_map(|entry| match entry {
            LogEntry::Record(_) | LogEntry::Hash(_) => None,
            LogEntry::Warning(warning) => Some(warning.clone()),
        });
        let warnings = warnings.map(|w| Finding::logged(w.message, Some(w.stage), w.step));
        let at_end = self.at_end.iter().cloned();
        warnings.chain(at_end.map(|message| Finding::logged(message, None, self.steps())))
    }

    /// All that is wrong, by step: what the rules say of the log, and what the run has warned of beside.
    fn findings(&self) -> Vec<Finding> {
        let of_settings = setting_faults(&self.config, &self.steps_per_epoch())
            .into_iter()
            .map(|setting| Finding::before(&Warning::Setting(setting)));
        let mut examination = Examination::of_log(&self.config, &self.entries, &self.samples);
        let of_rules = examination.take_findings().into_iter().map(|finding| {
            let (stage, step) = (finding.stage.clone(), finding.step);
            Finding::during(&Warning::Fault(finding), &stage, step)
        });
        let mut said = BTreeSet::new();
        let all = of_settings.chain(of_rules).chain(self.logged());
        let mut all: Vec<Finding> = all
            .filter(|finding| said.insert(finding.message.clone()))
            .collect();
        all.sort_by_key(|finding| finding.step);
        all
    }

    /// Steps in an epoch of every stage, as far as the records tell.
    fn steps_per_epoch(&self) -> Vec<Option<f64>> {
        let mut begin = 0;
        let of_stage = |name: &str| {
            let of_stage = |record: &&Record| record.stage == name;
            let last = self.records().rfind(of_stage)?;
            let steps = last.step.saturating_sub(begin) as f64;
            begin = last.step;
            let per_epoch = steps / last.value("epoch")?;
            per_epoch.is_finite().then_some(per_epoch)
        };
        let names = self.config.stages.iter().map(|stage| stage.name.as_str());
        names.map(of_stage).collect()
    }

    fn print(&self) {
        let (run, steps) = (self.directory.display(), self.steps());
        print_line!("run         {run}, {steps} steps");
        for stage in &self.config.stages {
            print_line!("stage       {}", self.stage(&stage.name));
        }
        print(&self.findings());
    }

    /// What came of a stage so far, in the validation metric.
    fn stage(&self, name: &str) -> String {
        let metric = self.config.validation.metric;
        let of_stage = || self.records().filter(|record| record.stage == name);
        let of_kind = |kind: RecordKind| {
            let records = of_stage().filter(move |record| record.kind == kind);
            records.filter_map(|record| record.value(metric.name()))
        };
        if of_stage().next().is_none() {
            return format!("{name}: not begun");
        }
        let validations: Vec<f64> = of_kind(RecordKind::Validation).collect();
        let best = validations.iter().copied().reduce(|best, value| {
            let is_better = (value > best) != metric.smaller_is_better();
            if is_better { value } else { best }
        });
        let start = of_kind(RecordKind::Start).next();
        let named = [
            ("at the start", start),
            ("at best", best),
            ("at last", validations.last().copied()),
        ];
        let values: Vec<String> = named
            .into_iter()
            .filter_map(|(when, value)| Some(format!("{:.4} {when}", value?)))
            .collect();
        if values.is_empty() {
            return format!("{name}: not validated");
        }
        format!("{name}: {} {}", metric.label(), values.join(", "))
    }

    fn in_json(&self) -> Result<Value, Failure> {
        let findings = serde_json::to_value(self.findings());
        Ok(json!({
            "run": self.directory,
            "steps": self.steps(),
            "findings": findings.map_err(|error| Failure::failed(&error))?,
        }))
    }
}
