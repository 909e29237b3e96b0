//! The estimator lab: how good the gradients of sampled captions are, by baseline and number of samples.
//!
//! All estimators see the same sources and the same weights, dropout off. Each is drawn many times and compared with
//! the mean of many draws of another seed:
//!
//! ```text
//! g_k: the k-th draw, per sampled caption;   m = mean_k g_k;   R: the reference;   scale = m.R / |R|^2
//! bias     = |m - R| / |R|                   beside the bias that noise alone explains
//! variance = mean_k |g_k - m|^2 / |R|^2,     cosine = mean_k cos(g_k, R)
//! ```
//! Where the scale of an estimator is not that of the policy gradient, bias, noise and variance are those of `g_k / scale`.

use std::time::Instant;

use burn::tensor::Device;
use scst_data::{Example, Split};
use scst_group::Group;
use scst_model::{Captioner, Gradients};
use serde::Serialize;

use super::estimator::Estimator;
use crate::{
    Config, Corpus, TrainError,
    alike::check_captioners,
    checkpoint::Checkpoint,
    config::{HardAttentionConfig, ScstConfig, limits},
    objective::{
        batch::{SourceBatch, StepContext},
        sequence::SelfCritic,
    },
    observer::Unobserved,
    ranks::gather,
    registry::Registry,
};

/// Draws that adapt a baseline which learns before it is measured.
const WARM_UP: u64 = 20;

/// How the estimators are measured.
#[derive(Debug, Clone, PartialEq)]
pub struct EstimatorLab {
    /// Training sources, the first of the split.
    pub sources: usize,
    /// Numbers of samples a source.
    pub samples: Vec<usize>,
    /// What is measured.
    pub estimators: Vec<Estimator>,
    /// Draws of every estimator.
    pub draws: u64,
    /// Draws of the reference, with the largest number of samples and the leave-one-out baseline.
    pub reference_draws: u64,
}

/// What was measured of one estimator.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EstimatorReport {
    /// What was measured.
    pub estimator: Estimator,
    /// Samples a source.
    pub samples: usize,
    /// What the reference is multiplied by in the mean gradient; 1 for estimators that are compared as they are.
    pub scale: f64,
    /// Distance of the mean gradient from the reference, relative to the reference.
    pub bias: f64,
    /// The distance that an estimator without bias would have from the noise of both means.
    pub noise: f64,
    /// Mean squared distance of a draw from the mean of all, relative to the squared reference.
    pub variance: f64,
    /// Mean cosine of a draw to the reference.
    pub cosine: f64,
    /// Time of a draw, median, in milliseconds.
    pub milliseconds: f64,
}

/// Measures every estimator with every number of samples, on the weights of `checkpoint`, the data of `config`, and the
/// rewards of its first self-critical stage: of captions from the first word on, with the stage's entropy bonus and training
/// of hard attention. Ranks divide the estimators among them, and each gets all reports.
///
/// # Errors
/// [`TrainError`] when data, weights and rewards do not fit together, there is no self-critical stage, its `kl_weight`
/// is not 0, or a number is out of range.
pub fn measure_estimators(
    config: &Config,
    checkpoint: &Checkpoint,
    registry: &Registry,
    lab: &EstimatorLab,
    group: &dyn Group,
) -> Result<Vec<EstimatorReport>, TrainError> {
    lab.check()?;
    let device = config.backend.device_of(group)?;
    let corpus = Corpus::of_checkpoint(config, checkpoint, registry)?;
    checkpoint.check_inputs(&corpus)?;
    let train = corpus.split(Split::Train)?;
    let sources = lab.sources.min(train.len());
    corpus.check_sources(&train[..sources], &mut Unobserved)?;
    let captioner = checkpoint.captioner(&config.model, &device)?;
    check_captioners(group, [&captioner])?;
    let mut stages = config.stages.iter().enumerate();
    let (k, stage, rewards) = stages
        .find_map(|(k, stage)| Some((k, stage, stage.scst.clone()?)))
        .ok_or(TrainError::NoSelfCriticalStage)?;
    if rewards.kl_weight > 0.0 {
        return Err(TrainError::DivergenceFromNothing {
            stage: k,
            found: rewards.kl_weight,
        });
    }
    let hard = stage.hard_attention.unwrap_or_default();
    let bench = Bench {
        config,
        registry,
        lab,
        rewards,
        hard_attention: config.model.attends_hard().then_some(hard),
        corpus,
        captioner,
        device,
        group,
    };
    bench.run()
}

impl EstimatorLab {
    fn check(&self) -> Result<(), TrainError> {
        if self.estimators.is_empty() {
            return Err(TrainError::BenchSize {
                name: "estimators",
                found: "none".to_owned(),
                expected: "1 or more".to_owned(),
            });
        }
        let within = |name, found: u64, least: u64, largest: u64| {
            if (least..=largest).contains(&found) {
                return Ok(());
            }
            let expected = if found < least {
                format!("{least} or more")
            } else {
                format!("at most {largest}")
            };
            Err(TrainError::BenchSize {
                name,
                found: found.to_string(),
                expected,
            })
        };
        // The flag is `--images`, of texts too.
        within("images", self.sources as u64, 1, limits::SOURCES)?;
        let numbers = self.samples.len() as u64;
        within("numbers of samples", numbers, 1, limits::CAPTIONS)?;
        for &samples in &self.samples {
            within("samples", samples as u64, 2, limits::CAPTIONS)?;
        }
        within("draws", self.draws, 2, limits::COUNT)?;
        within("reference draws", self.reference_draws, 2, limits::COUNT)
    }
}

struct Bench<'a> {
    config: &'a Config,
    registry: &'a Registry,
    lab: &'a EstimatorLab,
    rewards: ScstConfig,
    /// How the choice of regions is trained in the stage, if the captioner attends hard.
    hard_attention: Option<HardAttentionConfig>,
    corpus: Corpus,
    captioner: Captioner,
    device: Device,
    group: &'a dyn Group,
}

/// Sums over the draws of an estimator.
#[derive(Default)]
struct Draws {
    sum: Gradients,
    squares: f64,
    cosines: f64,
    count: f64,
    secs: Vec<f64>,
}

impl Draws {
    fn mean(&self) -> Gradients {
        let scale = 1.0 / self.count;
        self.sum.clone().map(|g| g.mul_scalar(scale))
    }

    /// `mean |g_k - m|^2`, with Bessel's correction.
    fn variance(&self, mean: f64) -> f64 {
        (self.squares / self.count - mean).max(0.0) * self.count / (self.count - 1.0)
    }
}

impl Bench<'_> {
    fn run(&self) -> Result<Vec<EstimatorReport>, TrainError> {
        let most = self.lab.samples.iter().copied().max().unwrap_or(2);
        let stream = 0;
        let count = self.lab.reference_draws;
        let leave_one_out = Estimator::LEAVE_ONE_OUT;
        let drawn = self.draws(leave_one_out, most, (stream, count), None)?;
        let mut reference = drawn.mean();
        let length = reference.squared_norm()?;
        let reference_noise = drawn.variance(length) / drawn.count;
        let estimators = self.estimators()?;
        let of_samples = |&samples: &usize| estimators.iter().map(move |&e| (samples, e));
        let all: Vec<(usize, Estimator)> = self.lab.samples.iter().flat_map(of_samples).collect();
        let mut measured = Vec::new();
        // In turns, so that ranks have as many samples of either size, and none waits long for another.
        for turn in 0..all.len().div_ceil(self.group.size()) {
            let k = turn * self.group.size() + self.group.rank();
            let mut own = Vec::new();
            if let Some(&(samples, estimator)) = all.get(k) {
                let stream = 1 + k;
                let draws = (stream, self.lab.draws);
                let mut drawn = self.draws(estimator, samples, draws, Some(&reference))?;
                let mut mean = drawn.mean();
                let variance = drawn.variance(mean.squared_norm()?);
                let scale = if estimator.has_scale_of_its_own() {
                    mean.dot(&reference)? / length
                } else {
                    1.0
                };
                let (unit, variance) = (1.0 / scale, variance / (scale * scale));
                let mut difference = mean.map(|g| g.mul_scalar(unit));
                difference.merge(reference.clone().map(|g| g.mul_scalar(-1.0)));
                let noise = variance / drawn.count + reference_noise;
                drawn.secs.sort_by(f64::total_cmp);
                let bias = (difference.squared_norm()? / length).sqrt();
                let cosine = drawn.cosines / drawn.count;
                let milliseconds = 1e3 * drawn.secs[drawn.secs.len() / 2];
                let noise = (noise / length).sqrt();
                let variance = variance / length;
                own.push((k, [scale, bias, noise, variance, cosine, milliseconds]));
            }
            measured.extend(gather(self.group, own, "what was measured")?);
        }
        let reports = measured.into_iter().map(|(k, found)| {
            let (samples, estimator) = all[k];
            let [scale, bias, noise, variance, cosine, milliseconds] = found;
            EstimatorReport {
                estimator,
                samples,
                scale,
                bias,
                noise,
                variance,
                cosine,
                milliseconds,
            }
        });
        Ok(reports.collect())
    }

    /// What the captioner can be measured with; where it scores whole captions, there are no hidden states and no softmaxes of
    /// single words.
    fn estimators(&self) -> Result<Vec<Estimator>, TrainError> {
        let mut estimators = self.lab.estimators.clone();
        let refused = |estimator: &Estimator, expected: &str| {
            Err(TrainError::BenchSize {
                name: "objectives",
                found: format!("`{}`", estimator.name()),
                expected: expected.to_owned(),
            })
        };
        if self.rewards.rewards.iter().any(|entry| entry.standardise)
            && let Some(estimator) = estimators.iter().find(|found| found.credits_words())
        {
            let expected = "one of whole captions with rewards of `standardise = true`";
            return refused(estimator, expected);
        }
        if !self.captioner.scores_whole_captions() {
            return Ok(estimators);
        }
        if estimators == Estimator::baselines() {
            estimators.retain(|estimator| estimator.is_of_whole_captions());
        }
        match estimators
            .iter()
            .find(|estimator| !estimator.is_of_whole_captions())
        {
            None => Ok(estimators),
            Some(estimator) => refused(
                estimator,
                "one of whole captions, as the captioner scores these",
            ),
        }
    }

    /// Draws of one estimator, from a stream of random numbers of their own.
    fn draws(
        &self,
        estimator: Estimator,
        samples: usize,
        (stream, count): (usize, u64),
        reference: Option<&Gradients>,
    ) -> Result<Draws, TrainError> {
        // Of the stage, what the plain policy gradient has too.
        let config = estimator.configure(ScstConfig {
            samples_per_source: samples,
            moving_average_decay: self.rewards.moving_average_decay,
            entropy_bonus: self.rewards.entropy_bonus,
            entropy: self.rewards.entropy,
            reward_end_token: self.rewards.reward_end_token,
            combine: self.rewards.combine,
            rewards: self.rewards.rewards.clone(),
            ..ScstConfig::default()
        });
        let sources = self.corpus.reward_sources(config.reward_end_token)?;
        let mut critic = SelfCritic::new(&config, &sources, self.registry)?;
        // Nothing has been learnt since the stage began.
        critic.compare_with(config.compares_with_start().then(|| self.captioner.clone()));
        let train = self.corpus.split(Split::Train)?;
        let sources = self.lab.sources.min(train.len());
        let examples: Vec<&Example> = train[..sources].iter().collect();
        let source = self.corpus.source(&examples, &self.device)?;
        let reference_length = match reference {
            Some(reference) => reference.clone().squared_norm()?.sqrt(),
            None => 1.0,
        };
        let mut drawn = Draws::default();
        for step in 0..count + WARM_UP {
            let batch = SourceBatch {
                source: source.clone(),
                examples: (0..sources).collect(),
                prefixes: Vec::new(),
            };
            let context = StepContext {
                seed: self.config.seed,
                stage: stream,
                step,
                epoch: 0,
                dropout: 0.0,
                hard_attention: self.hard_attention,
                part: 0,
            };
            let start = Instant::now();
            let vocabulary = self.corpus.vocabulary();
            let length = self.corpus.max_length();
            let part = critic.contribution(&self.captioner, vocabulary, length, batch, context)?;
            if step < WARM_UP {
                continue;
            }
            drawn.secs.push(start.elapsed().as_secs_f64());
            let scale = 1.0 / (sources * samples) as f64;
            let mut gradient = part.gradients.map(|g| g.mul_scalar(scale));
            let square = gradient.squared_norm()?;
            drawn.squares += square;
            drawn.count += 1.0;
            if let Some(reference) = reference {
                let lengths = square.sqrt() * reference_length;
                let product = gradient.dot(reference)?;
                drawn.cosines += if lengths > 0.0 {
                    product / lengths
                } else {
                    0.0
                };
            }
            drawn.sum.merge(gradient);
        }
        Ok(drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_out_of_range_are_named() {
        for (samples, expected) in [
            (1, "samples: found 1, expected 2 or more"),
            (
                usize::MAX,
                "samples: found 18446744073709551615, expected at most 1000",
            ),
        ] {
            let lab = EstimatorLab {
                sources: 4,
                samples: vec![5, samples],
                estimators: Estimator::baselines(),
                draws: 10,
                reference_draws: 10,
            };
            assert_eq!(lab.check().unwrap_err().to_string(), expected);
        }
    }
}
