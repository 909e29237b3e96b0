//! What is drawn: estimators as points.

use crate::lab::{estimators::EstimatorReport, toy::ToyReport};

/// Bias of a toy, without error of sampling, that is but rounding.
const ROUNDING: f64 = 1e-9;
/// How many times the bias that noise explains is believed to be one.
const BEYOND_NOISE: f64 = 2.0;

/// What is drawn of estimators.
#[derive(Debug, Clone, PartialEq)]
pub struct EstimatorPicture {
    pub(super) title: &'static str,
    /// What the horizontal axis shows.
    pub(super) variance: &'static str,
    /// What the vertical axis shows.
    pub(super) bias: &'static str,
    /// What a point without bias is called.
    pub(super) unbiased: &'static str,
    pub(super) points: Vec<Point>,
}

/// An estimator with a number of samples.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub(super) name: String,
    pub(super) samples: usize,
    pub(super) variance: f64,
    pub(super) bias: f64,
    pub(super) is_biased: bool,
}

impl EstimatorPicture {
    /// Of gradients that were drawn: biased is what is twice as far from the reference as noise explains.
    pub fn of_draws(reports: &[EstimatorReport]) -> Self {
        let point = |report: &EstimatorReport| Point {
            name: report.estimator.name().replace('_', " "),
            samples: report.samples,
            variance: report.variance,
            bias: report.bias,
            is_biased: report.bias > BEYOND_NOISE * report.noise,
        };
        Self {
            title: "Estimators: gradients of sampled captions",
            variance: "Variance of a draw, over the squared reference",
            bias: "Distance from the reference, relative",
            unbiased: "no bias beyond noise",
            points: reports.iter().map(point).collect(),
        }
    }

    /// Of a toy.
    pub fn of_toy(reports: &[ToyReport]) -> Self {
        let point = |report: &ToyReport| Point {
            name: report.estimator.to_string(),
            samples: report.samples,
            variance: report.variance,
            bias: report.bias,
            is_biased: report.bias > ROUNDING,
        };
        Self {
            title: "Estimators on a toy, every group of samples enumerated",
            variance: "Variance, over the squared mean",
            bias: "Bias left after scaling, relative",
            unbiased: "no bias",
            points: reports.iter().map(point).collect(),
        }
    }
}
