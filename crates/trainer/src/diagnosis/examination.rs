//! All rules, fed with what a run logs, as it logs it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    captions,
    case::{Case, Rule},
    fault::{Fault, Finding},
    history::History,
    policy, rewards,
};
use crate::{
    config::{Config, StageConfig, ValidationMetric},
    events::{LogEntry, Record, RecordKind, Sample},
};

/// An examination of a run. Each fault is found once a stage, at the step where it becomes true.
///
/// Records, sample captions and warnings are to come in the order of the log, those of a validation after its record. What is
/// found depends on them and the configuration alone.
#[derive(Debug)]
pub struct Examination {
    stages: BTreeMap<String, StageConfig>,
    /// Of the captioner, where a stage has none of its own.
    dropout: f64,
    metric: ValidationMetric,
    /// The stage that runs.
    stage: String,
    history: History,
    /// What was found of it, by name.
    found: BTreeSet<&'static str>,
    /// Mean length of gold captions in words, the end token not counted, in the latest record that says it.
    gold_length: Option<f64>,
    findings: Vec<Finding>,
    /// Step and kind of the latest record, to which the rules are still to be applied.
    unsettled: Option<(u64, RecordKind)>,
}

impl Examination {
    /// Of a run with this configuration that has logged nothing yet.
    pub fn new(config: &Config) -> Self {
        let stages = config.stages.iter();
        Self {
            stages: stages.map(|s| (s.name.clone(), s.clone())).collect(),
            dropout: config.model.dropout(),
            metric: config.validation.metric,
            stage: String::new(),
            history: History::default(),
            found: BTreeSet::new(),
            gold_length: None,
            findings: Vec::new(),
            unsettled: None,
        }
    }

    /// Of a run that has logged all this.
    pub fn of_log(config: &Config, entries: &[LogEntry], samples: &[Sample]) -> Self {
        let mut examination = Self::new(config);
        for entry in entries {
            let record = match entry {
                LogEntry::Record(record) => record,
                LogEntry::Hash(_) => continue,
                LogEntry::Warning(warning) => {
                    examination.warning(&warning.message);
                    continue;
                }
            };
            examination.record(record);
            if record.kind != RecordKind::Train {
                let of_record = samples.iter();
                let of_record =
                    of_record.filter(|s| s.step == record.step && s.stage == record.stage);
                let of_record: Vec<Sample> = of_record.cloned().collect();
                examination.samples(&of_record);
            }
        }
        examination
    }

    /// Takes note of a record.
    pub fn record(&mut self, record: &Record) {
        self.settle();
        if record.stage != self.stage {
            self.stage.clone_from(&record.stage);
            self.history = History::default();
            self.found.clear();
        }
        let is_gold = |stage: &StageConfig| stage.scst.is_none();
        if self.stages.get(&self.stage).is_some_and(is_gold) {
            let length = record.value("caption_length").map(|length| length - 1.0);
            self.gold_length = length.or(self.gold_length);
        }
        match record.kind {
            RecordKind::Train => self.history.train(record),
            RecordKind::Start => self.history.start(record),
            RecordKind::Validation => self.history.validation(record),
        }
        self.unsettled = Some((record.step, record.kind));
    }

    /// Takes note of the sample captions of a validation, whose record came before.
    pub fn samples(&mut self, samples: &[Sample]) {
        if self.history.is_validated() && !samples.is_empty() {
            self.history.samples(samples);
        }
    }

    /// Takes note of what a run warns of by itself, after the record that it is said of.
    pub fn warning(&mut self, message: &str) {
        self.history.warning(message);
    }

    /// What was found since the last call.
    pub fn take_findings(&mut self) -> Vec<Finding> {
        self.settle();
        std::mem::take(&mut self.findings)
    }

    /// Applies the rules to the latest record, once all that belongs to it is there.
    fn settle(&mut self) {
        match self.unsettled.take() {
            Some((step, RecordKind::Train)) => {
                self.apply(step, &rewards::RULES);
                self.apply(step, &policy::RULES);
            }
            Some((step, RecordKind::Validation)) => self.apply(step, &captions::RULES),
            Some((_, RecordKind::Start)) | None => {}
        }
    }

    fn apply(&mut self, step: u64, rules: &[Rule]) {
        let Some(stage) = self.stages.get(&self.stage) else {
            return;
        };
        for rule in rules {
            let case = Case {
                stage,
                dropout: stage.dropout.unwrap_or(self.dropout),
                metric: self.metric,
                gold_length: self.gold_length,
                history: &self.history,
                found: &self.found,
            };
            let fault: Option<Fault> = rule(&case);
            let Some(fault) = fault.filter(|fault| !self.found.contains(fault.name())) else {
                continue;
            };
            self.found.insert(fault.name());
            self.findings.push(Finding {
                stage: self.stage.clone(),
                step,
                fault,
            });
        }
    }
}
