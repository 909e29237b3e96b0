//! From summed gradients to new weights: normalising, clipping, one optimiser step.

use burn::tensor::TensorReadError;
use scst_model::{Captioner, Gradients};

use crate::{config::Clip, optimise::optimiser::Optimiser};

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
    mut gradients: Gradients,
    divisor: f64,
    clip: Clip,
    learning_rate: f64,
) -> Result<(Captioner, f64), TensorReadError> {
    let norm = gradients.squared_norm()?.sqrt() / divisor;
    if !norm.is_finite() {
        return Ok((captioner, norm));
    }
    let scale = 1.0 / divisor;
    let (scale, bound) = match clip {
        Clip::None => (scale, f64::INFINITY),
        Clip::Value(value) => (scale, value),
        Clip::Norm(limit) => (scale * (limit / norm).min(1.0), f64::INFINITY),
    };
    let captioner = optimiser.step(captioner, gradients, scale, bound, learning_rate);
    Ok((captioner, norm))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use scst_model::{CaptionerConfig, Dimensions, FcConfig};

    use super::*;
    use crate::config::{AdamConfig, OptimiserConfig};

    /// The change of the first parameter after one step on a gradient of `gradient` everywhere.
    fn change(gradient: f32, divisor: f64, clip: Clip) -> (f32, f64) {
        let config = CaptionerConfig::Fc(FcConfig {
            hidden: 2,
            embedding: 2,
            dropout: 0.0,
            ..FcConfig::default()
        });
        let dimensions = Dimensions {
            feature: 2,
            vocab: 3,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let captioner = Captioner::init(&config, dimensions, &Device::flex(), &mut rng).unwrap();
        let mut gradients = Gradients::default();
        for parameter in captioner.parameters() {
            let full = Tensor::<1>::full(parameter.values.dims(), gradient, &Device::flex());
            gradients.add(&parameter.name, full);
        }
        // With epsilon this large, Adam's first step is close to rate * gradient / epsilon.
        let adam = OptimiserConfig::Adam(AdamConfig {
            epsilon: 1e4,
            ..AdamConfig::default()
        });
        let first = |captioner: &Captioner| -> f32 {
            let values = captioner.parameters().remove(0).values;
            values.narrow(0, 0, 1).into_scalar()
        };
        let before = first(&captioner);
        let mut optimiser = Optimiser::new(&adam);
        let (after, norm) =
            clip_and_step(captioner, &mut optimiser, gradients, divisor, clip, 1e3).unwrap();
        (before - first(&after), norm)
    }

    #[test]
    fn gradient_is_divided_then_clipped_then_stepped_along() {
        // Elements of the eight parameters: 6 + 4 + 2 + 16 + 16 + 8 + 6 + 3.
        let elements = 61.0f64;
        let (free, norm) = change(4.0, 2.0, Clip::None);
        assert!((norm - 2.0 * elements.sqrt()).abs() < 1e-4, "norm {norm}");
        assert!((free - 0.2).abs() < 1e-3, "unclipped {free}");
        let (by_value, _) = change(4.0, 2.0, Clip::Value(0.5));
        assert!((by_value - 0.05).abs() < 1e-3, "by value {by_value}");
        let (by_norm, _) = change(4.0, 2.0, Clip::Norm(elements.sqrt()));
        assert!((by_norm - 0.1).abs() < 1e-3, "by norm {by_norm}");
        let (short, _) = change(4.0, 2.0, Clip::Norm(100.0));
        assert!(
            (short - free).abs() < 1e-6,
            "a short gradient is left alone"
        );
    }

    #[test]
    fn step_is_not_taken_when_the_gradient_is_not_finite() {
        let (change, norm) = change(f32::NAN, 1.0, Clip::None);
        assert_eq!(change, 0.0);
        assert!(norm.is_nan());
    }
}
