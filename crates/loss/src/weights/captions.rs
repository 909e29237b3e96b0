//! The captions that rows belong to.

use std::collections::BTreeMap;

use crate::{LossError, row_targets::check_rows};

/// The mean over the rows of a caption, and the number of these, `T`, of every row's caption.
pub(super) fn means(
    caption_of_row: &[usize],
    values: &[f64],
) -> Result<Vec<(f64, f64)>, LossError> {
    check_rows("captions of rows", caption_of_row.len(), values.len())?;
    let mut sums = BTreeMap::new();
    for (caption, value) in caption_of_row.iter().zip(values) {
        let (sum, words) = sums.entry(caption).or_insert((0.0, 0.0));
        *sum += value;
        *words += 1.0;
    }
    let of_row = |caption| {
        let (sum, words) = sums[caption];
        (sum / words, words)
    };
    Ok(caption_of_row.iter().map(of_row).collect())
}
