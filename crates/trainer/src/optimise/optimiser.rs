//! The optimiser: Adam and AdamW, with states kept by parameter name.

use std::collections::BTreeMap;

#[cfg(feature = "cube")]
use burn::tensor::DType;
use burn::{
    optim::{
        Adam, AdamConfig as BurnAdamConfig, AdamState, AdamW, AdamWConfig as BurnAdamWConfig,
        AdamWState, AdaptiveMomentumState, Optimizer,
    },
    tensor::Tensor,
};
#[cfg(feature = "cube")]
use scst_kernels::cube;
use scst_kernels::{
    adam::{AdamStep, adam},
    host::{Values, View, is_host},
};
use scst_model::{Captioner, Gradients};

use crate::config::{AdamConfig, AdamWConfig, OptimiserConfig};

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
    Adam { config: AdamConfig, burn: Adam },
    AdamW { config: AdamWConfig, burn: AdamW },
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
            OptimiserConfig::Adam(config) => Rule::Adam {
                config: config.clone(),
                burn: BurnAdamConfig::new()
                    .with_beta_1(config.beta_1 as f32)
                    .with_beta_2(config.beta_2 as f32)
                    .with_epsilon(config.epsilon as f32)
                    .build(),
            },
            OptimiserConfig::Adamw(config) => Rule::AdamW {
                config: config.clone(),
                burn: BurnAdamWConfig::new()
                    .with_beta_1(config.beta_1 as f32)
                    .with_beta_2(config.beta_2 as f32)
                    .with_epsilon(config.epsilon as f32)
                    .with_weight_decay(config.weight_decay as f32)
                    .build(),
            },
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

    /// The captioner after one update with `clamp(scale * gradient, -bound, bound)`; `bound` is infinite for no
    /// clipping. Parameters without a gradient stay as they are.
    pub(crate) fn step(
        &mut self,
        captioner: Captioner,
        mut gradients: Gradients,
        scale: f64,
        bound: f64,
        learning_rate: f64,
    ) -> Captioner {
        let time = self.updates;
        self.updates += 1;
        #[cfg(feature = "cube")]
        if cube::runs_on(&captioner.device(), DType::F32) {
            let step = self.rule.in_one_pass(scale, bound, learning_rate, time);
            return self.step_on_device(&step, captioner, gradients);
        }
        captioner.update(|name, values| {
            let Some(gradient) = gradients.remove(name) else {
                return values;
            };
            let before = self.moments.remove(name);
            let (device, dtype) = (values.device(), values.dtype());
            let (values, after) = if is_host(&device, dtype) {
                let step = self.rule.in_one_pass(scale, bound, learning_rate, time);
                step_on_host(&step, values, gradient, before)
            } else {
                let gradient = gradient.mul_scalar(scale);
                let gradient = if bound.is_finite() {
                    gradient.clamp(-bound, bound)
                } else {
                    gradient
                };
                self.rule
                    .by_tensor_operations(learning_rate, values, gradient, before, time)
            };
            if let Some(moments) = after {
                self.moments.insert(name.to_owned(), moments);
            }
            values
        })
    }
}

#[cfg(feature = "cube")]
impl Optimiser {
    /// The same by kernels, several parameters a launch.
    fn step_on_device(
        &mut self,
        step: &AdamStep,
        captioner: Captioner,
        mut gradients: Gradients,
    ) -> Captioner {
        let (mut names, mut parameters) = (Vec::new(), Vec::new());
        for parameter in captioner.parameters() {
            let (name, weights) = (parameter.name, parameter.values);
            if let Some(gradient) = gradients.remove(&name) {
                let before = self.moments.remove(&name);
                let Moments { first, second } = before.unwrap_or_else(|| Moments {
                    first: weights.zeros_like(),
                    second: weights.zeros_like(),
                });
                names.push(name);
                parameters.push(cube::adam::Parameter {
                    weights,
                    gradient,
                    first,
                    second,
                });
            }
        }
        let mut stepped = BTreeMap::new();
        for (name, after) in names.into_iter().zip(cube::adam::adam(step, parameters)) {
            let (first, second) = (after.first, after.second);
            self.moments.insert(name.clone(), Moments { first, second });
            stepped.insert(name, after.weights);
        }
        captioner.update(|name, values| stepped.remove(name).unwrap_or(values))
    }
}

impl Rule {
    /// Burn's own step, tensor operation after tensor operation.
    fn by_tensor_operations(
        &self,
        learning_rate: f64,
        values: Tensor<1>,
        gradient: Tensor<1>,
        before: Option<Moments>,
        time: u64,
    ) -> (Tensor<1>, Option<Moments>) {
        // A parameter that has its first gradient late counts the same updates as all others.
        let before = before.unwrap_or_else(|| Moments {
            first: values.zeros_like(),
            second: values.zeros_like(),
        });
        let before = AdaptiveMomentumState::new(time as usize, before.first, before.second);
        let (values, after) = match self {
            Self::Adam { burn, .. } => {
                let state = Some(AdamState::new(before));
                let (values, state) = burn.step(learning_rate, values, gradient, state);
                (values, state.map(|state| state.momentum))
            }
            Self::AdamW { burn, .. } => {
                let state = Some(AdamWState::new(before));
                let (values, state) = burn.step(learning_rate, values, gradient, state);
                (values, state.map(|state| state.momentum))
            }
        };
        let moments = after.map(|state| Moments {
            first: state.moment_1,
            second: state.moment_2,
        });
        (values, moments)
    }

    /// The same step in one pass over the values.
    fn in_one_pass(&self, scale: f64, bound: f64, learning_rate: f64, time: u64) -> AdamStep {
        let (beta_1, beta_2, epsilon, weight_decay) = match self {
            Self::Adam { config, .. } => (config.beta_1, config.beta_2, config.epsilon, 0.0),
            Self::AdamW { config, .. } => (
                config.beta_1,
                config.beta_2,
                config.epsilon,
                config.weight_decay,
            ),
        };
        AdamStep {
            scale: scale as f32,
            clip: bound as f32,
            learning_rate: learning_rate as f32,
            beta_1: beta_1 as f32,
            beta_2: beta_2 as f32,
            epsilon: epsilon as f32,
            time: i32::try_from(time + 1).unwrap_or(i32::MAX),
            weight_decay: weight_decay as f32,
        }
    }
}

fn step_on_host(
    step: &AdamStep,
    values: Tensor<1>,
    gradient: Tensor<1>,
    before: Option<Moments>,
) -> (Tensor<1>, Option<Moments>) {
    let (device, shape) = (values.device(), values.dims());
    let (mut first, mut second) = match before {
        Some(Moments { first, second }) => (Values::take(first), Values::take(second)),
        None => (Values::zeros(shape), Values::zeros(shape)),
    };
    let mut values = Values::take(values);
    let gradient = View::of(gradient);
    adam(
        step,
        values.get_mut(),
        gradient.get(),
        first.get_mut(),
        second.get_mut(),
    );
    let moments = Moments {
        first: first.into_tensor(&device),
        second: second.into_tensor(&device),
    };
    (values.into_tensor(&device), Some(moments))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::config::{AdamConfig, AdamWConfig};

    #[test]
    fn step_on_the_host_equals_that_of_burn() {
        let device = Device::flex();
        let tensor = |values: &[f32]| {
            Tensor::<1>::from_data(TensorData::new(values.to_vec(), [values.len()]), &device)
        };
        let adam = OptimiserConfig::Adam(AdamConfig::default());
        let adam_w = OptimiserConfig::Adamw(AdamWConfig::default());
        // From the start, and of a parameter whose first gradient comes with the sixth update.
        let cases = [(0, &adam), (0, &adam_w), (5, &adam), (5, &adam_w)];
        for (first_update, config) in cases {
            let rule = Optimiser::new(config).rule;
            let start = [0.5f32, -0.25, 2.0, 0.0];
            let (mut ours, mut ours_before) = (tensor(&start), None);
            let (mut burns, mut burns_before) = (tensor(&start), None);
            for time in first_update..first_update + 30 {
                let gradient: Vec<f32> = (0..4)
                    .map(|k| ((time * 4 + k) as f32).sin() * 0.3)
                    .collect();
                let step = rule.in_one_pass(0.5, f64::INFINITY, 1e-2, time);
                (ours, ours_before) = step_on_host(&step, ours, tensor(&gradient), ours_before);
                let halved = tensor(&gradient).mul_scalar(0.5);
                (burns, burns_before) =
                    rule.by_tensor_operations(1e-2, burns, halved, burns_before, time);
            }
            let difference = (ours - burns).abs().max().into_scalar::<f32>();
            assert!(
                difference < 1e-6,
                "{config:?} from {first_update}: {difference:e}"
            );
        }
    }
}
