//! Numbers that have to be finite.

use crate::LossError;

/// Whether all values are finite.
pub(super) fn check_finite(what: &'static str, values: &[f64]) -> Result<(), LossError> {
    check(what, values, f64::is_finite, "finite numbers")
}

/// Whether a value is finite and above 0.
pub(super) fn check_positive(what: &'static str, value: f64) -> Result<(), LossError> {
    let positive = |x: f64| x > 0.0 && x.is_finite();
    check(what, &[value], positive, "a finite number above 0")
}

fn check(
    what: &'static str,
    values: &[f64],
    holds: impl Fn(f64) -> bool,
    expected: &'static str,
) -> Result<(), LossError> {
    match values.iter().find(|&&value| !holds(value)) {
        None => Ok(()),
        Some(&found) => Err(LossError::Range {
            what,
            found,
            expected,
        }),
    }
}
