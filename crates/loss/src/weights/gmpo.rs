//! GMPO: the geometric mean of a caption's clipped ratios.

use super::{Clip, Sampled, captions::means};
use crate::LossError;

/// The geometric mean of clipped ratios (Zhao et al. 2025, Geometric-Mean Policy Optimization).
///
/// ```text
/// L   = -sum_captions A exp(mean_t k_t),   A k_t = min(A log rho_t, A log clip(rho_t, 1 - eps_low, 1 + eps_high))
/// c_t = A exp(mean k) / T,   0 where rho_t is clipped, by the rule of `token_clip`
/// ```
///
/// A clipped word has no gradient but counts in the mean. `eps_high` of the paper's bounds `exp(-0.4)` and `exp(0.4)` is
/// `exp(0.4) - 1`. The dual clip bounds `k_t` at `log delta` where `A < 0`.
///
/// # Shapes
/// `caption_of_row`: a number that the rows of a caption share, `[rows]`; so is the result.
///
/// # Errors
/// As of [`token_clip`](super::token_clip).
pub fn geometric_clip(
    sampled: &Sampled<'_>,
    caption_of_row: &[usize],
    clip: Clip,
) -> Result<Vec<f64>, LossError> {
    clip.check()?;
    let rows = sampled.log_ratios()?;
    let clipped = rows.iter().map(|&(log_ratio, advantage)| {
        let (lowest, highest) = clip.bounds();
        if advantage > 0.0 {
            log_ratio.min(highest.ln())
        } else {
            let highest = clip.dual.unwrap_or(f64::INFINITY);
            log_ratio.clamp(lowest.ln(), highest.ln())
        }
    });
    let means = means(caption_of_row, &clipped.collect::<Vec<f64>>())?;
    let weight = |(&(log_ratio, advantage), (mean, words)): (&(f64, f64), (f64, f64))| {
        if clip.passes(advantage, log_ratio.exp()) {
            advantage * mean.exp() / words
        } else {
            0.0
        }
    };
    Ok(rows.iter().zip(means).map(weight).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::{sequence_clip, toy::Toy};

    const CLIP: Clip = Clip {
        low: 0.2,
        high: 0.28,
        dual: None,
    };

    fn textbook(toy: &Toy, log_p: &[f64]) -> f64 {
        let rows = log_p.iter().zip(toy.drawn()).zip(toy.advantages());
        let clipped = rows.map(|((now, drawn), &a)| {
            let ratio = now - drawn;
            let clipped = ratio.clamp((1.0 - CLIP.low).ln(), (1.0 + CLIP.high).ln());
            a.signum() * (a.signum() * ratio).min(a.signum() * clipped)
        });
        let means = toy.means(&clipped.collect::<Vec<f64>>());
        let advantages = toy.means(toy.advantages());
        let captions = means.iter().zip(advantages);
        captions.map(|(mean, a)| -a * mean.exp()).sum()
    }

    #[test]
    fn weights_are_those_of_the_geometric_mean() {
        for seed in 1..=5 {
            let toy = Toy::new(seed);
            let found = geometric_clip(&toy.sampled(), &toy.caption, CLIP).unwrap();
            toy.check(&found, |log_p| textbook(&toy, log_p)).unwrap();
        }
    }

    #[test]
    fn gradient_of_clipped_words_and_a_mean_without_clip_fail() {
        let toy = Toy::new(1);
        let open = Clip {
            low: 1.0 - 1e-9,
            high: f64::INFINITY,
            dual: None,
        };
        // Without a clip it is GSPO's ratio.
        let unclipped = sequence_clip(&toy.sampled(), &toy.caption, open).unwrap();
        assert!(
            toy.check(&unclipped, |log_p| textbook(&toy, log_p))
                .is_err()
        );
        let masked = toy.weights(|ratio, a| f64::from(u8::from(CLIP.passes(a, ratio))));
        let pairs = unclipped.iter().zip(masked);
        let masked: Vec<f64> = pairs.map(|(c, mask)| c * mask).collect();
        assert!(toy.check(&masked, |log_p| textbook(&toy, log_p)).is_err());
    }

    #[test]
    fn it_is_the_ratio_of_captions_when_nothing_is_clipped() {
        let toy = Toy::new(3);
        let open = Clip {
            low: 1.0 - 1e-9,
            high: f64::INFINITY,
            dual: None,
        };
        let captions = sequence_clip(&toy.sampled(), &toy.caption, open).unwrap();
        let means = geometric_clip(&toy.sampled(), &toy.caption, open).unwrap();
        assert_eq!(captions, means);
    }
}
