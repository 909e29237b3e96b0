//! Sequence objectives of other crates, by the names under which configurations ask for them.

use std::{collections::BTreeMap, error::Error, fmt, sync::Arc};

use thiserror::Error;

use crate::config::CustomObjectiveConfig;

/// What becomes of the rewards of the captions that were sampled for a source: the weight `c` of every word in
/// `c (p - 1_w)`, the gradient at the softmax inputs.
pub trait CustomObjective: Send + Sync {
    /// The weight of every word of every sample of one source. All that is read is detached.
    ///
    /// # Errors
    /// Whatever keeps it from weighing; the run ends with it.
    fn weights(
        &self,
        samples: &[JudgedSample<'_>],
    ) -> Result<Vec<Vec<f64>>, Box<dyn Error + Send + Sync>>;
}

/// A caption that was sampled and judged. Lists have an entry for every word.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct JudgedSample<'a> {
    /// Its word ids, up to and including the end token if it has one.
    pub words: &'a [u32],
    /// Its reward.
    pub reward: f64,
    /// Its reward over its baseline, as `baseline`, `advantage_scale` and `credit` say.
    pub advantages: &'a [f64],
    /// Log-probabilities of the words by the model as it is, nats.
    pub log_probabilities: &'a [f64],
    /// The same where the sample was drawn: another number in later updates on the same samples, and with `sampling`.
    pub drawn: &'a [f64],
}

/// Why an objective of another crate cannot be had, or does not weigh.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ObjectiveError {
    /// A name that nobody registered.
    #[error("`objective.custom.name`: found `{found}`, expected {expected}")]
    NotRegistered {
        /// The name.
        found: String,
        /// The names that there are.
        expected: String,
    },
    /// Options that it cannot have.
    #[error("objective `{name}`: {source}")]
    Options {
        /// Its name.
        name: String,
        /// What is wrong with them.
        source: Box<dyn Error + Send + Sync>,
    },
    /// It failed at the samples of a source.
    #[error("objective `{name}` failed: {source}")]
    Failed {
        /// Its name.
        name: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Other weights than one of every word.
    #[error("objective `{name}`: found {found} of a source's samples, expected {expected}")]
    Weights {
        /// Its name.
        name: String,
        /// What it gave.
        found: String,
        /// What it should have given.
        expected: String,
    },
}

impl ObjectiveError {
    /// Whether the configuration is at fault, not the objective.
    pub fn is_mistake(&self) -> bool {
        matches!(self, Self::NotRegistered { .. } | Self::Options { .. })
    }
}

/// Makes an objective from its table in a configuration.
type Factory = Box<
    dyn Fn(&CustomObjectiveConfig) -> Result<Arc<dyn CustomObjective>, Box<dyn Error + Send + Sync>>
        + Send
        + Sync,
>;

/// The objectives that a program adds to the built-in ones: `objective = { custom = { name = "..." } }` chooses one.
#[derive(Default)]
pub struct ObjectiveRegistry {
    factories: BTreeMap<String, Factory>,
}

impl ObjectiveRegistry {
    /// Registers what makes an objective, in place of what had the name before.
    pub fn register<O: CustomObjective + 'static>(
        &mut self,
        name: impl Into<String>,
        factory: impl Fn(&CustomObjectiveConfig) -> Result<O, Box<dyn Error + Send + Sync>>
        + Send
        + Sync
        + 'static,
    ) {
        let shared = move |config: &CustomObjectiveConfig| {
            let objective: Arc<dyn CustomObjective> = Arc::new(factory(config)?);
            Ok(objective)
        };
        self.factories.insert(name.into(), Box::new(shared));
    }

    /// The objective of a table.
    ///
    /// # Errors
    /// [`ObjectiveError`] for a name that is not registered, or that of what makes the objective.
    pub(crate) fn objective(
        &self,
        config: &CustomObjectiveConfig,
    ) -> Result<NamedObjective, ObjectiveError> {
        let name = config.name.clone();
        let Some(factory) = self.factories.get(&name) else {
            let names: Vec<String> = self
                .factories
                .keys()
                .map(|own| format!("`{own}`"))
                .collect();
            return Err(ObjectiveError::NotRegistered {
                found: name,
                expected: if names.is_empty() {
                    "a built-in objective: this program has none of its own".to_owned()
                } else {
                    format!("one that this program has of its own: {}", names.join(", "))
                },
            });
        };
        match factory(config) {
            Ok(objective) => Ok(NamedObjective { name, objective }),
            Err(source) => Err(ObjectiveError::Options { name, source }),
        }
    }
}

impl fmt::Debug for ObjectiveRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.factories.keys()).finish()
    }
}

/// An objective of another crate with its name.
#[derive(Clone)]
pub(crate) struct NamedObjective {
    name: String,
    objective: Arc<dyn CustomObjective>,
}

impl NamedObjective {
    /// The weights of the samples of one source, a finite one of every word.
    ///
    /// # Errors
    /// [`ObjectiveError`] when it gives others, or fails.
    pub(crate) fn weights(
        &self,
        samples: &[JudgedSample<'_>],
    ) -> Result<Vec<Vec<f64>>, ObjectiveError> {
        let wrong = |found, expected| {
            let name = self.name.clone();
            ObjectiveError::Weights {
                name,
                found,
                expected,
            }
        };
        let weights = self.objective.weights(samples).map_err(|source| {
            let name = self.name.clone();
            ObjectiveError::Failed { name, source }
        })?;
        if weights.len() != samples.len() {
            let found = format!("weights of {} samples", weights.len());
            return Err(wrong(found, format!("those of {}", samples.len())));
        }
        for (n, (own, sample)) in weights.iter().zip(samples).enumerate() {
            if own.len() != sample.words.len() {
                let found = format!("{} weights of sample {n}", own.len());
                let expected = format!("{}, one of every word", sample.words.len());
                return Err(wrong(found, expected));
            }
            if let Some(weight) = own.iter().find(|weight| !weight.is_finite()) {
                let found = format!("the weight {weight} of sample {n}");
                return Err(wrong(found, "finite ones".to_owned()));
            }
        }
        Ok(weights)
    }
}
