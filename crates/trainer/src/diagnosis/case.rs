//! A stage as a rule looks at it.

use std::collections::BTreeSet;

use super::{fault::Fault, history::History};
use crate::config::{ScstConfig, StageConfig, ValidationMetric};

/// A stage as a rule looks at it.
pub(super) struct Case<'a> {
    /// How it is configured.
    pub(super) stage: &'a StageConfig,
    /// Its dropout.
    pub(super) dropout: f64,
    /// What checkpoints are compared by.
    pub(super) metric: ValidationMetric,
    /// Mean length of gold captions in words, the end token not counted, if it was logged.
    pub(super) gold_length: Option<f64>,
    /// Its records and sample captions so far.
    pub(super) history: &'a History,
    /// Faults that were found before, by name.
    pub(super) found: &'a BTreeSet<&'static str>,
}

/// A rule: what is wrong, if it is.
pub(super) type Rule = fn(&Case<'_>) -> Option<Fault>;

impl Case<'_> {
    /// Its self-critical training, if it is that.
    pub(super) fn scst(&self) -> Option<&ScstConfig> {
        self.stage.scst.as_ref()
    }

    /// Whether one of these faults was found, of which what is looked for would be a consequence.
    pub(super) fn has_found(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.found.contains(name))
    }
}
