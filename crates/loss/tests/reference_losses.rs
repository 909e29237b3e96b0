//! Losses against those of self-critical.pytorch, which `scripts/reference` ran: log-softmax of random logits
//! `[captions, time, vocab]`, sampled words, scores, four samples an image; in 64 bits.

#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

use burn::tensor::{DType, Device, Tensor, TensorData};
use scst_loss::{RowTargets, leave_one_out, max_margin, softmax_gradient};
use serde_json::Value;

fn vectors() -> Value {
    let vectors = include_str!("fixtures/scst_losses.json");
    serde_json::from_str(vectors).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    let values = value.as_array().unwrap().iter();
    values.map(|x| x.as_f64().unwrap()).collect()
}

/// Words up to and including the first end token.
fn captions(vectors: &Value) -> Vec<Vec<u32>> {
    let rows = vectors["seq"].as_array().unwrap().iter();
    rows.map(|row| {
        let words: Vec<u32> = numbers(row).into_iter().map(|w| w as u32).collect();
        let end = words.iter().position(|&w| w == 0);
        words[..end.map_or(words.len(), |end| end + 1)].to_vec()
    })
    .collect()
}

#[test]
fn policy_gradient_losses_equal_those_of_their_baselines() {
    let vectors = vectors();
    // The first is given advantages over greedy captions, the second compares the samples with each other.
    assert_policy_gradient(
        &vectors,
        &numbers(&vectors["reward"]),
        "reward_criterion_mean",
    );
    let scores = numbers(&vectors["scores"]);
    let baselines = leave_one_out(&scores, 4).unwrap();
    let advantages: Vec<f64> = scores.iter().zip(baselines).map(|(r, b)| r - b).collect();
    assert_policy_gradient(&vectors, &advantages, "new_self_critical");
}

/// Loss and summed size of the gradients at log-probabilities, both divided by the number of words.
fn assert_policy_gradient(vectors: &Value, advantages: &[f64], name: &str) {
    let captions = captions(vectors);
    let (mut logits, mut words, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for (n, caption) in captions.iter().enumerate() {
        for (t, &word) in caption.iter().enumerate() {
            logits.extend(numbers(&vectors["logits"][n][t]));
            words.push(word);
            weights.push(advantages[n] as f32);
        }
    }
    let shape = [words.len(), logits.len() / words.len()];
    let place = (&Device::flex(), DType::F64);
    let logits = Tensor::<2>::from_data(TensorData::new(logits, shape), place);
    let targets = RowTargets {
        words: &words,
        weights: &weights,
    };
    let found = softmax_gradient(logits, &targets, 0.0).unwrap();
    let log_p: Vec<f64> = found.log_probability.try_into_vec_as().unwrap();
    let tokens = words.len() as f64;
    let weighted = log_p.iter().zip(&weights);
    let loss = weighted.map(|(l, &a)| -l * f64::from(a)).sum::<f64>() / tokens;
    let size = weights.iter().map(|a| f64::from(a.abs())).sum::<f64>() / tokens;
    let expected = vectors["expected"][name].as_object().unwrap();
    let size_key = expected
        .keys()
        .find(|key| key.ends_with("abs_sum"))
        .unwrap();
    // The weights of rows are 32-bit numbers.
    for (found, key) in [(loss, "loss"), (size, size_key)] {
        let expected = expected[key].as_f64().unwrap();
        assert!(
            (found - expected).abs() < 1e-6,
            "{name}, {key}: {found} {expected}"
        );
    }
}

#[test]
fn max_margin_equals_the_structure_loss() {
    let vectors = vectors();
    let scores: Vec<f64> = captions(&vectors)
        .iter()
        .enumerate()
        .map(|(n, caption)| {
            let words = caption.iter().enumerate();
            let logit = |(t, &word): (usize, &u32)| {
                vectors["logits"][n][t][word as usize].as_f64().unwrap()
            };
            words.map(logit).sum::<f64>() / caption.len() as f64
        })
        .collect();
    let set = max_margin(&scores, &numbers(&vectors["scores"]), 4).unwrap();
    let images = set.loss.len() as f64;
    let loss = set.loss.iter().sum::<f64>() / images;
    let expected = &vectors["expected"]["max_margin"];
    assert!(
        (loss - expected["loss"].as_f64().unwrap()).abs() < 1e-12,
        "{loss}"
    );
    // Every caption's weight is shared by its words.
    let sum = set.weights.iter().map(|a| a.abs()).sum::<f64>() / images;
    let expected = expected["grad_wrt_input_abs_sum"].as_f64().unwrap();
    assert!((sum - expected).abs() < 1e-12, "{sum}");
}
