//! GSPO: the ratio of a whole caption, clipped.

use super::{Clip, Sampled, captions::means};
use crate::LossError;

/// The clipped surrogate of whole captions (Zheng et al. 2025, arXiv 2507.18071).
///
/// ```text
/// L   = -sum_captions min(s A, clip(s, 1 - eps_low, 1 + eps_high) A),   s = exp(mean_t (l_t - l_old,t))
/// c_t = A s / T,   0 if A > 0 and s > 1 + eps_high, or A < 0 and s < 1 - eps_low, or A < 0 and s > delta
/// ```
///
/// `T`: words of the caption, which the mean in `s` brings in. Advantages that differ within a caption are those of
/// GSPO-token (section 4.3), where each word's own sign decides.
///
/// # Shapes
/// `caption_of_row`: a number that the rows of a caption share, `[rows]`; so is the result.
///
/// # Errors
/// As of [`token_clip`](super::token_clip).
pub fn sequence_clip(
    sampled: &Sampled<'_>,
    caption_of_row: &[usize],
    clip: Clip,
) -> Result<Vec<f64>, LossError> {
    clip.check()?;
    let (log_ratios, advantages): (Vec<f64>, Vec<f64>) = sampled.log_ratios()?.into_iter().unzip();
    let rows = means(caption_of_row, &log_ratios)?.into_iter();
    let weight =
        |((mean, words), advantage): ((f64, f64), f64)| clip.weight(advantage, mean.exp()) / words;
    Ok(rows.zip(advantages).map(weight).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::toy::{LENGTHS, Toy};

    const CLIP: Clip = Clip {
        low: 0.02,
        high: 0.02,
        dual: None,
    };

    fn textbook(toy: &Toy, log_p: &[f64]) -> f64 {
        let (now, drawn) = (toy.means(log_p), toy.means(toy.drawn()));
        let advantages = toy.means(toy.advantages());
        let captions = now.iter().zip(drawn).zip(advantages);
        captions
            .map(|((now, drawn), a)| {
                let ratio = (now - drawn).exp();
                -(ratio * a).min(ratio.clamp(1.0 - CLIP.low, 1.0 + CLIP.high) * a)
            })
            .sum()
    }

    #[test]
    fn weights_are_those_of_the_surrogate_of_captions() {
        for seed in 1..=5 {
            let toy = Toy::new(seed);
            let found = sequence_clip(&toy.sampled(), &toy.caption, CLIP).unwrap();
            toy.check(&found, |log_p| textbook(&toy, log_p)).unwrap();
            // The first two captions are clipped.
            let clipped: Vec<bool> = found[..4].iter().map(|c| *c == 0.0).collect();
            assert_eq!(clipped, [true, true, false, false]);
        }
    }

    #[test]
    fn ratios_of_words_and_a_forgotten_length_fail() {
        let toy = Toy::new(1);
        let length = |row: usize| LENGTHS[toy.caption[row]] as f64;
        let of_words = toy.weights(|ratio, a| a * ratio);
        let of_words: Vec<f64> = (0..of_words.len())
            .map(|row| of_words[row] / length(row))
            .collect();
        assert!(toy.check(&of_words, |log_p| textbook(&toy, log_p)).is_err());
        let found = sequence_clip(&toy.sampled(), &toy.caption, CLIP).unwrap();
        let undivided: Vec<f64> = (0..found.len())
            .map(|row| found[row] * length(row))
            .collect();
        assert!(
            toy.check(&undivided, |log_p| textbook(&toy, log_p))
                .is_err()
        );
    }

    #[test]
    fn captions_of_another_number_of_rows_are_refused() {
        let toy = Toy::new(1);
        let error = sequence_clip(&toy.sampled(), &toy.caption[1..], CLIP).unwrap_err();
        assert_eq!(
            error.to_string(),
            "captions of rows: found 11 rows, expected 12"
        );
    }
}
