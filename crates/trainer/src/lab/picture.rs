//! Estimators as an SVG picture: bias against variance, a point for every number of samples.
//!
//! The bytes depend on the reports only.

mod axis;
mod drawing;
mod placement;
mod points;

use std::io;

use plotters::prelude::DrawingAreaErrorKind;

pub use points::EstimatorPicture;

/// Why a picture could not be drawn: the plotting library failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw the picture of the estimators: {0}")]
pub struct PictureError(DrawingAreaErrorKind<io::Error>);

/// The text of an SVG file. Numbers that are not finite are left out.
///
/// # Errors
/// When drawing fails.
pub fn draw_estimators(picture: &EstimatorPicture) -> Result<String, PictureError> {
    drawing::svg(picture).map_err(PictureError)
}

#[cfg(test)]
mod tests {
    use super::super::toy::measure_toy;
    use super::points::Point;
    use super::*;

    fn point(samples: usize, variance: f64, bias: f64) -> Point {
        Point {
            name: format!("of {samples}"),
            samples,
            variance,
            bias,
            is_biased: true,
        }
    }

    fn picture(points: Vec<Point>) -> EstimatorPicture {
        EstimatorPicture {
            points,
            ..EstimatorPicture::of_toy(&[])
        }
    }

    #[test]
    fn every_estimator_of_the_toy_is_named_twice() {
        let reports = measure_toy().unwrap();
        let svg = draw_estimators(&EstimatorPicture::of_toy(&reports)).unwrap();
        for report in &reports {
            let name = report.estimator.to_string();
            let named = svg.lines().filter(|line| **line == name);
            assert_eq!(named.count(), 2, "{name}");
        }
        for text in ["2 samples", "4 samples", "no bias", "bias"] {
            assert!(svg.lines().any(|line| line == text), "{text}");
        }
        assert_eq!(
            svg,
            draw_estimators(&EstimatorPicture::of_toy(&reports)).unwrap()
        );
    }

    #[test]
    fn draws_when_numbers_are_few_equal_huge_or_not_finite() {
        let numbers = [0.0, 1e-300, 0.3, 1e12, 1e300, f64::NAN, f64::INFINITY];
        for (first, second) in numbers
            .iter()
            .flat_map(|&one| numbers.map(|two| (one, two)))
        {
            let points = [point(2, first, second), point(5, second, first)];
            for count in 0..=points.len() {
                let svg = draw_estimators(&picture(points[..count].to_vec())).unwrap();
                assert!(
                    !svg.contains("NaN") && !svg.contains("inf"),
                    "{first} {second}"
                );
            }
        }
    }

    #[test]
    fn draws_when_there_are_more_points_than_labels() {
        let points = (2..500).map(|n| point(n, 1.0 / n as f64, 0.1));
        assert!(draw_estimators(&picture(points.collect())).is_ok());
    }
}
