//! The estimator against enumeration: for every baseline, the mean of many sampled gradients is
//! the exact gradient of the expected reward.

use std::{slice, sync::Arc};

use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scst_loss::{Baseline, LearnedBaseline, MovingAverage};
use scst_model::{
    CaptionerConfig, Dimensions, FcConfig, Gradients, MarkovConfig, Noise, Source, SourceVectors,
    Tape,
};
use scst_reward::{
    Batch, CustomOptions, DocumentFrequency, ImageReferences, References, Reward, RewardEntry,
    RewardError, RewardMixture, RewardRegistry, RewardSources,
};
use scst_sampler::END;

use super::{
    advantages::Scores, baseline::BaselineState, large::LargeRewards, likelihood::caption_sums, *,
};
use crate::{
    config::{ScstConfig, SequenceObjective},
    objective::batch::{LossWeights, pack, repeat},
};

const VOCAB: u32 = 4;
const MAX_LENGTH: usize = 3;
const SOURCES: usize = 2;
const FEATURE: usize = 3;
const SAMPLES: usize = 4;
const STEPS: u64 = 1_500;

/// A reward without any structure that a baseline could exploit: a number from 0 to 1 for every
/// source and caption.
fn reward_of(source: usize, tokens: &[u32]) -> f64 {
    let seed = tokens
        .iter()
        .fold(source as u64 + 7, |h, &w| h * 31 + u64::from(w) + 1);
    ChaCha8Rng::seed_from_u64(seed).random()
}

struct Arbitrary;

impl Reward for Arbitrary {
    fn name(&self) -> &'static str {
        "arbitrary"
    }

    fn signature(&self) -> String {
        "arbitrary".to_owned()
    }

    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        let candidates = batch.candidates().iter();
        Ok(candidates.map(|c| reward_of(c.image, c.tokens)).collect())
    }
}

/// The arbitrary reward cut in two halves, the second of which goes without a baseline.
fn halved_critic(baseline: Baseline) -> SelfCritic {
    let mut registry = RewardRegistry::default();
    for name in ["first", "second"] {
        registry.register(name, |options, _| {
            Ok(Box::new(Half {
                name: options.name.clone(),
            }))
        });
    }
    let entry = |name: &str, self_critical| RewardEntry {
        weight: 0.5,
        self_critical,
        custom: Some(CustomOptions {
            name: name.to_owned(),
            ..CustomOptions::default()
        }),
        ..RewardEntry::default()
    };
    let entries = [entry("first", true), entry("second", false)];
    let mut critic = critic(baseline);
    let references = Arc::new(critic.rewards.references().clone());
    let sources = RewardSources::new(references);
    critic.rewards = RewardMixture::build(&entries, &sources, &registry).unwrap();
    critic
}

struct Half {
    name: String,
}

impl Reward for Half {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> String {
        self.name.clone()
    }

    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        Arbitrary.score(batch)
    }
}

fn critic(baseline: Baseline) -> SelfCritic {
    let source =
        |id: usize| ImageReferences::new(id.to_string(), [vec![2, 3, END]], ["x y".to_owned()]);
    let references = References::new(Some(END), (0..SOURCES).map(source).collect()).unwrap();
    let mut rewards = RewardMixture::new(Arc::new(references));
    rewards.add(1.0, Box::new(Arbitrary)).unwrap();
    SelfCritic {
        actor: Actor {
            config: ScstConfig {
                samples_per_source: SAMPLES,
                baseline,
                ..ScstConfig::default()
            },
            custom: None,
            reference: None,
        },
        rewards,
        frequency: None,
        baseline: BaselineState {
            moving_average: MovingAverage::new(0.9),
            learned: LearnedBaseline::default(),
        },
        large: LargeRewards::default(),
    }
}

fn captioner() -> Captioner {
    captioner_of(&CaptionerConfig::Fc(FcConfig {
        hidden: 5,
        embedding: 4,
        dropout: 0.0,
        ..FcConfig::default()
    }))
}

/// One that scores whole captions; all words are on its lists.
fn markov_captioner() -> Captioner {
    captioner_of(&CaptionerConfig::Markov(MarkovConfig {
        hidden: 5,
        positions: MAX_LENGTH,
        shortlist: VOCAB as usize,
        rank: 2,
        dropout: 0.0,
    }))
}

fn captioner_of(config: &CaptionerConfig) -> Captioner {
    let dimensions = Dimensions {
        feature: FEATURE,
        vocab: VOCAB as usize,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    Captioner::init(config, dimensions, &Device::flex(), &mut rng).unwrap()
}

fn features() -> SourceVectors {
    let values: Vec<f32> = vec![0.9, -0.4, 0.1, -1.2, 0.7, 0.3];
    let vectors = TensorData::new(values, [SOURCES, FEATURE]);
    SourceVectors::pooled(Tensor::from_data(vectors, &Device::flex()))
}

/// All captions, shortest first.
fn all_captions() -> Vec<Vec<u32>> {
    let mut open = vec![Vec::new()];
    let mut all = Vec::new();
    for length in 1..=MAX_LENGTH {
        let mut next = Vec::new();
        for prefix in open {
            for word in 0..VOCAB {
                let caption = [prefix.as_slice(), &[word]].concat();
                if word == END || length == MAX_LENGTH {
                    all.push(caption);
                } else {
                    next.push(caption);
                }
            }
        }
        open = next;
    }
    all
}

fn flatten(captioner: &Captioner, gradients: &Gradients) -> Vec<f64> {
    let parameters = captioner.parameters().into_iter();
    parameters
        .flat_map(|p| {
            gradients
                .get(&p.name)
                .unwrap()
                .clone()
                .try_into_vec_as::<f64>()
                .unwrap()
        })
        .collect()
}

/// Gradient of all captions of all sources with weights, and every caption's log-probability.
fn weighted(
    captioner: &Captioner,
    weight: impl Fn(usize, usize) -> f64,
) -> (Vec<f64>, Vec<Vec<f64>>) {
    weighted_words(captioner, |source, n, _| weight(source, n))
}

/// The same with a weight of every word.
fn weighted_words(
    captioner: &Captioner,
    weight: impl Fn(usize, usize, usize) -> f64,
) -> (Vec<f64>, Vec<Vec<f64>>) {
    let captions = all_captions();
    let mut sum: Vec<f64> = Vec::new();
    let mut log_probabilities = Vec::new();
    for source in 0..SOURCES {
        let inputs: Vec<Vec<u32>> = captions
            .iter()
            .map(|words| [&[END], &words[..words.len() - 1]].concat())
            .collect();
        let inputs: Vec<&[u32]> = inputs.iter().map(Vec::as_slice).collect();
        let source_of_sequence = vec![source; captions.len()];
        let tape = captioner
            .teacher_forced(features(), &source_of_sequence, &inputs, Noise::default())
            .unwrap();
        let all: Vec<usize> = (0..captions.len()).collect();
        let weights = LossWeights {
            rows: pack(&captions, |n, t| weight(source, n, t) as f32),
            captions: all.iter().map(|&n| weight(source, n, 0)).collect(),
            position_weight: Some(0.0),
        };
        let loss = |logits, targets: &RowTargets<'_>, _| softmax_gradient(logits, targets, 0.0);
        let mut gradients = Gradients::default();
        let (rest, rows) = caption_gradient(
            captioner,
            tape,
            &captions,
            weights,
            loss,
            |_| None,
            &mut |_, group| {
                gradients.merge(group);
            },
        )
        .unwrap();
        gradients.merge(rest);
        let owner = if captioner.scores_whole_captions() {
            all
        } else {
            pack(&captions, |n, _| n)
        };
        let mut log_p = vec![0.0; captions.len()];
        for (n, value) in owner.into_iter().zip(rows.log_probability) {
            log_p[n] += f64::from(value);
        }
        log_probabilities.push(log_p);
        let gradient = flatten(captioner, &gradients);
        if sum.is_empty() {
            sum = gradient;
        } else {
            sum.iter_mut().zip(gradient).for_each(|(s, g)| *s += g);
        }
    }
    (sum, log_probabilities)
}

/// The gradient of `-sum_sources E[r]`, by enumerating every caption.
fn exact(captioner: &Captioner) -> Vec<f64> {
    let (_, log_p) = weighted(captioner, |_, _| 0.0);
    for log_p in &log_p {
        let total: f64 = log_p.iter().map(|l| l.exp()).sum();
        assert!((total - 1.0).abs() < 1e-5, "probabilities sum to {total}");
    }
    let captions = all_captions();
    weighted(captioner, |source, n| {
        log_p[source][n].exp() * reward_of(source, &captions[n])
    })
    .0
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// Mean of many sampled gradients per sample and source, and the standard error of its norm.
fn sampled(captioner: &Captioner, critic: SelfCritic) -> (Vec<f64>, f64) {
    sampled_after(captioner, critic, &[])
}

/// The same of samples that begin with `prefixes`.
fn sampled_after(
    captioner: &Captioner,
    mut critic: SelfCritic,
    prefixes: &[Vec<u32>],
) -> (Vec<f64>, f64) {
    let words: Vec<String> = ["x", "y"].map(str::to_owned).into();
    let vocabulary = Vocabulary::build([words.as_slice()].into_iter(), 1);
    let (mut sum, mut squares) = (Vec::new(), 0.0);
    for step in 0..STEPS {
        let batch = SourceBatch {
            source: features().into(),
            examples: (0..SOURCES).collect(),
            prefixes: prefixes.to_vec(),
        };
        let context = StepContext {
            seed: 17,
            stage: 0,
            step,
            epoch: 0,
            dropout: 0.0,
            hard_attention: None,
            part: 0,
        };
        let part = critic
            .contribution(captioner, &vocabulary, MAX_LENGTH, batch, context)
            .unwrap();
        let gradient: Vec<f64> = flatten(captioner, &part.gradients)
            .into_iter()
            .map(|g| g / SAMPLES as f64)
            .collect();
        squares += gradient.iter().map(|g| g * g).sum::<f64>();
        if sum.is_empty() {
            sum = gradient;
        } else {
            sum.iter_mut().zip(gradient).for_each(|(s, g)| *s += g);
        }
    }
    let n = STEPS as f64;
    let mean: Vec<f64> = sum.into_iter().map(|s| s / n).collect();
    let variance = squares / n - norm(&mean).powi(2);
    (mean, (variance / n).sqrt())
}

fn difference(a: &[f64], b: &[f64]) -> f64 {
    norm(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>())
}

/// Samples of all sources, and the run over them.
fn rollout(tape: Option<Tape>, captions: Vec<Vec<u32>>, prefixes: Vec<Vec<u32>>) -> Rollout {
    Rollout {
        batch: SourceBatch {
            source: features().into(),
            examples: (0..SOURCES).collect(),
            prefixes,
        },
        has_reward: vec![true; captions.len()],
        captions,
        source_of_sequence: repeat(SOURCES, SAMPLES),
        drawing: Drawing::of(tape),
        is_reshaped: false,
        log_q: Vec::new(),
        energies: Vec::new(),
        states: None,
        greedy: Vec::new(),
        part: 0,
    }
}

#[test]
fn fingerprint_is_of_the_kind_that_a_checkpoint_has() {
    let critic = critic(Baseline::Greedy);
    let new = critic.fingerprint(None).unwrap();
    assert!(new.starts_with("references-"), "{new}");
    assert_eq!(critic.fingerprint(Some("references-0")).unwrap(), new);
    // Earlier versions counted document frequencies for every reward.
    let counted = DocumentFrequency::from_references(critic.rewards.references()).unwrap();
    assert_eq!(
        critic.fingerprint(Some("0")).unwrap(),
        counted.fingerprint()
    );
}

#[test]
fn mean_of_sampled_gradients_is_the_exact_gradient_for_every_baseline() {
    let baselines = [
        Baseline::Greedy,
        Baseline::LeaveOneOut,
        Baseline::MovingAverage,
        Baseline::None,
        Baseline::Mean,
        Baseline::LengthWeightedOthers,
        Baseline::EnergyWeightedOthers,
        Baseline::Learned,
    ];
    assert_unbiased(&captioner(), &baselines);
    // What the hidden states of words tell is not for a captioner that has none.
    assert_unbiased(&markov_captioner(), &baselines[..6]);
}

fn assert_unbiased(captioner: &Captioner, baselines: &[Baseline]) {
    let exact = exact(captioner);
    for &baseline in baselines {
        let (mut mean, standard_error) = sampled(captioner, critic(baseline));
        if baseline == Baseline::Mean {
            let scale = SAMPLES as f64 / (SAMPLES - 1) as f64;
            for g in &mut mean {
                *g *= scale;
            }
        }
        let error = difference(&mean, &exact);
        assert!(
            error < 2.0 * standard_error,
            "{baseline:?}: off by {error:.4}, standard error {standard_error:.4}"
        );
        // The check has power: an estimator that is off by a quarter would fail it.
        let biased: Vec<f64> = mean.iter().map(|g| 0.75 * g).collect();
        assert!(
            difference(&biased, &exact) > 2.0 * standard_error,
            "{baseline:?}: no power"
        );
    }
}

#[test]
fn mean_is_exact_when_a_part_of_the_reward_goes_without_baseline() {
    let captioner = captioner();
    let exact = exact(&captioner);
    let (mean, standard_error) = sampled(&captioner, halved_critic(Baseline::LeaveOneOut));
    let error = difference(&mean, &exact);
    assert!(
        error < 2.0 * standard_error,
        "off by {error:.4}, standard error {standard_error:.4}"
    );
    // That the part is without its baseline shows in the variance.
    let (_, less) = sampled(&captioner, critic(Baseline::LeaveOneOut));
    assert!(less < standard_error, "{less:.4} {standard_error:.4}");
}

#[test]
fn mean_of_mixer_gradients_is_the_exact_gradient_for_every_baseline() {
    let captioner = captioner();
    // The samples of source 0 begin with one word, those of source 1 with two.
    let prefixes: Vec<Vec<u32>> = [&[2][..], &[1, 3]]
        .iter()
        .flat_map(|prefix| std::iter::repeat_n(prefix.to_vec(), SAMPLES))
        .collect();
    assert_unbiased_after(&captioner, &prefixes);
}

#[test]
fn mean_of_mixer_gradients_is_exact_when_samples_are_given_whole() {
    let captioner = captioner();
    let prefixes: [&[u32]; SAMPLES * SOURCES] = [
        // The model chooses words of two samples, one of which begins freely.
        &[2],
        &[2, END],
        &[],
        &[1, 3, 2],
        // It chooses words of one sample, which has no other to be compared with.
        &[1, 3],
        &[1, END],
        &[3, END],
        &[1, 3, 3],
    ];
    let prefixes: Vec<Vec<u32>> = prefixes.iter().map(|words| words.to_vec()).collect();
    assert_unbiased_after(&captioner, &prefixes);
}

/// Holds the mean of many gradients against cross-entropy on the prefixes and the expected reward of what follows.
fn assert_unbiased_after(captioner: &Captioner, prefixes: &[Vec<u32>]) {
    let captions = all_captions();
    let (_, log_p) = weighted(captioner, |_, _| 0.0);
    let own = |source: usize| &prefixes[source * SAMPLES..(source + 1) * SAMPLES];
    let prefix_p = |source: usize, prefix: &[u32]| -> f64 {
        let with = (0..captions.len()).filter(|&n| captions[n].starts_with(prefix));
        with.map(|n| log_p[source][n].exp()).sum()
    };
    let (exact, _) = weighted_words(captioner, |source, n, t| {
        let begins = own(source)
            .iter()
            .filter(|prefix| captions[n].starts_with(prefix));
        let of_prefix = |prefix: &Vec<u32>| {
            let p = log_p[source][n].exp() / prefix_p(source, prefix) / SAMPLES as f64;
            if t < prefix.len() {
                p
            } else {
                p * reward_of(source, &captions[n])
            }
        };
        begins.map(of_prefix).sum()
    });
    for baseline in [
        Baseline::LeaveOneOut,
        Baseline::MovingAverage,
        Baseline::None,
        Baseline::Learned,
    ] {
        let (mean, standard_error) = sampled_after(captioner, critic(baseline), prefixes);
        let error = difference(&mean, &exact);
        assert!(
            error < 2.0 * standard_error,
            "{baseline:?}: off by {error:.4}, standard error {standard_error:.4}"
        );
    }
}

#[test]
fn samples_given_whole_count_in_no_baseline_and_no_metric() {
    let captioner = captioner();
    let sampled: [&[u32]; SAMPLES * SOURCES] = [
        &[2, 3, END],
        &[2, END],
        &[1, 3, END],
        &[3, END],
        &[1, 2, END],
        &[2, END],
        &[3, END],
        &[1, END],
    ];
    let given = [1, 2, 1, 0, 1, 2, 2, 2];
    let sampled: Vec<Vec<u32>> = sampled.iter().map(|words| words.to_vec()).collect();
    let prefixes: Vec<Vec<u32>> = sampled
        .iter()
        .zip(given)
        .map(|(words, given)| words[..given].to_vec())
        .collect();
    let rewards = [0.1, 0.9, 0.3, 0.8, 0.5, 0.9, 0.9, 0.9];
    let inputs: Vec<Vec<u32>> = sampled
        .iter()
        .map(|words| [&[END], &words[..words.len() - 1]].concat())
        .collect();
    let inputs: Vec<&[u32]> = inputs.iter().map(Vec::as_slice).collect();
    let source_of_sequence = repeat(SOURCES, SAMPLES);
    let tape = captioner.teacher_forced(features(), &source_of_sequence, &inputs, Noise::default());
    let mut rollout = rollout(tape.ok(), sampled.clone(), prefixes);
    let part = rollout.told(Vec::new(), Vec::new());
    let scores = Scores {
        rewards: &rewards,
        compared: &rewards,
        greedy: &[],
    };
    for (baseline, expected) in [
        // Of the second source there is one sample; the mean of the first source's takes the place of its others.
        (Baseline::LeaveOneOut, [0.55, 0.45, 0.2, 0.4]),
        (Baseline::Mean, [0.4, 0.4, 0.4, 0.5]),
        // Two, two and two words, and two.
        (Baseline::LengthWeighted, [0.4, 0.4, 0.4, 0.5]),
        (Baseline::LengthWeightedOthers, [0.55, 0.45, 0.2, 0.4]),
        (Baseline::MovingAverage, [0.0; 4]),
    ] {
        let mut critic = critic(baseline);
        let advantages = critic.advantages(slice::from_ref(&part), &scores, &[Vec::new()]);
        let advantages = advantages.unwrap();
        assert_eq!(
            part.choice().samples(),
            [true, false, true, true, true, false, false, false]
        );
        assert_eq!(advantages.baselines.len(), 4);
        for (found, expected) in advantages.baselines.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{baseline:?}: {found}");
        }
        if baseline == Baseline::MovingAverage {
            let mean = critic.baseline.moving_average.value();
            assert!((mean - 0.425).abs() < 1e-12, "{mean}");
        }
    }
    // Where nothing was chosen there is nothing to report of rewards.
    let words: Vec<String> = ["x", "y"].map(str::to_owned).into();
    let vocabulary = Vocabulary::build([words.as_slice()].into_iter(), 1);
    let means = |prefixes: &[Vec<u32>]| {
        let batch = SourceBatch {
            source: features().into(),
            examples: (0..SOURCES).collect(),
            prefixes: prefixes.to_vec(),
        };
        let context = StepContext {
            seed: 17,
            stage: 0,
            step: 0,
            epoch: 0,
            dropout: 0.0,
            hard_attention: None,
            part: 0,
        };
        let part = critic(Baseline::LeaveOneOut)
            .contribution(&captioner, &vocabulary, MAX_LENGTH, batch, context)
            .unwrap();
        part.tally.means()
    };
    let value = |means: &[(String, f64)], name: &str| {
        let mut found = means.iter().filter(|(other, _)| other == name);
        found.next().map(|(_, value)| *value)
    };
    let whole = means(&sampled);
    for name in [
        "reward",
        "reward_arbitrary",
        "advantage",
        "baseline",
        "zero_advantage_share",
    ] {
        assert_eq!(value(&whole, name), None, "{name}");
    }
    assert!(value(&whole, "caption_length").is_some());
    // One sample is chosen whole by the model: its own reward is all there is.
    let mut one_free = sampled.clone();
    one_free[0].clear();
    let found = means(&one_free);
    assert_eq!(value(&found, "reward"), value(&found, "advantage"));
    assert_eq!(value(&found, "baseline"), Some(0.0));
}

/// The slope of `loss` along a gradient, by central differences.
fn slope(captioner: &Captioner, gradient: &[f64], loss: impl Fn(&Captioner) -> f64) -> f64 {
    slope_of_length(captioner, gradient, 0.02, loss)
}

/// The same over a way of `step` to either side.
fn slope_of_length(
    captioner: &Captioner,
    gradient: &[f64],
    step: f64,
    loss: impl Fn(&Captioner) -> f64,
) -> f64 {
    let moved = |by: f64| {
        let mut values = gradient.iter();
        captioner.clone().update(|_, old| {
            let [length] = old.dims();
            let change: Vec<f32> = values
                .by_ref()
                .take(length)
                .map(|g| (by * g / norm(gradient)) as f32)
                .collect();
            old + Tensor::from_data(TensorData::new(change, [length]), &Device::flex())
        })
    };
    (loss(&moved(step)) - loss(&moved(-step))) / (2.0 * step)
}

#[test]
fn exact_gradient_is_the_slope_of_the_expected_reward() {
    let captioner = captioner();
    let gradient = exact(&captioner);
    let captions = all_captions();
    let expected_reward = |captioner: &Captioner| -> f64 {
        let (_, log_p) = weighted(captioner, |_, _| 0.0);
        let of_source = |(source, log_p): (usize, &Vec<f64>)| -> f64 {
            let pairs = log_p.iter().zip(&captions);
            pairs
                .map(|(l, words)| l.exp() * reward_of(source, words))
                .sum()
        };
        log_p.iter().enumerate().map(of_source).sum()
    };
    // Along the gradient itself the slope of E[r] is minus its norm.
    let slope = slope(&captioner, &gradient, expected_reward);
    let error = (slope + norm(&gradient)).abs() / norm(&gradient);
    assert!(error < 2e-3, "slope {slope}, norm {}", norm(&gradient));
}

#[test]
fn captions_with_equal_rewards_contribute_exactly_nothing() {
    let captioner = captioner();
    let gradients = weighted(&captioner, |_, _| 0.0).0;
    assert!(gradients.iter().all(|&g| g == 0.0));
}

#[test]
fn end_token_is_withheld_from_rewards_when_the_configuration_says_so() {
    struct Seen(Arc<std::sync::Mutex<Vec<Vec<u32>>>>);
    impl Reward for Seen {
        fn name(&self) -> &'static str {
            "seen"
        }
        fn signature(&self) -> String {
            "seen".to_owned()
        }
        fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
            let tokens = batch.candidates().iter().map(|c| c.tokens.to_vec());
            self.0.lock().unwrap().extend(tokens);
            Ok(vec![0.0; batch.candidates().len()])
        }
    }
    let words: Vec<String> = ["x", "y"].map(str::to_owned).into();
    let vocabulary = Vocabulary::build([words.as_slice()].into_iter(), 1);
    for with_end_token in [true, false] {
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let mut critic = critic(Baseline::None);
        critic.actor.config.reward_end_token = with_end_token;
        critic
            .rewards
            .add(1.0, Box::new(Seen(Arc::clone(&seen))))
            .unwrap();
        let (ended, cut) = (vec![2, 3, END], vec![2, 3, 2]);
        critic
            .score(&vocabulary, &[(0, &ended), (1, &cut)])
            .unwrap();
        let expected = if with_end_token { ended } else { vec![2, 3] };
        assert_eq!(*seen.lock().unwrap(), [expected, cut]);
    }
}

mod credit;
mod replay;
mod updates;
