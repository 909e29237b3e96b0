//! Policy objectives against numbers of `scripts/reference/policy_objectives.py`: central differences of losses that numpy
//! computed, and what advantages make of every group of samples of a toy.

#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

use burn::tensor::{DType, Device, Tensor, TensorData};
use scst_loss::{
    Clip, Divergence, DivergenceEstimate, Entropy, EntropyBonus, Gate, Reference, Rejected,
    RowTargets, Sampled, action_value_gradient, augmented_likelihood, clipped_importance,
    estimated_divergence, geometric_clip, minimum_risk, multi_margin, preference, regularise,
    reward_regression, sequence_clip, sequence_likelihood, soft_gate, softmax_gradient, token_clip,
    toy::{self, ToyEstimator},
    unlikelihood,
};
use serde_json::Value;

/// Largest difference, relative to the largest entry.
const TOLERANCE: f64 = 1e-6;

fn vectors() -> Value {
    let vectors = include_str!("fixtures/policy_objectives.json");
    serde_json::from_str(vectors).unwrap()
}

/// The numbers of a list of any depth.
fn numbers(value: &Value) -> Vec<f64> {
    match value.as_array() {
        Some(values) => values.iter().flat_map(numbers).collect(),
        None => vec![value.as_f64().unwrap()],
    }
}

/// Logits of rows and their words.
struct Rows {
    vocab: usize,
    logits: Vec<f64>,
    words: Vec<u32>,
}

impl Rows {
    fn of(value: &Value) -> Self {
        let words: Vec<u32> = numbers(&value["w"]).iter().map(|&w| w as u32).collect();
        let logits = numbers(&value["S"]);
        Self {
            vocab: logits.len() / words.len(),
            logits,
            words,
        }
    }

    fn log_softmax(&self, logits: &[f64]) -> Vec<f64> {
        let of_row = |row: &[f64]| -> Vec<f64> {
            let log_z = row.iter().map(|s| s.exp()).sum::<f64>().ln();
            row.iter().map(|s| s - log_z).collect()
        };
        logits.chunks(self.vocab).flat_map(of_row).collect()
    }

    /// Of the words, under some logits.
    fn log_probability(&self, logits: &[f64]) -> Vec<f64> {
        let log_p = self.log_softmax(logits);
        let rows = log_p.chunks(self.vocab).zip(&self.words);
        rows.map(|(row, &word)| row[word as usize]).collect()
    }

    /// `c (p - 1_w)`.
    fn gradient(&self, weights: &[f64]) -> Vec<f64> {
        let p: Vec<f64> = self.log_softmax(&self.logits);
        let rows = p.chunks(self.vocab).zip(&self.words).zip(weights);
        rows.flat_map(|((row, &word), c)| {
            let of_word = move |(k, log_p): (usize, &f64)| {
                c * (log_p.exp() - f64::from(u8::from(k == word as usize)))
            };
            row.iter().enumerate().map(of_word)
        })
        .collect()
    }
}

/// How far a gradient is from the one whose name begins like this, relative to the largest entry of that.
fn distance(value: &Value, name: &str, found: &[f64]) -> f64 {
    let gradients = value["gradients"].as_object().unwrap();
    let (_, expected) = gradients
        .iter()
        .find(|(key, _)| key.starts_with(name))
        .unwrap();
    let expected = numbers(expected);
    assert_eq!(found.len(), expected.len(), "{name}");
    let largest = expected.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
    let differences = found.iter().zip(&expected).map(|(f, e)| (f - e).abs());
    differences.fold(0.0, f64::max) / largest
}

fn assert_equal(value: &Value, name: &str, found: &[f64]) {
    let distance = distance(value, name, found);
    assert!(distance < TOLERANCE, "{name}: {distance}");
}

#[test]
fn objectives_of_words_equal_those_of_numpy() {
    let value = &vectors()["words"];
    let rows = Rows::of(value);
    let now = rows.log_probability(&rows.logits);
    let drawn = rows.log_probability(&numbers(&value["Sold"]));
    let clip = Clip {
        low: 0.2,
        high: 0.28,
        dual: None,
    };
    let gate = Gate {
        positive: 1.05,
        negative: 1.05,
    };
    // In log space, from -0.4 to 0.4.
    let symmetric = Clip {
        low: 1.0 - (-0.4f64).exp(),
        high: 0.4f64.exp() - 1.0,
        dual: None,
    };
    let caption = [0; 4];
    for advantage in [1.3, -0.7] {
        let sampled = Sampled {
            log_probability: &now,
            drawn: &drawn,
            advantages: &[advantage; 4],
        };
        let equal = |name: &str, weights: Vec<f64>| {
            assert_equal(
                value,
                &format!("{name} A={advantage}"),
                &rows.gradient(&weights),
            );
        };
        equal("PPO/GRPO token clip", token_clip(&sampled, clip).unwrap());
        equal("CISPO", clipped_importance(&sampled, 1.28).unwrap());
        equal("SAPO", soft_gate(&sampled, gate).unwrap());
        equal("GSPO", sequence_clip(&sampled, &caption, clip).unwrap());
        equal(
            "GMPO",
            geometric_clip(&sampled, &caption, symmetric).unwrap(),
        );
        if advantage < 0.0 {
            let dual = Clip {
                dual: Some(1.1),
                ..clip
            };
            equal(
                "two-sided clip delta=1.1",
                token_clip(&sampled, dual).unwrap(),
            );
        }
        // The comparison has power: weights without the ratio fail.
        let wrong = rows.gradient(&[advantage; 4]);
        let name = format!("PPO/GRPO token clip A={advantage}");
        assert!(distance(value, &name, &wrong) > 0.01);
    }
    let reference = rows.log_probability(&numbers(&value["Sref"]));
    for (name, estimate) in [
        ("k2", DivergenceEstimate::K2),
        ("k3", DivergenceEstimate::K3),
    ] {
        let weights = estimated_divergence(&now, &reference, estimate).unwrap();
        assert_equal(value, name, &rows.gradient(&weights));
    }
    assert_equal(
        value,
        "unlikelihood",
        &rows.gradient(&unlikelihood(&now).unwrap()),
    );

    // Pairs with another caption, whose score is 0.3 below that of the reference.
    let scores = [now.iter().sum(), -1.0];
    let reference = [reference.iter().sum(), -0.7];
    let set = preference(&scores, &reference, &[1.0, 0.0], 2, 0.5, Rejected::Worst).unwrap();
    assert_equal(value, "DPO", &rows.gradient(&[set.weights[0]; 4]));
    let set = reward_regression(&scores, &reference, &[0.4, 0.0], 2, 0.7).unwrap();
    assert_equal(value, "REBEL", &rows.gradient(&[set.weights[0]; 4]));
}

#[test]
fn gradients_over_all_words_equal_those_of_numpy() {
    let value = &vectors()["words"];
    let rows = Rows::of(value);
    let tensor = |logits: Vec<f64>| {
        let data = TensorData::new(logits, [rows.words.len(), rows.vocab]);
        Tensor::<2>::from_data(data, (&Device::flex(), DType::F64))
    };
    for (name, divergence) in [
        ("reverse KL", Divergence::Reverse),
        ("forward KL", Divergence::Forward),
        ("generalised JSD", Divergence::JensenShannon { share: 0.3 }),
    ] {
        let logits = tensor(rows.logits.clone());
        let targets = RowTargets {
            words: &rows.words,
            weights: &[0.0; 4],
        };
        let nothing = softmax_gradient(logits.clone(), &targets, 0.0).unwrap();
        let reference = Reference {
            divergence,
            logits: tensor(numbers(&value["Sref"])),
            weight: 1.0,
        };
        let no_bonus = EntropyBonus {
            entropy: Entropy::Shannon,
            weight: 0.0,
        };
        let found = regularise(nothing, logits, no_bonus, Some(reference)).unwrap();
        let found: Vec<f64> = found.gradient.try_into_vec_as().unwrap();
        assert_equal(value, name, &found);
    }
    let weighted = |weight| RowTargets {
        words: &rows.words,
        weights: if weight { &[1.0; 4] } else { &[0.0; 4] },
    };
    for (name, entropy) in [
        ("entropy bonus", Entropy::Shannon),
        ("Tsallis entropy", Entropy::Tsallis),
    ] {
        let logits = tensor(rows.logits.clone());
        let nothing = softmax_gradient(logits.clone(), &weighted(false), 0.0).unwrap();
        let bonus = EntropyBonus {
            entropy,
            weight: 1.0,
        };
        let found = regularise(nothing, logits, bonus, None).unwrap();
        let found: Vec<f64> = found.gradient.try_into_vec_as().unwrap();
        assert_equal(value, name, &found);
    }
    let values = tensor(numbers(&value["Q"]));
    let logits = tensor(rows.logits.clone());
    let found = action_value_gradient(logits, values, &weighted(true)).unwrap();
    let found: Vec<f64> = found.gradient.try_into_vec_as().unwrap();
    assert_equal(value, "all-action", &found);
}

#[test]
fn objectives_of_lists_equal_those_of_numpy() {
    let value = &vectors()["captions"];
    let rows = Rows::of(value);
    let rewards = numbers(&value["R"]);
    let captions = rewards.len();
    let words = rows.words.len() / captions;
    let now = rows.log_probability(&rows.logits);
    let sums: Vec<f64> = now.chunks(words).map(|of| of.iter().sum()).collect();
    let means: Vec<f64> = sums.iter().map(|sum| sum / words as f64).collect();
    let equal = |name: &str, of_captions: &[f64], divisor: usize| {
        let repeated = |c: &f64| std::iter::repeat_n(c / divisor as f64, words);
        let weights: Vec<f64> = of_captions.iter().flat_map(repeated).collect();
        assert_equal(value, name, &rows.gradient(&weights));
    };
    let prior = numbers(&value["Lref"]);
    equal(
        "DAP",
        &augmented_likelihood(&sums, &prior, &rewards, 12.0).unwrap(),
        1,
    );
    for (name, margin) in [("seqnll", 0.0), ("softmax-margin", 1.0)] {
        let set = sequence_likelihood(&means, &rewards, captions, margin).unwrap();
        equal(name, &set.weights, words);
    }
    let set = multi_margin(&means, &rewards, captions).unwrap();
    equal("multi-margin", &set.weights, words);
    let lists: Vec<Vec<u32>> = rows.words.chunks(words).map(<[u32]>::to_vec).collect();
    let set = minimum_risk(&lists, &sums, &rewards, captions, 1.0).unwrap();
    equal("MWER", &set.weights, 1);
}

/// The toy beside numpy's, whose numbers it has to six decimals.
#[test]
fn captions_of_the_toy_are_those_of_numpy() {
    let vectors = vectors();
    let expected = vectors["images"].as_array().unwrap();
    let found = toy::images().unwrap();
    assert_eq!(found.len(), expected.len());
    let close = |found: &[f64], expected: Vec<f64>, what: &str| {
        assert_eq!(found.len(), expected.len(), "{what}");
        let differences = found.iter().zip(&expected).map(|(f, e)| (f - e).abs());
        let largest = differences.fold(0.0, f64::max);
        assert!(largest < 1e-6, "{what}: {largest}");
    };
    for (found, expected) in found.iter().zip(expected) {
        let numbers = |name: &str| numbers(&expected[name]);
        close(
            &found.probabilities,
            numbers("probabilities"),
            "probabilities",
        );
        close(&found.gradients.concat(), numbers("gradients"), "gradients");
        close(&found.rewards, numbers("rewards"), "rewards");
        let lengths: Vec<f64> = found.lengths.iter().map(|&words| words as f64).collect();
        close(&lengths, numbers("lengths"), "lengths");
    }
}

/// Cosine to the true gradient, scale, what is left of bias after scaling, and variance, as numpy printed them.
#[test]
fn bias_of_advantages_is_that_of_every_group() {
    use ToyEstimator as E;
    let images = toy::images().unwrap();
    let cases: [(E, [f64; 4], [f64; 4]); 9] = [
        (E::None, [1.0, 1.0, 0.0, 13.45], [1.0, 1.0, 0.0, 6.72]),
        (E::LeaveOneOut, [1.0, 1.0, 0.0, 7.54], [1.0, 1.0, 0.0, 2.43]),
        (E::Mean, [1.0, 0.5, 0.0, 7.54], [1.0, 0.75, 0.0, 2.43]),
        (
            E::MeanPerDeviation,
            [0.8294, 1.466, 0.674, 8.89],
            [0.8462, 2.610, 0.630, 2.63],
        ),
        (
            E::LengthWeightedMean,
            [0.9913, 0.543, 0.133, 5.95],
            [0.9975, 0.789, 0.070, 2.15],
        ),
        (
            E::LengthWeightedMeanOfOthers,
            [1.0, 1.0, 0.0, 7.54],
            [1.0, 1.0, 0.0, 2.48],
        ),
        (
            E::EnergyWeightedMean,
            [0.9877, 0.527, 0.158, 5.70],
            [0.9958, 0.773, 0.092, 2.08],
        ),
        (
            E::EnergyWeightedMeanOfOthers,
            [1.0, 1.0, 0.0, 7.54],
            [1.0, 1.0, 0.0, 2.58],
        ),
        (
            E::LeaveOneOutPerLength,
            [0.9541, 0.638, 0.314, 4.45],
            [0.9541, 0.638, 0.314, 1.37],
        ),
    ];
    assert_eq!(cases.map(|(estimator, ..)| estimator), E::ALL);
    for (estimator, of_two, of_four) in cases {
        for (samples, expected) in [(2, of_two), (4, of_four)] {
            let found =
                toy::moments(&images, samples, |group| estimator.advantages(group)).unwrap();
            let numbers = [found.cosine, found.scale, found.bias, found.variance];
            // What has no bias has none.
            let unbiased = expected[2] == 0.0;
            let tolerances = [5e-5, 5e-4, if unbiased { 1e-10 } else { 5e-4 }, 5e-3];
            for ((number, expected), tolerance) in numbers.iter().zip(expected).zip(tolerances) {
                let close = (number - expected).abs() < tolerance + 1e-9;
                assert!(
                    close,
                    "{estimator}, {samples}: {found:?}, expected {expected}"
                );
            }
        }
    }
    // A baseline of the own sample alone leaves nothing to learn from.
    let alone = |group: &toy::Group| E::EnergyWeightedMean.advantages(group);
    assert_eq!(toy::moments(&images, 1, alone).unwrap().scale, 0.0);
}
