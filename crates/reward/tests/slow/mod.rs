//! Random captions, and BLEU as its definition reads.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;
use scst_reward::{BleuOptions, BleuSmoothing, ReferenceLength};

pub(crate) type Sentence = Vec<u32>;

/// Few words, so that n-grams repeat, and some ids at the ends of the range.
pub(crate) fn token() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0u32..5, 1 => Just(u32::MAX), 1 => any::<u32>()]
}

pub(crate) fn sentence() -> impl Strategy<Value = Sentence> {
    vec(token(), 0..12)
}

/// Counts by n-gram.
pub(crate) fn counts(tokens: &[u32], order: usize) -> HashMap<&[u32], f64> {
    let mut counts = HashMap::new();
    for ngram in tokens.windows(order) {
        *counts.entry(ngram).or_insert(0.0) += 1.0;
    }
    counts
}

/// Matched n-grams, clipped by the largest count of a reference.
pub(crate) fn matches(candidate: &[u32], references: &[Sentence], order: usize) -> f64 {
    let most = |ngram: &[u32]| {
        let count =
            |reference: &Sentence| counts(reference, order).get(ngram).copied().unwrap_or(0.0);
        references.iter().map(count).fold(0.0, f64::max)
    };
    counts(candidate, order)
        .iter()
        .map(|(ngram, count)| count.min(most(ngram)))
        .sum()
}

/// The reference length of one sentence.
pub(crate) fn reference_length(
    candidate: &[u32],
    references: &[Sentence],
    which: ReferenceLength,
) -> f64 {
    let mut lengths: Vec<_> = references.iter().map(Vec::len).collect();
    lengths.sort_unstable();
    let distance = |length: &&usize| length.abs_diff(candidate.len());
    match which {
        ReferenceLength::Closest => *lengths.iter().min_by_key(distance).expect("one") as f64,
        ReferenceLength::Shortest => lengths[0] as f64,
        ReferenceLength::Average => lengths.iter().sum::<usize>() as f64 / references.len() as f64,
    }
}

/// BLEU of a corpus: items of one candidate and its references.
pub(crate) fn slow_bleu(items: &[(Sentence, Vec<Sentence>)], options: &BleuOptions) -> f64 {
    let total = |number: &dyn Fn(&[u32], &[Sentence]) -> f64| -> f64 {
        items
            .iter()
            .map(|(candidate, references)| number(candidate, references))
            .sum()
    };
    let length = total(&|candidate, _| candidate.len() as f64);
    let reference = total(&|candidate, references| {
        reference_length(candidate, references, options.reference_length)
    });
    let orders = 1..=options.order;
    let correct: Vec<f64> = orders
        .clone()
        .map(|order| total(&|candidate, references| matches(candidate, references, order)))
        .collect();
    let guess: Vec<f64> = orders
        .map(|order| total(&|candidate, _| candidate.windows(order).count() as f64))
        .collect();
    if options.smoothing == BleuSmoothing::Coco {
        let ratio = (length + 1e-15) / (reference + 1e-9);
        let precisions = correct.iter().zip(&guess);
        let product: f64 = precisions.map(|(c, g)| (c + 1e-15) / (g + 1e-9)).product();
        return product.powf(1.0 / options.order as f64) * (1.0 - 1.0 / ratio).min(0.0).exp();
    }
    if correct.iter().all(|&correct| correct == 0.0) {
        return 0.0;
    }
    let k = |index| match options.smoothing {
        BleuSmoothing::AddK { k } if index > 0 => k,
        _ => 0.0,
    };
    let possible = (0..options.order).take_while(|&index| guess[index] + k(index) > 0.0);
    let possible = possible.count();
    if possible < options.order && !options.effective_order {
        return 0.0;
    }
    let mut logs = 0.0;
    for index in 0..possible {
        let missed = correct[..=index].iter().filter(|&&c| c == 0.0).count();
        let numerator = match options.smoothing {
            BleuSmoothing::Exp if correct[index] == 0.0 => 0.5f64.powi(missed as i32),
            BleuSmoothing::Floor { value } if correct[index] == 0.0 => value,
            _ => correct[index] + k(index),
        };
        logs += (numerator / (guess[index] + k(index))).ln();
    }
    (logs / possible as f64).exp() * (1.0 - reference / length).min(0.0).exp()
}
