//! What the rules see of a stage.

use crate::events::{Record, Sample};

/// Records of training that are kept of the beginning of a stage.
const FIRST: usize = 3;
/// Records that are kept of its end so far.
const LAST: usize = 40;
/// Validations whose sample captions are kept.
const SAMPLED: usize = 4;
/// What has to hold over so many records in a row is no accident.
const LEAST_RECORDS: usize = 3;
/// And so many steps lie between the first and the last of them.
const LEAST_STEPS: u64 = 30;

/// The records and sample captions of a stage so far. Nothing is kept that grows with the length of the stage but its
/// validations.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The first records of training.
    first: Vec<Record>,
    /// The latest.
    latest: Vec<Record>,
    /// The validation of what the stage began with.
    start: Option<Record>,
    /// Those after it.
    validations: Vec<Record>,
    /// Sample captions of the latest validations after the start.
    samples: Vec<Vec<Sample>>,
    /// What was warned of.
    warnings: Vec<String>,
}

impl History {
    /// Takes note of a record of training.
    pub(super) fn train(&mut self, record: &Record) {
        if self.first.len() < FIRST {
            self.first.push(record.clone());
        }
        if self.latest.len() == LAST {
            self.latest.remove(0);
        }
        self.latest.push(record.clone());
    }

    /// Takes note of a validation of what the stage began with.
    pub(super) fn start(&mut self, record: &Record) {
        self.start = Some(record.clone());
    }

    /// Takes note of a validation after a step.
    pub(super) fn validation(&mut self, record: &Record) {
        self.validations.push(record.clone());
    }

    /// Takes note of the sample captions of a validation after a step.
    pub(super) fn samples(&mut self, samples: &[Sample]) {
        if self.samples.len() == SAMPLED {
            self.samples.remove(0);
        }
        self.samples.push(samples.to_vec());
    }

    /// The means of a number over the first and over the latest records, if there are enough that no record is in both.
    pub(super) fn change(&self, name: &str) -> Option<[f64; 2]> {
        let late = self.window()?;
        let (first, next) = (self.first.last()?, late.first()?);
        if self.first.len() < FIRST || next.step <= first.step {
            return None;
        }
        let means = [self.first.as_slice(), late].map(|records| mean(&numbers(records, name)?));
        Some([means[0]?, means[1]?])
    }

    /// A number of the latest records, as many as are needed to rule out an accident.
    pub(super) fn late(&self, name: &str) -> Option<Vec<f64>> {
        numbers(self.window()?, name)
    }

    fn window(&self) -> Option<&[Record]> {
        let last = self.latest.last()?.step;
        let is_long = |record: &Record| last - record.step >= LEAST_STEPS;
        let begin = self.latest.iter().rposition(is_long)?;
        let begin = begin.min(self.latest.len().checked_sub(LEAST_RECORDS)?);
        Some(&self.latest[begin..])
    }

    /// Takes note of what was warned of.
    pub(super) fn warning(&mut self, message: &str) {
        self.warnings.push(message.to_owned());
    }

    /// What was warned of.
    pub(super) fn warnings(&self) -> impl Iterator<Item = &str> {
        self.warnings.iter().map(String::as_str)
    }

    /// A number of the latest record.
    pub(super) fn latest(&self, name: &str) -> Option<f64> {
        self.latest.last()?.value(name)
    }

    /// A number of the validation that the stage began with.
    pub(super) fn at_start(&self, name: &str) -> Option<f64> {
        self.start.as_ref()?.value(name)
    }

    /// A number of the last `count` validations after a step, if there are so many.
    pub(super) fn validated(&self, name: &str, count: usize) -> Option<Vec<f64>> {
        let begin = self.validations.len().checked_sub(count)?;
        numbers(&self.validations[begin..], name)
    }

    /// Steps from the start to the latest validation.
    pub(super) fn steps(&self) -> Option<u64> {
        let start = self.start.as_ref()?.step;
        Some(self.validations.last()?.step.saturating_sub(start))
    }

    /// Whether there was a validation after a step.
    pub(super) fn is_validated(&self) -> bool {
        !self.validations.is_empty()
    }

    /// The sample captions of the latest validations.
    pub(super) fn sample_captions(&self) -> impl Iterator<Item = &Sample> {
        self.samples.iter().flatten()
    }
}

/// A number of all these records; none if one lacks it.
fn numbers(records: &[Record], name: &str) -> Option<Vec<f64>> {
    records.iter().map(|record| record.value(name)).collect()
}

/// The mean, if there is one.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
