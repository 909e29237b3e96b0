//! Student's t distribution at the level of all intervals here.

use std::f64::consts::{FRAC_2_PI, PI};

/// Share of intervals that hold what they are intervals of.
pub const LEVEL: f64 = 0.95;

/// Its limit for many degrees of freedom, that of the normal distribution.
pub(crate) const NORMAL_QUANTILE: f64 = 1.959_963_984_540_054;

/// More degrees of freedom than make a difference.
const MOST: usize = 10_000;

/// The `t` for which `P(|T| <= t)` is [`LEVEL`]; 0 degrees of freedom count as 1.
pub fn student_quantile(degrees: usize) -> f64 {
    if degrees > MOST {
        return NORMAL_QUANTILE;
    }
    let (mut low, mut high) = (0.0, 16.0);
    for _ in 0..64 {
        let middle = f64::midpoint(low, high);
        if within(middle, degrees.max(1)) < LEVEL {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// `P(|T| <= t)`: Abramowitz and Stegun 1964, 26.7.3 and 26.7.4.
fn within(t: f64, degrees: usize) -> f64 {
    let angle = (t / (degrees as f64).sqrt()).atan();
    let (sine, cosine) = angle.sin_cos();
    let is_odd = degrees % 2 == 1;
    // 1, 1/2, 1·3/2·4, ... for even degrees; cos, 2/3 cos^3, ... for odd ones.
    let (mut term, mut k) = if is_odd { (cosine, 1) } else { (1.0, 0) };
    let mut series = 0.0;
    while k + 2 <= degrees {
        series += term;
        term *= cosine * cosine * (k + 1) as f64 / (k + 2) as f64;
        k += 2;
    }
    if is_odd {
        FRAC_2_PI.mul_add(angle, 2.0 / PI * sine * series)
    } else {
        sine * series
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_tables() {
        // scipy.stats.t.ppf(0.975, degrees)
        for (degrees, expected) in [
            (1, 12.706_204_736_174_7),
            (2, 4.302_652_729_749_46),
            (3, 3.182_446_305_284_26),
            (4, 2.776_445_105_197_79),
            (5, 2.570_581_835_636_31),
            (10, 2.228_138_851_986_27),
            (29, 2.045_229_642_132_70),
            (1000, 1.962_339_080_826_41),
        ] {
            let found = student_quantile(degrees);
            assert!((found - expected).abs() < 1e-9, "{degrees}: {found}");
        }
        assert_eq!(student_quantile(1 << 20), NORMAL_QUANTILE);
        assert_eq!(student_quantile(0), student_quantile(1));
    }
}
