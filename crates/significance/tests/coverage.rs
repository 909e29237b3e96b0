//! Simulations: how often intervals hold the true difference, and how often chance alone looks like a difference.

#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use scst_significance::{Comparison, Counts, Difference, Resampling};

const SOURCES: usize = 50;
const TRIALS: u64 = 400;
const RESAMPLES: usize = 400;

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

fn mean(sum: &[f64]) -> Vec<f64> {
    vec![sum[0] / sum[1]]
}

fn compare(a: &[Counts], b: &[Counts], seed: u64) -> Difference {
    let comparison = Comparison::new(a, b, &mean).unwrap();
    let resamples = RESAMPLES;
    let found = comparison.differences(Resampling { resamples, seed });
    found.unwrap()[0]
}

/// Runs of two sides: sources differ much, runs by `spread`, captions by noise; B is better by `gain`.
fn sides(rng: &mut ChaCha8Rng, runs: usize, spread: f64, gain: f64) -> [Vec<Counts>; 2] {
    let sources: Vec<f64> = (0..SOURCES).map(|_| 3.0 * normal(rng)).collect();
    [0.0, gain].map(|shift| {
        // What a source gains by a side is a property of the source, for all of the side's runs.
        let gains: Vec<f64> = sources.iter().map(|_| 0.5 * normal(rng)).collect();
        let run = |rng: &mut ChaCha8Rng| {
            let level = shift + spread * normal(rng);
            let pairs = sources.iter().zip(&gains);
            let rows = pairs.flat_map(|(source, gain)| {
                // Weights make the score a quotient of two sums, as corpus BLEU is one.
                let weight = 1.0 + normal(rng).abs();
                let value = level + source + gain + 0.5 * normal(rng);
                [weight * value, weight]
            });
            Counts::new(2, rows.collect()).unwrap()
        };
        (0..runs).map(|_| run(rng)).collect()
    })
}

/// In how many trials something was so.
fn share(trial: impl Fn(&mut ChaCha8Rng, u64) -> bool) -> f64 {
    let held = (0..TRIALS).filter(|&seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(1000 + seed);
        trial(&mut rng, seed)
    });
    held.count() as f64 / TRIALS as f64
}

fn holds(found: &Difference, truth: f64) -> bool {
    let [low, high] = found.interval;
    low <= truth && truth <= high
}

#[test]
fn intervals_of_single_runs_hold_the_true_difference_about_95_times_of_100() {
    let coverage = share(|rng, seed| {
        let [a, b] = sides(rng, 1, 0.0, 0.3);
        holds(&compare(&a, &b, seed), 0.3)
    });
    assert!((0.91..0.98).contains(&coverage), "{coverage}");
}

#[test]
fn chance_is_uniform_when_sides_do_not_differ() {
    for (level, bounds) in [(0.05, 0.02..0.085), (0.5, 0.42..0.58)] {
        let below = share(|rng, seed| {
            let [a, b] = sides(rng, 1, 0.0, 0.0);
            compare(&a, &b, seed).p <= level
        });
        assert!(bounds.contains(&below), "{level}: {below}");
    }
}

#[test]
fn intervals_of_several_runs_hold_the_true_difference_and_those_of_sources_alone_do_not() {
    // With and without a difference between seeds beyond that of their captions.
    for (runs, spread) in [(3, 0.5), (5, 0.5), (3, 0.0)] {
        let coverage = share(|rng, seed| {
            let [a, b] = sides(rng, runs, spread, 0.3);
            holds(&compare(&a, &b, seed), 0.3)
        });
        let most = if spread > 0.0 { 0.99 } else { 1.0 };
        assert!(
            (0.91..=most).contains(&coverage),
            "{runs} {spread}: {coverage}"
        );
    }
    // The wrong way: one run of each side, as if another seed would give the same.
    let of_sources_alone = share(|rng, seed| {
        let [a, b] = sides(rng, 3, 0.5, 0.3);
        holds(&compare(&a[..1], &b[..1], seed), 0.3)
    });
    assert!(of_sources_alone < 0.7, "{of_sources_alone}");
}

#[test]
fn chance_of_runs_that_change_sides_is_uniform() {
    let below = share(|rng, seed| {
        let [a, b] = sides(rng, 4, 0.5, 0.0);
        compare(&a, &b, seed).p <= 0.1
    });
    // 6 of 70 ways.
    assert!((0.04..0.14).contains(&below), "{below}");
}
