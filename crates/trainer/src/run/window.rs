//! Metrics between two records.

use serde::{Deserialize, Serialize};

use crate::optimise::reduce::Tally;

/// Sums over the steps since the last record; part of every checkpoint, so that a record says the same whether the run
/// was interrupted or not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Window {
    pub(super) tally: Tally,
    pub(super) steps: u64,
    // Checkpoints know it by this name.
    #[serde(rename = "images")]
    pub(super) sources: u64,
    pub(super) tokens: u64,
    pub(super) secs: f64,
}

impl Window {
    /// The means of what was measured, and how fast it went.
    pub(super) fn values(&self, learning_rate: f64) -> Vec<(String, f64)> {
        let mut values = self.tally.means();
        let speed = |count: u64| count as f64 / self.secs;
        values.extend([
            ("learning_rate".to_owned(), learning_rate),
            ("step_secs".to_owned(), self.secs / self.steps.max(1) as f64),
            ("sources_per_sec".to_owned(), speed(self.sources)),
            ("tokens_per_sec".to_owned(), speed(self.tokens)),
        ]);
        values
    }
}
