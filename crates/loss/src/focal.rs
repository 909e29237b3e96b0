//! Cross-entropy of which words that the model is sure of count less, or those that it is not.

use burn::tensor::Tensor;

use crate::{LossError, RowTargets, SoftmaxGradient, softmax_gradient};

/// The least `1 - p` that powers are taken of: that of a word the model is sure of is 0 in 32 bits.
const LEAST_REST: f64 = 1e-7;

/// The gradient of the weighted focal loss of gold words at the softmax inputs (Lin et al. 2017, eq. 4).
///
/// ```text
/// L        = -(1 - p_w)^gamma log p_w
/// dL/ds_j  = c (p_j - 1[j=w]),   c = (1 - p_w)^gamma - gamma p_w (1 - p_w)^(gamma - 1) log p_w
/// ```
///
/// Words that the model is sure of count less; `gamma = 0` is cross-entropy.
///
/// # Shapes
/// `logits`: `[rows, vocab]`; so is the gradient.
///
/// # Errors
/// [`LossError`] when a target does not fit the logits, or `gamma` is no finite number of 0 or more.
pub fn focal_gradient(
    logits: Tensor<2>,
    targets: &RowTargets<'_>,
    gamma: f64,
) -> Result<SoftmaxGradient, LossError> {
    if !(gamma.is_finite() && gamma >= 0.0) {
        return Err(LossError::Range {
            what: "gamma of the focal loss",
            found: gamma,
            expected: "a finite number, 0 or more",
        });
    }
    let found = softmax_gradient(logits, targets, 0.0)?;
    let log_p = found.log_probability.clone();
    let p = log_p.clone().exp();
    let rest = p.clone().neg().add_scalar(1.0).clamp_min(LEAST_REST);
    let power = rest.clone().powf_scalar(gamma);
    let slope = (p * power.clone() * log_p / rest).mul_scalar(gamma);
    let loss = found.loss.clone() * power.clone();
    Ok(weighted(found, power - slope, loss))
}

/// The gradient of cross-entropy whose words are weighted by their own probability, detached (Wu et al. 2025, dynamic
/// fine-tuning, arXiv 2508.05629).
///
/// ```text
/// L        = -sg(p_w) log p_w
/// dL/ds_j  = p_w (p_j - 1[j=w])
/// ```
///
/// Words that the model would not say count less: the gradient of a reward of 1 for the gold word.
///
/// # Shapes
/// `logits`: `[rows, vocab]`; so is the gradient.
///
/// # Errors
/// [`LossError`] when a target does not fit the logits.
pub fn probability_weighted_gradient(
    logits: Tensor<2>,
    targets: &RowTargets<'_>,
) -> Result<SoftmaxGradient, LossError> {
    let found = softmax_gradient(logits, targets, 0.0)?;
    let p = found.log_probability.clone().exp();
    let loss = found.loss.clone() * p.clone();
    Ok(weighted(found, p, loss))
}

/// The gradient times a weight of every row, `[rows, 1]`.
fn weighted(found: SoftmaxGradient, weights: Tensor<2>, loss: Tensor<2>) -> SoftmaxGradient {
    SoftmaxGradient {
        gradient: found.gradient * weights,
        loss,
        ..found
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::DType;

    use super::*;
    use crate::gradient_check::{
        assert_rows_sum_to_zero, check_gradient, log_softmax, random_logits, tensor, values,
    };

    const VOCAB: usize = 7;
    const WORDS: [u32; 4] = [0, 6, 3, 3];
    const TARGETS: RowTargets<'_> = RowTargets {
        words: &WORDS,
        weights: &[1.0, -0.75, 0.0, 2.5],
    };

    /// The weighted loss of all rows, as a function of the words' log-probabilities.
    fn loss(logits: &[f64], of_word: impl Fn(usize, f64) -> f64) -> f64 {
        let log_p = log_softmax(logits, VOCAB);
        let rows = log_p.chunks(VOCAB).zip(WORDS).zip(TARGETS.weights);
        rows.enumerate()
            .map(|(k, ((row, word), &a))| f64::from(a) * of_word(k, row[word as usize]))
            .sum()
    }

    fn focal(gamma: f64) -> impl Fn(usize, f64) -> f64 {
        move |_, l: f64| -(1.0 - l.exp()).powf(gamma) * l
    }

    #[test]
    fn focal_gradient_equals_finite_differences_in_f64() {
        for (seed, gamma) in [(1, 0.0), (2, 0.5), (3, 2.0), (4, 5.0)] {
            let s = random_logits(WORDS.len() * VOCAB, seed);
            let found = focal_gradient(tensor(&s, VOCAB, DType::F64), &TARGETS, gamma).unwrap();
            let gradient = values(found.gradient);
            assert_rows_sum_to_zero(&gradient, VOCAB);
            check_gradient(&s, &gradient, |s| loss(s, focal(gamma))).unwrap();
        }
        // The factor alone, without what it does to the slope, fails.
        let s = random_logits(WORDS.len() * VOCAB, 3);
        let plain = softmax_gradient(tensor(&s, VOCAB, DType::F64), &TARGETS, 0.0).unwrap();
        let rest = plain.log_probability.exp().neg().add_scalar(1.0);
        let wrong = values(plain.gradient * rest.powf_scalar(2.0));
        assert!(check_gradient(&s, &wrong, |s| loss(s, focal(2.0))).is_err());
    }

    #[test]
    fn probability_weights_are_detached() {
        let s = random_logits(WORDS.len() * VOCAB, 5);
        let found = probability_weighted_gradient(tensor(&s, VOCAB, DType::F64), &TARGETS);
        let gradient = values(found.unwrap().gradient);
        let log_p = log_softmax(&s, VOCAB);
        let rows = log_p.chunks(VOCAB).zip(WORDS);
        let p: Vec<f64> = rows.map(|(row, word)| row[word as usize].exp()).collect();
        check_gradient(&s, &gradient, |s| loss(s, |k, l| -p[k] * l)).unwrap();
        // Not detached, it would be the expected accuracy's.
        assert!(check_gradient(&s, &gradient, |s| loss(s, |_, l| -l.exp() * l)).is_err());
    }

    #[test]
    fn words_that_the_model_is_sure_of_stay_finite() {
        let s = [80.0, 0.0, 0.0, 0.0, -90.0, 0.0];
        let targets = RowTargets {
            words: &[0, 1],
            weights: &[1.0, 1.0],
        };
        for gamma in [0.0, 0.3, 2.0] {
            let found = focal_gradient(tensor(&s, 3, DType::F32), &targets, gamma).unwrap();
            assert!(values(found.gradient).iter().all(|g| g.is_finite()));
        }
        let logits = tensor(&s, 3, DType::F32);
        assert!(focal_gradient(logits, &targets, f64::NAN).is_err());
    }
}
