//! Percentiles of resamples.

/// The value below which a share of sorted values lies, with linear interpolation between two of them, as
/// `numpy.percentile` has it; not a number without values.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = share.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_between_two_are_interpolated() {
        let sorted = [1.0, 2.0, 4.0, 8.0, 16.0];
        assert_eq!(percentile(&sorted, 0.0), 1.0);
        assert_eq!(percentile(&sorted, 0.625), 6.0);
        assert_eq!(percentile(&sorted, 1.0), 16.0);
        assert_eq!(percentile(&[3.0], 0.025), 3.0);
        assert!(percentile(&[], 0.5).is_nan());
    }
}
