//! From summed gradients to new weights: normalising, clipping, one optimiser step.

use burn::tensor::TensorReadError;
use scst_model::{Captioner, Gradients};

use crate::{config::Clip, optimiser::Optimiser};

/// Divides summed gradients by `divisor`, clips them and takes one step.
///
/// Returns the new captioner and the Euclidean norm of the divided gradient before clipping. The
/// step is not taken when the norm is not finite.
///
/// # Errors
/// [`TensorReadError`] when the device does not hand the norm back.
pub(crate) fn clip_and_step(
    captioner: Captioner,
    optimiser: &mut Optimiser,
    gradients: Gradients,
    divisor: f64,
    clip: Option<Clip>,
    learning_rate: f64,
) -> Result<(Captioner, f64), TensorReadError> {
    let squares: Vec<f32> = match gradients.squared_norms() {
        Some(squares) => squares.try_into_vec_as()?,
        None => return Ok((captioner, 0.0)),
    };
    let norm = squares.iter().map(|&s| f64::from(s)).sum::<f64>().sqrt() / divisor;
    if !norm.is_finite() {
        return Ok((captioner, norm));
    }
    let scale = 1.0 / divisor;
    let gradients = match clip {
        None => gradients.map(|g| g.mul_scalar(scale)),
        Some(Clip::Value(value)) => gradients.map(|g| g.mul_scalar(scale).clamp(-value, value)),
        Some(Clip::Norm(limit)) => {
            let shrink = scale * (limit / norm).min(1.0);
            gradients.map(|g| g.mul_scalar(shrink))
        }
    };
    Ok((optimiser.step(captioner, gradients, learning_rate), norm))
}
