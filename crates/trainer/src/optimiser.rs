//! The optimiser: Burn's Adam and AdamW, with states kept by parameter name.

use std::collections::BTreeMap;

use burn::{
    optim::{
        Adam, AdamConfig, AdamState, AdamW, AdamWConfig, AdamWState, AdaptiveMomentumState,
        Optimizer,
    },
    tensor::Tensor,
};
use scst_model::{Captioner, Gradients};

use crate::config::OptimiserConfig;

/// An optimiser with its moments.
///
/// Moments are kept by parameter name, so that they can be stored beside the weights and loaded
/// onto any device.
pub(crate) struct Optimiser {
    rule: Rule,
    /// Number of updates so far.
    updates: u64,
    moments: BTreeMap<String, Moments>,
}

enum Rule {
    Adam(Adam),
    AdamW(AdamW),
}

/// First and second moment of one parameter, flattened.
#[derive(Debug, Clone)]
pub(crate) struct Moments {
    pub(crate) first: Tensor<1>,
    pub(crate) second: Tensor<1>,
}

impl Optimiser {
    /// An optimiser without any moments yet.
    pub(crate) fn new(config: &OptimiserConfig) -> Self {
        Self::with_moments(config, 0, BTreeMap::new())
    }

    /// An optimiser that goes on with stored moments.
    pub(crate) fn with_moments(
        config: &OptimiserConfig,
        updates: u64,
        moments: BTreeMap<String, Moments>,
    ) -> Self {
        let rule = match config {
            OptimiserConfig::Adam(config) => Rule::Adam(
                AdamConfig::new()
                    .with_beta_1(config.beta_1 as f32)
                    .with_beta_2(config.beta_2 as f32)
                    .with_epsilon(config.epsilon as f32)
                    .build(),
            ),
            OptimiserConfig::Adamw(config) => Rule::AdamW(
                AdamWConfig::new()
                    .with_beta_1(config.beta_1 as f32)
                    .with_beta_2(config.beta_2 as f32)
                    .with_epsilon(config.epsilon as f32)
                    .with_weight_decay(config.weight_decay as f32)
                    .build(),
            ),
        };
        Self {
            rule,
            updates,
            moments,
        }
    }

    /// Number of updates so far.
    pub(crate) fn updates(&self) -> u64 {
        self.updates
    }

    /// All moments, by parameter name.
    pub(crate) fn moments(&self) -> &BTreeMap<String, Moments> {
        &self.moments
    }

    /// The captioner after one update. Parameters without a gradient stay as they are.
    pub(crate) fn step(
        &mut self,
        captioner: Captioner,
        mut gradients: Gradients,
        learning_rate: f64,
    ) -> Captioner {
        let time = self.updates as usize;
        self.updates += 1;
        captioner.update(|name, values| {
            let Some(gradient) = gradients.remove(name) else {
                return values;
            };
            let before = self
                .moments
                .remove(name)
                .map(|m| AdaptiveMomentumState::new(time, m.first, m.second));
            let (values, after) = match &self.rule {
                Rule::Adam(adam) => {
                    let state = before.map(AdamState::new);
                    let (values, state) = adam.step(learning_rate, values, gradient, state);
                    (values, state.map(|state| state.momentum))
                }
                Rule::AdamW(adamw) => {
                    let state = before.map(AdamWState::new);
                    let (values, state) = adamw.step(learning_rate, values, gradient, state);
                    (values, state.map(|state| state.momentum))
                }
            };
            if let Some(state) = after {
                let moments = Moments {
                    first: state.moment_1,
                    second: state.moment_2,
                };
                self.moments.insert(name.to_owned(), moments);
            }
            values
        })
    }
}
