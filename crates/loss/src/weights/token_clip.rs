//! PPO's clip at every word, the objective of GRPO and its kin.

use super::{Clip, Sampled};
use crate::LossError;

/// The clipped surrogate at every word (Schulman et al. 2017, eq. 7; GRPO: Shao et al. 2024, eq. 3).
///
/// ```text
/// L   = -sum_t min(rho_t A_t, clip(rho_t, 1 - eps_low, 1 + eps_high) A_t),   rho_t = p_t(w_t) / p_old,t(w_t)
/// c_t = A_t rho_t,   0 if A_t > 0 and rho_t > 1 + eps_high, or A_t < 0 and rho_t < 1 - eps_low
///                    or A_t < 0 and rho_t > delta
/// ```
///
/// Under the model that drew the words, `c_t = A_t`: the policy gradient.
///
/// # Shapes
/// The result: `[rows]`.
///
/// # Errors
/// [`LossError`] when lists differ in length, hold what is no number, or the clip does not enclose 1.
pub fn token_clip(sampled: &Sampled<'_>, clip: Clip) -> Result<Vec<f64>, LossError> {
    clip.check()?;
    let rows = sampled.log_ratios()?.into_iter();
    Ok(rows
        .map(|(log_ratio, advantage)| clip.weight(advantage, log_ratio.exp()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::toy::Toy;

    const CLIP: Clip = Clip {
        low: 0.2,
        high: 0.28,
        dual: None,
    };
    const DUAL: Clip = Clip {
        dual: Some(1.5),
        ..CLIP
    };

    fn textbook(toy: &Toy, log_p: &[f64], clip: Clip) -> f64 {
        let rows = log_p.iter().zip(toy.drawn()).zip(toy.advantages());
        rows.map(|((now, drawn), &a)| {
            let ratio = (now - drawn).exp();
            let clipped = ratio.clamp(1.0 - clip.low, 1.0 + clip.high);
            let surrogate = (ratio * a).min(clipped * a);
            match clip.dual {
                Some(delta) if a < 0.0 => -surrogate.max(delta * a),
                _ => -surrogate,
            }
        })
        .sum()
    }

    #[test]
    fn weights_are_those_of_the_surrogate() {
        for seed in 1..=5 {
            let toy = Toy::new(seed);
            for clip in [CLIP, DUAL] {
                let found = token_clip(&toy.sampled(), clip).unwrap();
                toy.check(&found, |log_p| textbook(&toy, log_p, clip))
                    .unwrap();
            }
        }
    }

    #[test]
    fn two_sided_mask_fails() {
        let toy = Toy::new(1);
        let (lowest, highest) = CLIP.bounds();
        let wrong = toy.weights(|ratio, a| {
            let inside = (lowest..=highest).contains(&ratio);
            if inside { a * ratio } else { 0.0 }
        });
        let check = toy.check(&wrong, |log_p| textbook(&toy, log_p, CLIP));
        assert!(check.is_err());
    }

    #[test]
    fn forgotten_ratio_and_forgotten_dual_clip_fail() {
        let toy = Toy::new(1);
        let no_ratio = toy.weights(|ratio, a| if CLIP.passes(a, ratio) { a } else { 0.0 });
        assert!(
            toy.check(&no_ratio, |log_p| textbook(&toy, log_p, CLIP))
                .is_err()
        );
        let no_dual = token_clip(&toy.sampled(), CLIP).unwrap();
        assert!(
            toy.check(&no_dual, |log_p| textbook(&toy, log_p, DUAL))
                .is_err()
        );
    }

    #[test]
    fn weights_are_the_advantages_under_the_model_that_drew() {
        let toy = Toy::new(2);
        let on_policy = Sampled {
            log_probability: toy.drawn(),
            ..toy.sampled()
        };
        for clip in [
            DUAL,
            Clip {
                low: 0.0,
                high: 0.0,
                dual: None,
            },
        ] {
            let found = token_clip(&on_policy, clip).unwrap();
            assert_eq!(found, toy.advantages());
        }
    }

    #[test]
    fn weights_are_finite_when_ratios_are_extreme() {
        let sampled = Sampled {
            log_probability: &[-1e4, -1e-3, f64::NEG_INFINITY, -1e-3],
            drawn: &[-1e-3, -1e4, -1.0, -1e4],
            advantages: &[1.0, 1.0, -1.0, -1.0],
        };
        let found = token_clip(&sampled, CLIP).unwrap();
        assert!(found.iter().all(|c| c.is_finite()), "{found:?}");
        assert_eq!(found[1..3], [0.0, 0.0]);
        assert_eq!(token_clip(&sampled, DUAL).unwrap()[3], 0.0);
    }
}
