//! Drawing a word with the Gumbel-max trick.

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

/// The word with the largest score after Gumbel noise is added; `None` for scores that are no distribution.
///
/// ```text
/// argmax_w (s_w - ln(-ln u_w)) ~ softmax(s),   u_w uniform     (Maddison et al. 2014)
/// ```
///
/// `uniform`, a number in `[0, 1)`, seeds the noise of all words, which does not depend on the scores.
pub(crate) fn gumbel_max(scores: &[f32], uniform: f64) -> Option<u32> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(uniform.to_bits());
    let mut best = f64::NEG_INFINITY;
    let mut word = None;
    for (k, &score) in scores.iter().enumerate() {
        let noise = -(-rng.random::<f64>().ln()).ln();
        let perturbed = f64::from(score) + noise;
        if perturbed > best {
            best = perturbed;
            word = Some(k as u32);
        } else if score.is_nan() {
            return None;
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_words_and_scores_that_are_no_distribution_are_never_drawn() {
        let scores = [f32::NEG_INFINITY, 0.0, f32::NEG_INFINITY];
        for k in 0..100 {
            assert_eq!(gumbel_max(&scores, f64::from(k) / 100.0), Some(1));
        }
        assert_eq!(gumbel_max(&[f32::NEG_INFINITY; 2], 0.5), None);
        assert_eq!(gumbel_max(&[0.0, f32::NAN], 0.5), None);
    }

    #[test]
    fn noise_of_a_word_stays_when_scores_of_others_change() {
        // Whichever word wins among all also wins among itself and any word less.
        for k in 0..200 {
            let uniform = f64::from(k) / 200.0;
            let all = gumbel_max(&[0.3, 0.1, 0.4, 0.2], uniform).unwrap();
            let loser = (all as usize + 1) % 4;
            let mut fewer = [0.3, 0.1, 0.4, 0.2];
            fewer[loser] = f32::NEG_INFINITY;
            assert_eq!(gumbel_max(&fewer, uniform), Some(all));
        }
    }
}
