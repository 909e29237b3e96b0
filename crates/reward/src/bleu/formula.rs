//! BLEU from its statistics.

use crate::ngram::MAX_ORDER;
use crate::{BleuOptions, BleuSmoothing, BleuStatistics};

/// Keeps a numerator of coco-caption above 0.
const TINY: f64 = 1e-15;
/// Keeps a denominator of coco-caption above 0.
const SMALL: f64 = 1e-9;

/// A BLEU score and the numbers that it was computed from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BleuScore {
    /// The score, 0 to 1.
    pub score: f64,
    /// The factor for a candidate shorter than its reference, 0 to 1.
    pub brevity: f64,
    /// Precisions by order, 0 to 1; 0 beyond the last order that counts.
    pub precisions: [f64; MAX_ORDER],
    /// Matched n-grams by order, with `k` where add-k smoothing put it.
    pub correct: [f64; MAX_ORDER],
    /// N-grams by order, with `k` where add-k smoothing put it.
    pub guess: [f64; MAX_ORDER],
}

impl BleuStatistics {
    /// BLEU with these options, 0 to 1; an order outside 1 to 4 counts as the nearest of them.
    ///
    /// Papineni et al. 2002, section 2.3. `N` is the order:
    /// ```text
    /// BLEU = brevity * (p_1 ... p_N)^(1/N)
    ///
    /// coco        p_n     = (correct_n + tiny) / (guess_n + small)       tiny 1e-15, small 1e-9
    ///             brevity = min(1, exp(1 - 1/ratio))                     ratio = (len_c + tiny) / (len_r + small)
    /// others      p_n     = correct_n / guess_n                          0 if guess_n is 0
    ///             brevity = min(1, exp(1 - len_r / len_c))               BLEU = 0 if every correct_n is 0
    ///   floor     p_n     = value / guess_n                              where correct_n is 0
    ///   add_k     p_n     = (correct_n + k) / (guess_n + k)              for n > 1
    ///   exp       p_n     = 1 / (2^i guess_n)                            for the i-th n whose correct_n is 0
    /// ```
    /// With an effective order, `N` is the last `n` before the first whose `guess_n` (and `k`) is 0.
    pub fn score(&self, options: &BleuOptions) -> BleuScore {
        let order = options.order.clamp(1, MAX_ORDER);
        let reference = self.reference_lengths.length(options.reference_length);
        if options.smoothing == BleuSmoothing::Coco {
            self.coco_score(order, reference)
        } else {
            self.sacrebleu_score(order, reference, options)
        }
    }

    /// BLEU-1 to BLEU-4 as coco-caption prints them, 0 to 1: [`score`](Self::score) with the default options.
    ///
    /// A perfect caption scores just under 1; an order without any n-gram counts as a precision of 1e-6.
    pub fn scores(&self) -> [f64; MAX_ORDER] {
        let brevity = self.coco_brevity(self.reference_lengths.closest as f64);
        let mut product = 1.0;
        let mut scores = [0.0; MAX_ORDER];
        for (order, score) in (1..).zip(&mut scores) {
            product *= self.coco_precision(order);
            *score = product.powf(1.0 / order as f64) * brevity;
        }
        scores
    }

    fn coco_score(&self, order: usize, reference: f64) -> BleuScore {
        let mut score = self.unscored(self.coco_brevity(reference));
        let mut product = 1.0;
        for (order, precision) in (1..=order).zip(&mut score.precisions) {
            *precision = self.coco_precision(order);
            product *= *precision;
        }
        score.score = product.powf(1.0 / order as f64) * score.brevity;
        score
    }

    fn coco_precision(&self, order: usize) -> f64 {
        (self.correct[order - 1] as f64 + TINY) / (self.guess[order - 1] as f64 + SMALL)
    }

    fn coco_brevity(&self, reference: f64) -> f64 {
        let ratio = (self.candidate_length as f64 + TINY) / (reference + SMALL);
        if ratio < 1.0 {
            (1.0 - 1.0 / ratio).exp()
        } else {
            1.0
        }
    }

    fn sacrebleu_score(&self, order: usize, reference: f64, options: &BleuOptions) -> BleuScore {
        let length = self.candidate_length as f64;
        // An infinite quotient of an empty candidate gives 0.
        let brevity = if length < reference {
            (1.0 - reference / length).exp()
        } else {
            1.0
        };
        let mut score = self.unscored(brevity);
        if self.correct[..order].iter().all(|&correct| correct == 0) {
            return score;
        }
        let mut averaged = order;
        let mut halved = 1.0;
        for n in 1..=order {
            let (correct, guess) = (&mut score.correct[n - 1], &mut score.guess[n - 1]);
            if let BleuSmoothing::AddK { k } = options.smoothing
                && n > 1
            {
                *correct += k;
                *guess += k;
            }
            if *guess == 0.0 {
                break;
            }
            if options.effective_order {
                averaged = n;
            }
            let matches = match options.smoothing {
                BleuSmoothing::Exp if *correct == 0.0 => {
                    halved /= 2.0;
                    halved
                }
                BleuSmoothing::Floor { value } if *correct == 0.0 => value,
                _ => *correct,
            };
            score.precisions[n - 1] = matches / *guess;
        }
        // The logarithm of a precision of 0 is minus infinity and makes the score exactly 0.
        let logs = score.precisions[..averaged].iter().map(|p| p.ln());
        score.score = brevity * (logs.sum::<f64>() / averaged as f64).exp();
        score
    }

    fn unscored(&self, brevity: f64) -> BleuScore {
        BleuScore {
            score: 0.0,
            brevity,
            precisions: [0.0; MAX_ORDER],
            correct: self.correct.map(|correct| correct as f64),
            guess: self.guess.map(|guess| guess as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BleuOptions;
    use crate::bleu::{ReferenceLength, ReferenceLengths};

    /// A caption of 4 words with 3 matched words, 1 matched pair and nothing longer.
    fn statistics() -> BleuStatistics {
        BleuStatistics {
            correct: [3, 1, 0, 0],
            guess: [4, 3, 2, 1],
            candidate_length: 4,
            reference_lengths: ReferenceLengths {
                closest: 5,
                shortest: 3,
                average: 4.5,
            },
        }
    }

    fn options(smoothing: BleuSmoothing) -> BleuOptions {
        BleuOptions {
            smoothing,
            ..BleuOptions::default()
        }
    }

    fn check(options: &BleuOptions, expected: f64) {
        let found = statistics().score(options).score;
        assert!(
            (found - expected).abs() <= 1e-15,
            "{options:?}: found {found}, expected {expected}"
        );
    }

    #[test]
    fn score_equals_the_hand_computed_when_each_smoothing_is_used() {
        let mean = |product: f64| product.powf(0.25) * (-0.25f64).exp();
        check(&options(BleuSmoothing::None), 0.0);
        let floor = BleuSmoothing::Floor { value: 0.1 };
        check(&options(floor), mean(0.75 / 3.0 * 0.05 * 0.1));
        let add_k = BleuSmoothing::AddK { k: 1.0 };
        check(&options(add_k), mean(0.75 * 0.5 / 3.0 * 0.5));
        check(&options(BleuSmoothing::Exp), mean(0.75 / 3.0 * 0.25 * 0.25));
        let coco = mean(0.75 / 3.0 * 1e-15 / 2.0 * 1e-15);
        let found = statistics().score(&BleuOptions::default()).score;
        assert!((found / coco - 1.0).abs() <= 1e-8, "{found} {coco}");
    }

    #[test]
    fn brevity_follows_the_reference_length_when_it_is_chosen() {
        let brevity = |reference_length, smoothing| {
            let options = BleuOptions {
                reference_length,
                ..options(smoothing)
            };
            statistics().score(&options).brevity
        };
        for smoothing in [BleuSmoothing::Coco, BleuSmoothing::Exp] {
            assert_eq!(brevity(ReferenceLength::Shortest, smoothing), 1.0);
            let closest = brevity(ReferenceLength::Closest, smoothing);
            assert!((closest - (-0.25f64).exp()).abs() <= 1e-9);
            let average = brevity(ReferenceLength::Average, smoothing);
            assert!((average - (-0.125f64).exp()).abs() <= 1e-9);
        }
    }

    #[test]
    fn short_captions_score_when_the_order_is_effective() {
        let two_words = BleuStatistics {
            correct: [2, 1, 0, 0],
            guess: [2, 1, 0, 0],
            candidate_length: 2,
            reference_lengths: ReferenceLengths {
                closest: 2,
                ..ReferenceLengths::default()
            },
        };
        let effective = BleuOptions {
            effective_order: true,
            ..options(BleuSmoothing::None)
        };
        assert_eq!(two_words.score(&effective).score, 1.0);
        assert_eq!(two_words.score(&options(BleuSmoothing::Exp)).score, 0.0);
        assert_eq!(BleuStatistics::default().score(&effective).score, 0.0);
    }

    #[test]
    fn score_equals_the_printed_one_when_the_options_are_the_default() {
        for order in 1..=MAX_ORDER {
            let options = BleuOptions {
                order,
                ..BleuOptions::default()
            };
            let score = statistics().score(&options).score;
            assert_eq!(score, statistics().scores()[order - 1]);
        }
    }
}
