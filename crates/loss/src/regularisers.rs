//! Terms that keep a policy from collapsing: an entropy bonus, and the divergence from a reference model.

use burn::tensor::{Tensor, activation::log_softmax};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{LossError, SoftmaxGradient, soft_targets::check_shape};

/// How undecided a distribution is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Entropy {
    /// `-sum_k p_k log p_k`, nats (Williams and Peng 1991).
    Shannon,
    /// `1 - sum_k p_k^2`, from 0 to 1 (Tsallis 1988, of index 2): words that are hardly probable have next to no pull.
    Tsallis,
}

/// A reward for being undecided, at every word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EntropyBonus {
    /// Of which entropy.
    pub entropy: Entropy,
    /// `beta`.
    pub weight: f64,
}

/// How far a model is from its reference, over all words.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Divergence {
    /// `KL(p, q)`: no word that the reference would not say (Jaques et al. 2017).
    Reverse,
    /// `KL(q, p)`: every word that the reference would say.
    Forward,
    /// `share KL(q, m) + (1 - share) KL(p, m)`, `m = share q + (1 - share) p` (Agarwal et al. 2024).
    JensenShannon {
        /// What `q` has of the mixture; between 0 and 1.
        share: f64,
    },
}

/// The reference model of a row.
#[derive(Debug, Clone)]
pub struct Reference {
    /// What is measured from it.
    pub divergence: Divergence,
    /// Its logits, constants, `[rows, vocab]`.
    pub logits: Tensor<2>,
    /// `kappa`, the weight of the divergence.
    pub weight: f64,
}

/// Adds to an objective's gradient those of an entropy bonus and of the divergence from a reference model.
///
/// ```text
/// L         = L_objective - beta H(p) + kappa KL(p, q),   H = -sum_k p_k log p_k,   KL = sum_k p_k (log p_k - log q_k)
/// -dH/ds_j  = p_j (log p_j + H)                                of Entropy::Shannon
/// -dH/ds_j  = 2 p_j (p_j - sum_k p_k^2),   H = 1 - sum_k p_k^2    of Entropy::Tsallis
/// dKL/ds_j  = p_j (log p_j - log q_j - KL)
/// ```
///
/// The other divergences have in the place of the last line
///
/// ```text
/// Forward        p_j - q_j
/// JensenShannon  p_j (D_j - sum_k p_k D_k),   D = (1 - share) (log p - log m)
/// ```
///
/// Both terms are of every row alike, whatever its weight; `q = softmax` of the reference's logits, detached. The
/// `loss` stays that of the objective. Rows of either gradient sum to 0.
///
/// # Shapes
/// `logits`: `[rows, vocab]`, those that `objective` was computed from.
///
/// # Errors
/// [`LossError::Shape`] when the reference's logits have another shape, [`LossError::Range`] for a share that is not between
/// 0 and 1.
pub fn regularise(
    objective: SoftmaxGradient,
    logits: Tensor<2>,
    bonus: EntropyBonus,
    reference: Option<Reference>,
) -> Result<SoftmaxGradient, LossError> {
    let shape = logits.dims();
    let log_p = log_softmax(logits, 1);
    let p = log_p.clone().exp();
    // Of a word that is ruled out, p log p is 0.
    let weighted = |log: Tensor<2>| {
        let impossible = p.clone().equal_scalar(0.0);
        (p.clone() * log).mask_fill(impossible, 0.0)
    };
    let mut gradient = objective.gradient;
    if bonus.weight != 0.0 {
        let (terms, scale) = match bonus.entropy {
            Entropy::Shannon => (weighted(log_p.clone()), 1.0),
            Entropy::Tsallis => (p.clone().square(), 2.0),
        };
        let sum = terms.clone().sum_dim(1);
        gradient = gradient + (terms - p.clone() * sum).mul_scalar(scale * bonus.weight);
    }
    if let Some(Reference {
        divergence,
        logits,
        weight,
    }) = reference
    {
        check_shape("logits of the reference", logits.dims(), shape)?;
        let log_q = log_softmax(logits, 1);
        let of_reference = match divergence {
            Divergence::Forward => p - log_q.exp(),
            Divergence::Reverse => {
                let terms = weighted(log_p - log_q);
                let divergence = terms.clone().sum_dim(1);
                terms - p * divergence
            }
            Divergence::JensenShannon { share } => {
                check_share(share)?;
                // log m - log p, of which the exponential cannot overflow.
                let ratio = (log_q - log_p).clamp_max(80.0).exp();
                let log_mixture = ratio.mul_scalar(share).add_scalar(1.0 - share).log();
                let terms = weighted(log_mixture.mul_scalar(share - 1.0));
                let mean = terms.clone().sum_dim(1);
                terms - p * mean
            }
        };
        gradient = gradient + of_reference.mul_scalar(weight);
    }
    Ok(SoftmaxGradient {
        gradient,
        ..objective
    })
}

fn check_share(share: f64) -> Result<(), LossError> {
    if share > 0.0 && share < 1.0 {
        return Ok(());
    }
    Err(LossError::Range {
        what: "share of the reference in the mixture",
        found: share,
        expected: "more than 0, less than 1",
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, TensorData};

    use super::*;
    use crate::{RowTargets, gradient_check::check_gradient, softmax_gradient};

    const VOCAB: usize = 5;
    const LOGITS: [f64; 10] = [0.3, -1.2, 2.0, 0.1, -0.4, 1.5, 0.2, -0.7, 0.9, 0.0];
    const REFERENCE: [f64; 10] = [-0.3, 0.8, 1.0, -0.6, 0.4, 0.5, -0.2, 0.7, -1.9, 1.0];
    const WORDS: [u32; 2] = [2, 4];
    const WEIGHTS: [f32; 2] = [0.5, -1.25];
    const NO_BONUS: EntropyBonus = EntropyBonus {
        entropy: Entropy::Shannon,
        weight: 0.0,
    };

    fn tensor(values: &[f64]) -> Tensor<2> {
        let shape = [values.len() / VOCAB, VOCAB];
        Tensor::from_data(
            TensorData::new(values.to_vec(), shape),
            (&Device::flex(), DType::F64),
        )
    }

    fn log_softmax_of(row: &[f64]) -> Vec<f64> {
        let top = row.iter().fold(f64::NEG_INFINITY, |m, &s| m.max(s));
        let z = top + row.iter().map(|s| (s - top).exp()).sum::<f64>().ln();
        row.iter().map(|s| s - z).collect()
    }

    fn textbook(logits: &[f64], beta: f64, kappa: f64) -> f64 {
        let mut loss = 0.0;
        for (row, (logits, reference)) in logits
            .chunks(VOCAB)
            .zip(REFERENCE.chunks(VOCAB))
            .enumerate()
        {
            let (log_p, log_q) = (log_softmax_of(logits), log_softmax_of(reference));
            loss -= f64::from(WEIGHTS[row]) * log_p[WORDS[row] as usize];
            for (log_p, log_q) in log_p.iter().zip(log_q) {
                loss += log_p.exp() * (beta * log_p + kappa * (log_p - log_q));
            }
        }
        loss
    }

    const JENSEN_SHANNON: Divergence = Divergence::JensenShannon { share: 0.3 };

    fn divergence_of(logits: &[f64], divergence: Divergence) -> f64 {
        let rows = logits.chunks(VOCAB).zip(REFERENCE.chunks(VOCAB));
        let of_word = |(log_p, log_q): (f64, f64)| {
            let (p, q) = (log_p.exp(), log_q.exp());
            match divergence {
                Divergence::Reverse => p * (log_p - log_q),
                Divergence::Forward => q * (log_q - log_p),
                Divergence::JensenShannon { share } => {
                    let log_m = (share * q + (1.0 - share) * p).ln();
                    share * q * (log_q - log_m) + (1.0 - share) * p * (log_p - log_m)
                }
            }
        };
        rows.flat_map(|(s, reference)| log_softmax_of(s).into_iter().zip(log_softmax_of(reference)))
            .map(of_word)
            .sum()
    }

    fn gradient_of_divergence(logits: &[f64], divergence: Divergence) -> Vec<f64> {
        let targets = RowTargets {
            words: &WORDS,
            weights: &[0.0; 2],
        };
        let objective = softmax_gradient(tensor(logits), &targets, 0.0).unwrap();
        let reference = Reference {
            divergence,
            logits: tensor(&REFERENCE),
            weight: 1.0,
        };
        let found = regularise(objective, tensor(logits), NO_BONUS, Some(reference)).unwrap();
        found.gradient.try_into_vec_as().unwrap()
    }

    #[test]
    fn gradients_of_divergences_equal_finite_differences_and_each_fails_as_another() {
        let all = [Divergence::Reverse, Divergence::Forward, JENSEN_SHANNON];
        for divergence in all {
            for of in all {
                let found = gradient_of_divergence(&LOGITS, of);
                let check = check_gradient(&LOGITS, &found, |at| divergence_of(at, divergence));
                assert_eq!(
                    check.is_ok(),
                    divergence == of,
                    "{divergence:?} {of:?} {check:?}"
                );
                for row in found.chunks(VOCAB) {
                    assert!(row.iter().sum::<f64>().abs() < 1e-14);
                }
            }
        }
        // A mixture with the shares exchanged.
        let exchanged = Divergence::JensenShannon { share: 0.7 };
        let found = gradient_of_divergence(&LOGITS, exchanged);
        let check = check_gradient(&LOGITS, &found, |at| divergence_of(at, JENSEN_SHANNON));
        assert!(check.is_err());
    }

    #[test]
    fn mixture_without_a_share_is_refused() {
        for share in [0.0, 1.0, f64::NAN] {
            assert!(check_share(share).is_err());
        }
    }

    fn gradient(logits: &[f64], beta: f64, kappa: f64) -> Vec<f64> {
        let targets = RowTargets {
            words: &WORDS,
            weights: &WEIGHTS,
        };
        let objective = softmax_gradient(tensor(logits), &targets, 0.0).unwrap();
        let reference = Reference {
            divergence: Divergence::Reverse,
            logits: tensor(&REFERENCE),
            weight: kappa,
        };
        let bonus = EntropyBonus {
            weight: beta,
            ..NO_BONUS
        };
        let found = regularise(objective, tensor(logits), bonus, Some(reference)).unwrap();
        found.gradient.try_into_vec_as().unwrap()
    }

    #[test]
    fn gradient_equals_finite_differences_in_f64() {
        for (beta, kappa) in [(0.0, 0.0), (0.3, 0.0), (0.0, 0.7), (0.2, 0.4)] {
            let found = gradient(&LOGITS, beta, kappa);
            check_gradient(&LOGITS, &found, |at| textbook(at, beta, kappa)).unwrap();
            for row in found.chunks(VOCAB) {
                assert!(row.iter().sum::<f64>().abs() < 1e-14);
            }
        }
        // The check has power: without the coupling of the entropy it fails.
        let wrong = gradient(&LOGITS, 0.3, 0.0);
        let check = check_gradient(&LOGITS, &wrong, |at| textbook(at, 0.31, 0.0));
        assert!(check.is_err());
    }

    fn gradient_of_entropy(logits: &[f64], entropy: Entropy) -> Vec<f64> {
        let targets = RowTargets {
            words: &WORDS,
            weights: &[0.0; 2],
        };
        let objective = softmax_gradient(tensor(logits), &targets, 0.0).unwrap();
        let bonus = EntropyBonus {
            entropy,
            weight: 0.7,
        };
        let found = regularise(objective, tensor(logits), bonus, None).unwrap();
        found.gradient.try_into_vec_as().unwrap()
    }

    #[test]
    fn gradient_of_each_entropy_equals_finite_differences_and_fails_as_the_other() {
        let loss = |at: &[f64], entropy| -> f64 {
            let rows = at.chunks(VOCAB).flat_map(log_softmax_of);
            0.7 * rows
                .map(|log_p| match entropy {
                    Entropy::Shannon => log_p.exp() * log_p,
                    Entropy::Tsallis => (2.0 * log_p).exp() - log_p.exp(),
                })
                .sum::<f64>()
        };
        let all = [Entropy::Shannon, Entropy::Tsallis];
        for of in all {
            let found = gradient_of_entropy(&LOGITS, of);
            for entropy in all {
                let check = check_gradient(&LOGITS, &found, |at| loss(at, entropy));
                assert_eq!(check.is_ok(), entropy == of, "{entropy:?} {of:?} {check:?}");
            }
            for row in found.chunks(VOCAB) {
                assert!(row.iter().sum::<f64>().abs() < 1e-14);
            }
            let huge = [1e4, -1e4, 0.0, f64::NEG_INFINITY, -3.0];
            let found = gradient_of_entropy(&huge.repeat(2), of);
            assert!(found.iter().all(|g| g.is_finite()), "{found:?}");
        }
    }

    #[test]
    fn divergence_from_itself_has_no_gradient() {
        let targets = RowTargets {
            words: &WORDS,
            weights: &[0.0; 2],
        };
        let objective = softmax_gradient(tensor(&LOGITS), &targets, 0.0).unwrap();
        let reference = Reference {
            divergence: Divergence::Reverse,
            logits: tensor(&LOGITS),
            weight: 3.0,
        };
        let found = regularise(objective, tensor(&LOGITS), NO_BONUS, Some(reference)).unwrap();
        let values: Vec<f64> = found.gradient.try_into_vec_as().unwrap();
        assert!(values.iter().all(|g| g.abs() < 1e-15));
    }

    #[test]
    fn gradients_are_finite_when_logits_are_huge_or_rule_words_out() {
        for logits in [
            [1e4, -1e4, 0.0, 5.0, -3.0],
            [0.0, f64::NEG_INFINITY, 1.0, 2.0, 0.5],
        ] {
            let both: Vec<f64> = logits.repeat(2);
            assert!(gradient(&both, 0.5, 0.5).iter().all(|g| g.is_finite()));
            for divergence in [Divergence::Forward, JENSEN_SHANNON] {
                let found = gradient_of_divergence(&both, divergence);
                assert!(found.iter().all(|g| g.is_finite()), "{found:?}");
            }
        }
    }

    #[test]
    fn reference_of_another_shape_is_refused() {
        let targets = RowTargets {
            words: &WORDS,
            weights: &WEIGHTS,
        };
        let objective = softmax_gradient(tensor(&LOGITS), &targets, 0.0).unwrap();
        let reference = Reference {
            divergence: Divergence::Reverse,
            logits: tensor(&REFERENCE[..5]),
            weight: 1.0,
        };
        assert!(regularise(objective, tensor(&LOGITS), NO_BONUS, Some(reference)).is_err());
    }
}
