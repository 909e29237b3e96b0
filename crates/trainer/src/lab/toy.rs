//! The estimator lab without data: a toy of [`scst_loss::toy`], every group of samples enumerated.

use scst_loss::toy::{ToyEstimator, images, moments};
use serde::Serialize;

use crate::TrainError;

/// Numbers of samples a source that the toy is measured with.
pub const TOY_SAMPLES: [usize; 2] = [2, 4];

/// What an estimator makes of the toy, without error of sampling.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToyReport {
    /// How rewards become advantages.
    pub estimator: ToyEstimator,
    /// Samples a source.
    pub samples: usize,
    /// Cosine of the expected gradient to the true one.
    pub cosine: f64,
    /// What the true gradient is multiplied by in the expected one.
    pub scale: f64,
    /// What is left of the bias after the best scaling, relative to the true gradient.
    pub bias: f64,
    /// Variance, relative to the squared expected gradient.
    pub variance: f64,
}

/// Measures every estimator with every number of [`TOY_SAMPLES`], those of one estimator side by side.
///
/// # Errors
/// None: the toy has what every estimator needs.
pub fn measure_toy() -> Result<Vec<ToyReport>, TrainError> {
    let images = images()?;
    let mut reports = Vec::new();
    for estimator in ToyEstimator::ALL {
        for samples in TOY_SAMPLES {
            let found = moments(&images, samples, |group| estimator.advantages(group))?;
            reports.push(ToyReport {
                estimator,
                samples,
                cosine: found.cosine,
                scale: found.scale,
                bias: found.bias,
                variance: found.variance,
            });
        }
    }
    Ok(reports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimators_without_their_own_sample_or_scale_have_no_bias() {
        let reports = measure_toy().unwrap();
        let unbiased = reports.iter().filter(|report| report.bias < 1e-12);
        let unbiased: Vec<ToyEstimator> = unbiased.map(|report| report.estimator).collect();
        let expected = [
            ToyEstimator::None,
            ToyEstimator::LeaveOneOut,
            ToyEstimator::Mean,
            ToyEstimator::LengthWeightedMeanOfOthers,
            ToyEstimator::EnergyWeightedMeanOfOthers,
        ];
        assert_eq!(unbiased, expected.map(|estimator| [estimator; 2]).concat());
        // More samples, less variance.
        for of_one in reports.chunks(TOY_SAMPLES.len()) {
            assert_eq!(of_one[0].estimator, of_one[1].estimator);
            assert!(of_one[0].variance > 1.5 * of_one[1].variance);
        }
    }
}
