use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{
    NoRepeatedNgram, sample,
    transition_table::{TransitionTable, enumerate},
};

const P: [f64; 5] = [0.1, 0.4, 0.15, 0.05, 0.3];

/// Holds the frequencies of first words against probabilities, at 4.5 standard deviations.
fn assert_frequencies(options: &SamplingOptions, limits: &Limits, expected: &[f64]) {
    let row = P.map(|p| p as f32);
    let mut model = TransitionTable::new(&[&row[..]; 5]);
    let rows = 20_000;
    for draw in [Draw::Inversion, Draw::GumbelMax] {
        let options = SamplingOptions {
            draw,
            ..options.clone()
        };
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let state = TransitionTable::state(rows);
        let drawn = sample_with(&mut model, state, rows, &options, limits, &mut rng).unwrap();
        for (word, &p) in (0..).zip(expected) {
            let count = drawn.iter().filter(|h| h.words[0] == word).count() as f64;
            let n = rows as f64;
            let deviation = (p * (1.0 - p) / n).sqrt();
            let difference = (count / n - p).abs();
            assert!(
                difference <= 4.5 * deviation,
                "{options:?}, word {word}: off by {difference}"
            );
        }
    }
}

/// The probabilities of the named words, made to add up to 1; 0 for the others.
fn only(words: &[usize]) -> Vec<f64> {
    let total: f64 = words.iter().map(|&word| P[word]).sum();
    let kept = |word| {
        if words.contains(&word) {
            P[word] / total
        } else {
            0.0
        }
    };
    (0..P.len()).map(kept).collect()
}

#[test]
fn frequencies_approach_the_truncated_distribution() {
    let one = Limits::length(1);
    let plain = SamplingOptions::default();
    assert_frequencies(&plain, &one, &P);
    for t in [0.5f64, 2.0] {
        let powers = P.map(|p| p.powf(1.0 / t));
        let total: f64 = powers.iter().sum();
        let options = SamplingOptions {
            temperature: t,
            ..plain.clone()
        };
        assert_frequencies(&options, &one, &powers.map(|p| p / total));
    }
    let top_k = SamplingOptions {
        top_k: Some(3),
        ..plain.clone()
    };
    assert_frequencies(&top_k, &one, &only(&[1, 2, 4]));
    let top_p = SamplingOptions {
        top_p: Some(0.65),
        ..plain.clone()
    };
    assert_frequencies(&top_p, &one, &only(&[1, 4]));
    let min_p = SamplingOptions {
        min_p: Some(0.2),
        ..plain.clone()
    };
    assert_frequencies(&min_p, &one, &only(&[0, 1, 2, 4]));
    // The three most probable have 0.85 of all, but 0.85 / 0.95 = 0.8947 of the four.
    let both = SamplingOptions {
        top_k: Some(4),
        top_p: Some(0.89),
        ..plain
    };
    assert_frequencies(&both, &one, &only(&[1, 2, 4]));
}

#[test]
fn constraints_come_before_truncation() {
    let limits = Limits {
        max_length: 1,
        constraints: vec![Box::new(crate::ForbiddenWords(vec![1]))],
    };
    let options = SamplingOptions {
        top_k: Some(2),
        ..SamplingOptions::default()
    };
    assert_frequencies(&options, &limits, &only(&[2, 4]));
}

fn model() -> (Vec<Vec<f32>>, TransitionTable) {
    let rows: [&[f32]; 3] = [&[0.2, 0.4, 0.4], &[0.3, 0.3, 0.4], &[0.3, 0.4, 0.3]];
    (
        rows.map(<[f32]>::to_vec).to_vec(),
        TransitionTable::new(&rows),
    )
}

#[test]
fn defaults_draw_what_training_draws_with_the_models_log_probabilities() {
    let (table, mut model) = model();
    let rng = || ChaCha8Rng::seed_from_u64(9);
    let rows = 50;
    let state = || TransitionTable::state(rows);
    let expected = sample(&mut model, state(), rows, 4, &mut rng()).unwrap();
    let probabilities = enumerate(&table, 4);
    let limits = Limits::length(4);
    let sharp = SamplingOptions {
        temperature: 0.3,
        top_p: Some(0.8),
        ..SamplingOptions::default()
    };
    let plain = SamplingOptions::default();
    let drawn = sample_with(&mut model, state(), rows, &plain, &limits, &mut rng()).unwrap();
    let words: Vec<_> = drawn.iter().map(|h| h.words.clone()).collect();
    assert_eq!(words, expected);
    let sharp = sample_with(&mut model, state(), rows, &sharp, &limits, &mut rng()).unwrap();
    for found in drawn.iter().chain(&sharp) {
        let expected = probabilities.iter().find(|h| h.words == found.words);
        let difference = found.log_probability - expected.unwrap().log_probability;
        assert!(difference.abs() < 1e-5, "{found:?}: {difference}");
    }
}

#[test]
fn captions_are_the_same_when_the_batch_is_divided() {
    let (_, mut model) = model();
    let limits = Limits {
        max_length: 6,
        constraints: vec![Box::new(NoRepeatedNgram(2))],
    };
    for draw in [Draw::Inversion, Draw::GumbelMax] {
        let options = SamplingOptions {
            draw,
            temperature: 1.3,
            ..SamplingOptions::default()
        };
        let mut run = |batches: &[usize]| {
            let mut rng = ChaCha8Rng::seed_from_u64(9);
            let mut all = Vec::new();
            for &rows in batches {
                let state = TransitionTable::state(rows);
                let drawn = sample_with(&mut model, state, rows, &options, &limits, &mut rng);
                all.extend(drawn.unwrap());
            }
            all
        };
        assert_eq!(run(&[8]), run(&[3, 1, 4]));
    }
}

#[test]
fn options_are_refused_when_they_are_out_of_range() {
    let (_, mut model) = model();
    let options = SamplingOptions {
        temperature: 0.0,
        top_k: Some(0),
        top_p: Some(0.0),
        min_p: Some(f64::NAN),
        ..SamplingOptions::default()
    };
    let problems: Vec<&str> = options.problems().iter().map(|p| p.option).collect();
    assert_eq!(problems, ["temperature", "top_k", "top_p", "min_p"]);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let limits = Limits::length(3);
    let state = TransitionTable::state(1);
    let error = sample_with(&mut model, state, 1, &options, &limits, &mut rng).unwrap_err();
    let expected = "temperature: found 0, expected a finite number above 0";
    assert_eq!(error.to_string(), expected);
}
