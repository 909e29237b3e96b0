//! The scores of one side, and between what bounds they lie.

use crate::{
    Counts, Resampling, SignificanceError,
    comparison::{Side, check, in_blocks},
    draws::{Draw, Purpose},
    percentile::percentile,
    student::LEVEL,
};

/// A score and its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The score, the mean over the runs.
    pub value: f64,
    /// Its bounds, at the level [`LEVEL`].
    pub interval: [f64; 2],
}

/// The scores of the runs of one side, with intervals by the bootstrap of [`Comparison`](crate::Comparison), of the same
/// resamples of sources.
///
/// # Errors
/// [`SignificanceError`] when there is no run, runs have not the same sources and counts, or the resamples are too few or
/// too many.
pub fn estimates(
    runs: &[Counts],
    scores: &(dyn Fn(&[f64]) -> Vec<f64> + Sync),
    resampling: Resampling,
) -> Result<Vec<Estimate>, SignificanceError> {
    let sources = check(runs)?;
    resampling.check()?;
    let side = Side::new(runs, scores);
    let degrees = runs.len().saturating_sub(1);
    let Resampling { resamples, seed } = resampling;
    let bootstrap = in_blocks(resamples, seed, Purpose::Bootstrap, |rng| {
        let draw = Draw::random(rng, [sources, runs.len(), 0]);
        side.resampled(&draw.sources, &draw.a, degrees)
    });
    let of_metric = |(k, &value): (usize, &f64)| {
        let mut resampled: Vec<f64> = bootstrap.iter().map(|found| found[k]).collect();
        resampled.sort_by(f64::total_cmp);
        let tail = (1.0 - LEVEL) / 2.0;
        Estimate {
            value,
            interval: [tail, 1.0 - tail].map(|share| percentile(&resampled, share)),
        }
    };
    Ok(side.mean().iter().enumerate().map(of_metric).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_mean(sum: &[f64]) -> Vec<f64> {
        vec![sum[0] / sum[1]]
    }

    fn run(values: &[f64]) -> Counts {
        Counts::new(2, values.iter().flat_map(|&value| [value, 1.0]).collect()).unwrap()
    }

    fn estimate(runs: &[Counts]) -> Estimate {
        let resampling = Resampling {
            resamples: 2000,
            seed: 1,
        };
        estimates(runs, &one_mean, resampling).unwrap()[0]
    }

    #[test]
    fn interval_of_a_mean_is_that_of_its_standard_error() {
        let values: Vec<f64> = (0..100).map(|k| f64::from(k * 37 % 100)).collect();
        let found = estimate(&[run(&values)]);
        assert_eq!(found.value, 49.5);
        // The deviation of 0 to 99 is 28.87, that of the mean a tenth of it.
        for (bound, expected) in found.interval.iter().zip([49.5 - 5.66, 49.5 + 5.66]) {
            assert!((bound - expected).abs() < 0.5, "{found:?}");
        }
    }

    #[test]
    fn runs_that_differ_widen_the_interval() {
        let values: Vec<f64> = (0..100).map(|k| f64::from(k * 37 % 100)).collect();
        let shifted = |by: f64| run(&values.iter().map(|value| value + by).collect::<Vec<_>>());
        let width = |found: Estimate| found.interval[1] - found.interval[0];
        let same = estimate(&[shifted(0.0), shifted(0.0), shifted(0.0)]);
        let apart = estimate(&[shifted(-20.0), shifted(0.0), shifted(20.0)]);
        assert_eq!((same.value, apart.value), (49.5, 49.5));
        assert!(width(apart) > 2.0 * width(same));
    }

    #[test]
    fn sides_without_runs_and_runs_of_other_sources_are_refused() {
        let resampling = Resampling {
            resamples: 1000,
            seed: 1,
        };
        let message = |runs: &[Counts]| {
            let refused = estimates(runs, &one_mean, resampling);
            refused.unwrap_err().to_string()
        };
        assert!(message(&[]).contains("run"));
        assert!(message(&[run(&[1.0]), run(&[1.0, 2.0])]).contains("found a run of 2 sources"));
    }
}
