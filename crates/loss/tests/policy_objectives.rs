//! Policy objectives against numbers of `scripts/reference/policy_objectives.py`: central differences of losses that numpy
//! computed, and what advantages make of every group of samples of a toy.

#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

use burn::tensor::{DType, Device, Tensor, TensorData};
use scst_loss::{
    Clip, Divergence, DivergenceEstimate, Gate, Reference, Rejected, RowTargets, Sampled,
    augmented_likelihood, clipped_importance, estimated_divergence, geometric_clip, leave_one_out,
    mean_of_image, minimum_risk, multi_margin, per_deviation_of_image, preference, regularise,
    reward_regression, sequence_clip, sequence_likelihood, soft_gate, softmax_gradient, token_clip,
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
fn divergences_over_all_words_equal_those_of_numpy() {
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
        let found = regularise(nothing, logits, 0.0, Some(reference)).unwrap();
        let found: Vec<f64> = found.gradient.try_into_vec_as().unwrap();
        assert_equal(value, name, &found);
    }
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

/// An image of the toy: all of its captions.
struct Image {
    probabilities: Vec<f64>,
    /// Of the log-probability of every caption.
    gradients: Vec<Vec<f64>>,
    rewards: Vec<f64>,
    /// Words of every caption.
    lengths: Vec<f64>,
}

/// From rewards and lengths of a group to advantages.
type Advantages = fn(&[f64], &[f64]) -> Vec<f64>;

impl Image {
    /// `sum_y c(y) dlog p(y)/ds`.
    fn gradient(&self, of_captions: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.gradients[0].len()];
        for (gradient, c) in self.gradients.iter().zip(of_captions) {
            sum.iter_mut()
                .zip(gradient)
                .for_each(|(sum, g)| *sum += c * g);
        }
        sum
    }

    /// The expected gradient of an estimator that draws groups of `n`: every group, by its probability.
    fn expected(&self, n: usize, advantages: Advantages) -> Vec<f64> {
        let captions = self.rewards.len();
        let mut of_captions = vec![0.0; captions];
        for group in 0..captions.pow(n as u32) {
            let digit = |k: u32| group / captions.pow(k) % captions;
            let group: Vec<usize> = (0..n as u32).map(digit).collect();
            let probability: f64 = group.iter().map(|&y| self.probabilities[y]).product();
            let of = |values: &[f64]| group.iter().map(|&y| values[y]).collect::<Vec<f64>>();
            let advantages = advantages(&of(&self.rewards), &of(&self.lengths));
            for (&y, advantage) in group.iter().zip(advantages) {
                of_captions[y] += probability * advantage / n as f64;
            }
        }
        self.gradient(&of_captions)
    }
}

fn images() -> Vec<Image> {
    let vectors = vectors();
    let images = vectors["images"].as_array().unwrap().iter();
    images
        .map(|image| Image {
            probabilities: numbers(&image["probabilities"]),
            gradients: image["gradients"]
                .as_array()
                .unwrap()
                .iter()
                .map(numbers)
                .collect(),
            rewards: numbers(&image["rewards"]),
            lengths: numbers(&image["lengths"]),
        })
        .collect()
}

fn without(rewards: &[f64], baselines: &[f64]) -> Vec<f64> {
    rewards.iter().zip(baselines).map(|(r, b)| r - b).collect()
}

fn plain(rewards: &[f64], _: &[f64]) -> Vec<f64> {
    rewards.to_vec()
}

fn over_others(rewards: &[f64], _: &[f64]) -> Vec<f64> {
    without(rewards, &leave_one_out(rewards, rewards.len()).unwrap())
}

fn over_mean(rewards: &[f64], _: &[f64]) -> Vec<f64> {
    without(rewards, &mean_of_image(rewards, rewards.len()).unwrap())
}

fn per_deviation(rewards: &[f64], lengths: &[f64]) -> Vec<f64> {
    let advantages = over_mean(rewards, lengths);
    per_deviation_of_image(&advantages, rewards, rewards.len()).unwrap()
}

/// The baseline is the mean of rewards by lengths, of the others or, which is wrong, of the own sample too.
fn by_lengths(rewards: &[f64], lengths: &[f64], own: bool) -> Vec<f64> {
    let baseline = |n: usize| {
        let others = (0..rewards.len()).filter(|&k| own || k != n);
        let (sum, total) = others.fold((0.0, 0.0), |(sum, total), k| {
            (sum + lengths[k] * rewards[k], total + lengths[k])
        });
        sum / total
    };
    (0..rewards.len())
        .map(|n| rewards[n] - baseline(n))
        .collect()
}

/// The wrong variant: every caption divided by its own length.
fn per_own_length(rewards: &[f64], lengths: &[f64]) -> Vec<f64> {
    let advantages = over_others(rewards, lengths);
    advantages
        .iter()
        .zip(lengths)
        .map(|(a, words)| a / words)
        .collect()
}

/// Cosine to the true gradient, scale, and what is left of bias after scaling, over all images.
#[test]
fn bias_of_advantages_is_that_of_every_group() {
    let images = images();
    let of_all = |gradient: &dyn Fn(&Image) -> Vec<f64>| -> Vec<f64> {
        images.iter().flat_map(gradient).collect()
    };
    let truth = of_all(&|image| {
        let pairs = image.probabilities.iter().zip(&image.rewards);
        image.gradient(&pairs.map(|(p, r)| p * r).collect::<Vec<f64>>())
    });
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let with_own: Advantages = |rewards, lengths| by_lengths(rewards, lengths, true);
    let of_others: Advantages = |rewards, lengths| by_lengths(rewards, lengths, false);
    let cases: [(&str, usize, Advantages, [f64; 3]); 14] = [
        ("plain", 2, plain, [1.0, 1.0, 0.0]),
        ("leave-one-out", 2, over_others, [1.0, 1.0, 0.0]),
        ("mean", 2, over_mean, [1.0, 0.5, 0.0]),
        ("deviation", 2, per_deviation, [0.8294, 1.466, 0.674]),
        ("by lengths, own too", 2, with_own, [0.9913, 0.543, 0.133]),
        ("by lengths", 2, of_others, [1.0, 1.0, 0.0]),
        ("own length", 2, per_own_length, [0.9541, 0.638, 0.314]),
        ("plain", 4, plain, [1.0, 1.0, 0.0]),
        ("leave-one-out", 4, over_others, [1.0, 1.0, 0.0]),
        ("mean", 4, over_mean, [1.0, 0.75, 0.0]),
        ("deviation", 4, per_deviation, [0.8462, 2.610, 0.630]),
        ("by lengths, own too", 4, with_own, [0.9975, 0.789, 0.070]),
        ("by lengths", 4, of_others, [1.0, 1.0, 0.0]),
        ("own length", 4, per_own_length, [0.9541, 0.638, 0.314]),
    ];
    for (name, n, advantages, [cosine, scale, bias]) in cases {
        let mean = of_all(&|image| image.expected(n, advantages));
        let size = |a: &[f64]| dot(a, a).sqrt();
        let found_scale = dot(&mean, &truth) / dot(&truth, &truth);
        let found_cosine = dot(&mean, &truth) / size(&mean) / size(&truth);
        let scaled = mean.iter().zip(&truth).map(|(m, t)| m / found_scale - t);
        let found_bias = size(&scaled.collect::<Vec<f64>>()) / size(&truth);
        for (what, found, expected) in [
            ("cosine", found_cosine, cosine),
            ("scale", found_scale, scale),
            ("bias", found_bias, bias),
        ] {
            // Three digits were printed; what has no bias has none.
            let tolerance = if bias == 0.0 { 1e-10 } else { 6e-4 };
            let close = (found - expected).abs() < tolerance;
            assert!(close, "{name}, {n}: {what} {found}, expected {expected}");
        }
    }
    // A baseline of its own sample alone leaves nothing to learn from.
    let own = of_all(&|image| image.expected(2, |rewards, _| without(rewards, rewards)));
    assert!(own.iter().all(|g| *g == 0.0));
}
