//! Samples of one image side by side.

use crate::LossError;

/// Whether `found` numbers divide into groups of `samples`.
pub(crate) fn check_groups(
    what: &'static str,
    found: usize,
    samples: usize,
) -> Result<(), LossError> {
    if samples > 0 && found.is_multiple_of(samples) {
        return Ok(());
    }
    Err(LossError::Rows {
        what,
        found,
        expected: found.next_multiple_of(samples.max(1)),
    })
}
