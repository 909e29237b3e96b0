//! Numbers measured in a run.

use serde::{Deserialize, Serialize};

/// Which part of a run a record measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordKind {
    /// Numbers of training steps.
    Train,
    /// Numbers of a pass over the validation split.
    Validation,
    /// Numbers of the weights that a stage begins with, over the validation split.
    Start,
}

impl RecordKind {
    /// The name in files: `train`, `validation` or `start`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Start => "start",
        }
    }
}

/// Named numbers measured at one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Steps taken so far, counted over all stages.
    pub step: u64,
    /// Name of the stage that was running.
    pub stage: String,
    /// What was measured.
    pub kind: RecordKind,
    /// Names and numbers in the order in which they are written.
    pub values: Vec<(String, f64)>,
}

impl Record {
    /// The number called `name`, if there is one.
    pub fn value(&self, name: &str) -> Option<f64> {
        let mut values = self.values.iter();
        values.find(|(key, _)| key == name).map(|&(_, value)| value)
    }

    /// Whether the baseline equals the reward but for rounding: so by construction where it is the mean reward of a
    /// source's own samples or of the others (`mean`, `leave_one_out`), and there is nothing to see in it.
    pub fn baseline_is_reward(&self) -> bool {
        let (reward, baseline) = (self.value("reward"), self.value("baseline"));
        reward.zip(baseline).is_some_and(|(reward, baseline)| {
            (reward - baseline).abs() <= 1e-9 * reward.abs().max(1.0)
        })
    }
}

/// A record and the Unix time at which it was written.
#[derive(Debug)]
pub(super) struct StampedRecord {
    pub(super) record: Record,
    pub(super) wall_secs: f64,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn train(step: u64, loss: f64) -> Record {
        Record {
            step,
            stage: "xe".to_owned(),
            kind: RecordKind::Train,
            values: vec![
                ("loss".to_owned(), loss),
                ("learning_rate".to_owned(), 5e-4),
            ],
        }
    }
}
