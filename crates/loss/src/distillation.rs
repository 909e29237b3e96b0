//! Distillation: a teacher's distributions beside the gold words.

use burn::tensor::{Tensor, activation::softmax};

use crate::{
    LossError, RowTargets, SoftmaxGradient,
    row_targets::column_of,
    soft_targets::{check_shape, cross_entropy},
    softmax_gradient,
};

/// How much a teacher counts, and how soft its distributions are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distillation {
    /// `lambda`: share of the teacher in the loss, in `[0, 1]`; the gold word has the rest.
    pub weight: f32,
    /// `T`: what the logits of both are divided by, above 0.
    pub temperature: f32,
    /// `eps` of label smoothing of the gold words, in `[0, 1)`.
    pub label_smoothing: f32,
}

/// The gradient of weighted distillation at the softmax inputs.
///
/// ```text
/// L        = (1 - lambda) L_gold + lambda T^2 (-sum_k q_k log softmax(s / T)_k),   q = softmax(v / T)
/// a dL/ds  = a ((1 - lambda) (p - 1_w) + lambda T (softmax(s / T) - q))
/// ```
///
/// `v`: the teacher's logits, constants; `L_gold`: that of [`softmax_gradient`]. Hinton, Vinyals, Dean 2015,
/// section 2: gradients of soft targets scale as `1 / T^2`, so `T^2` keeps their share when `T` changes.
///
/// # Shapes
/// `logits` and `teacher`: `[rows, vocab]`, of the same float type; the results have it too.
///
/// # Errors
/// [`LossError`] when arguments do not fit together or are out of range.
pub fn distillation_gradient(
    logits: Tensor<2>,
    teacher: Tensor<2>,
    targets: &RowTargets<'_>,
    distillation: &Distillation,
) -> Result<SoftmaxGradient, LossError> {
    distillation.check()?;
    check_shape("logits of the teacher", teacher.dims(), logits.dims())?;
    let (share, temperature) = (
        f64::from(distillation.weight),
        f64::from(distillation.temperature),
    );
    let gold = softmax_gradient(logits.clone(), targets, distillation.label_smoothing)?;
    let weights = column_of(targets.weights, &logits.device(), logits.dtype());
    let soft = cross_entropy(
        logits.div_scalar(temperature),
        softmax(teacher.div_scalar(temperature), 1),
        weights.mul_scalar(share * temperature),
    );
    Ok(SoftmaxGradient {
        gradient: gold.gradient.mul_scalar(1.0 - share) + soft.gradient,
        loss: gold.loss.mul_scalar(1.0 - share)
            + soft.loss.mul_scalar(share * temperature * temperature),
        ..gold
    })
}

impl Distillation {
    fn check(&self) -> Result<(), LossError> {
        let (weight, temperature) = (self.weight, self.temperature);
        let range = |what, found: f32, expected| {
            let found = f64::from(found);
            Err(LossError::Range {
                what,
                found,
                expected,
            })
        };
        if !(0.0..=1.0).contains(&weight) {
            return range("weight of the teacher", weight, "a number from 0 to 1");
        }
        if !(temperature > 0.0 && temperature.is_finite()) {
            return range("temperature", temperature, "a finite number above 0");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
