//! Captions for the tests of row weights: random logits now, when the words were drawn, and of a reference.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Sampled;
use crate::gradient_check::{check_row_weights, log_softmax, random_logits};

pub(crate) const VOCAB: usize = 6;

/// Words of every caption.
pub(crate) const LENGTHS: [usize; 4] = [4, 2, 5, 1];

/// What `log rho` of every row is about: on both sides of every clip, for advantages of either sign, and so that whole
/// captions of either sign are clipped at 2 %.
const LOG_RATIOS: [f64; 12] = [
    0.4, -0.4, 0.1, 0.5, -0.1, 0.3, -0.5, 0.2, 0.3, -0.3, -0.2, 0.05,
];

/// Some captions; rows are packed, time first, as those of a tape.
pub(crate) struct Toy {
    pub(crate) words: Vec<u32>,
    /// The caption of every row.
    pub(crate) caption: Vec<usize>,
    pub(crate) rewards: [f64; LENGTHS.len()],
    logits: Vec<f64>,
    log_probability: Vec<f64>,
    drawn: Vec<f64>,
    reference: Vec<f64>,
    advantages: Vec<f64>,
}

impl Toy {
    pub(crate) fn new(seed: u64) -> Self {
        let longest = LENGTHS.iter().copied().max().unwrap();
        let open = |t: usize| (0..LENGTHS.len()).filter(move |&n| t < LENGTHS[n]);
        let caption: Vec<usize> = (0..longest).flat_map(open).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let rows = caption.len();
        let words: Vec<u32> = (0..rows)
            .map(|_| rng.random_range(0..VOCAB as u32))
            .collect();
        let mut logits = random_logits(rows * VOCAB, seed + 100);
        // No word so probable that it cannot have been more so.
        for (row, &word) in words.iter().enumerate() {
            let logit = &mut logits[row * VOCAB + word as usize];
            *logit = logit.min(-1.0);
        }
        let log_probability = of_words(&logits, &words);
        let mut moved = |by: f64| by + rng.random_range(-0.02..0.02);
        let drawn = log_probability.iter().zip(LOG_RATIOS);
        let drawn = drawn.map(|(now, ratio)| now - moved(ratio)).collect();
        let reference: Vec<f64> = logits.iter().map(|s| s + 20.0 * moved(0.0)).collect();
        let of_captions = [1.3, -0.7, 0.4, -1.1];
        Self {
            rewards: [0.2, 0.9, 0.5, 0.3],
            advantages: caption.iter().map(|&n| of_captions[n]).collect(),
            log_probability,
            drawn,
            reference: of_words(&reference, &words),
            logits,
            caption,
            words,
        }
    }

    pub(crate) fn sampled(&self) -> Sampled<'_> {
        Sampled {
            log_probability: &self.log_probability,
            drawn: &self.drawn,
            advantages: &self.advantages,
        }
    }

    pub(crate) fn log_probability(&self) -> &[f64] {
        &self.log_probability
    }

    pub(crate) fn drawn(&self) -> &[f64] {
        &self.drawn
    }

    pub(crate) fn reference(&self) -> &[f64] {
        &self.reference
    }

    pub(crate) fn advantages(&self) -> &[f64] {
        &self.advantages
    }

    /// What a formula makes of ratios and advantages.
    pub(crate) fn weights(&self, of: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        let rows = self.log_probability.iter().zip(&self.drawn);
        rows.zip(&self.advantages)
            .map(|((now, drawn), &a)| of((now - drawn).exp(), a))
            .collect()
    }

    /// The sum of the values of every caption's rows.
    pub(crate) fn sums(&self, values: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; LENGTHS.len()];
        for (&n, value) in self.caption.iter().zip(values) {
            sums[n] += value;
        }
        sums
    }

    /// The mean of the values of every caption's rows.
    pub(crate) fn means(&self, values: &[f64]) -> Vec<f64> {
        let sums = self.sums(values).into_iter().zip(LENGTHS);
        sums.map(|(sum, words)| sum / words as f64).collect()
    }

    /// Weights of captions at all of their rows.
    pub(crate) fn at_rows(&self, of_captions: &[f64]) -> Vec<f64> {
        self.caption.iter().map(|&n| of_captions[n]).collect()
    }

    /// Whether `weights` are those of a loss of the words' log-probabilities.
    pub(crate) fn check(
        &self,
        weights: &[f64],
        loss: impl Fn(&[f64]) -> f64,
    ) -> Result<(), String> {
        check_row_weights(&self.logits, VOCAB, &self.words, weights, loss)
    }
}

fn of_words(logits: &[f64], words: &[u32]) -> Vec<f64> {
    let log_p = log_softmax(logits, VOCAB);
    let rows = log_p.chunks(VOCAB).zip(words);
    rows.map(|(row, &word)| row[word as usize]).collect()
}
