//! How much the runs of several seeds vary.

use crate::student::student_quantile;

/// A score over several runs, under the assumption that it is normally distributed over seeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation of a run, with `n - 1` in the denominator.
    pub deviation: f64,
    /// Bounds of the mean, at the level [`LEVEL`](crate::LEVEL): `mean ± t deviation / sqrt(n)`, Student's `t` of `n - 1`.
    pub interval: [f64; 2],
}

impl Spread {
    /// That of these scores; nothing of fewer than two.
    pub fn of(scores: &[f64]) -> Option<Self> {
        let degrees = scores.len().checked_sub(1).filter(|&degrees| degrees > 0)?;
        let n = scores.len() as f64;
        let mean = scores.iter().sum::<f64>() / n;
        let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
        let deviation = (squares / degrees as f64).sqrt();
        let half = student_quantile(degrees) * deviation / n.sqrt();
        Some(Self {
            mean,
            deviation,
            interval: [mean - half, mean + half],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_is_that_of_students_t() {
        assert_eq!(Spread::of(&[1.0]), None);
        let spread = Spread::of(&[1.0, 2.0, 6.0]).unwrap();
        let (mean, deviation) = (3.0, 7.0f64.sqrt());
        let half = 4.302_652_729_749_46 * deviation / 3.0f64.sqrt();
        assert_eq!((spread.mean, spread.deviation), (mean, deviation));
        assert!((spread.interval[0] - (mean - half)).abs() < 1e-9);
        assert!((spread.interval[1] - (mean + half)).abs() < 1e-9);
    }
}
