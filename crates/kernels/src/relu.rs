//! The rectified linear unit, forward and backward.

use rayon::prelude::*;

use crate::simd::vectorised;

/// Values of a task.
const CHUNK: usize = 1 << 14;

/// `max(x, 0)` in place; what is no number stays.
pub fn relu(values: &mut [f32]) {
    values.par_chunks_mut(CHUNK).for_each(|values| {
        vectorised(
            #[inline(always)]
            || {
                for x in &mut *values {
                    *x = if *x <= 0.0 { 0.0 } else { *x };
                }
            },
        );
    });
}

/// The gradient before: `gradient`, that behind, times `scale` where `y`, the result, is above 0, and 0 elsewhere.
///
/// # Panics
/// When the lengths differ.
pub fn relu_backward(y: &[f32], scale: f32, gradient: &mut [f32]) {
    assert_eq!(y.len(), gradient.len(), "a gradient of every value");
    gradient
        .par_chunks_mut(CHUNK)
        .zip(y.par_chunks(CHUNK))
        .for_each(|(gradient, y)| {
            vectorised(
                #[inline(always)]
                || {
                    for (d, &y) in gradient.iter_mut().zip(y) {
                        *d = if y > 0.0 { *d * scale } else { 0.0 };
                    }
                },
            );
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More than a task, and a part of one.
    const LENGTH: usize = CHUNK + 5;

    fn values() -> Vec<f32> {
        (0..LENGTH).map(|k| (k as f32 * 0.7).sin()).collect()
    }

    #[test]
    fn what_is_below_0_is_cut_and_what_is_no_number_stays() {
        let mut found = values();
        found[3] = f32::NAN;
        relu(&mut found);
        assert!(found[3].is_nan());
        let expected = values().into_iter().map(|x| x.max(0.0));
        let pairs = found.iter().zip(expected).enumerate();
        assert!(pairs.filter(|(k, _)| *k != 3).all(|(_, (f, e))| *f == e));
    }

    #[test]
    fn gradient_passes_where_the_result_is_above_0() {
        let mut y = values();
        relu(&mut y);
        let mut found: Vec<f32> = (0..LENGTH).map(|k| k as f32 - 7.0).collect();
        let before = found.clone();
        relu_backward(&y, 2.0, &mut found);
        for ((found, before), y) in found.iter().zip(before).zip(y) {
            assert_eq!(*found, if y > 0.0 { 2.0 * before } else { 0.0 });
        }
    }
}
