//! Loops compiled for the vector unit that the machine has, and functions that vectorise.

use pulp::{Arch, NullaryFnOnce};

/// Partial sums of a sum, so that it vectorises in a fixed order.
pub(crate) const LANES: usize = 16;

/// Runs a loop compiled for AVX-512, AVX2 or what else the machine has; everything it calls has to be inlined.
#[inline(always)]
pub fn vectorised<R>(body: impl FnMut() -> R) -> R {
    Arch::new().dispatch(Body(body))
}

/// The vector unit that [`vectorised`] loops are compiled for on this machine, as people call it.
pub fn vector_unit() -> &'static str {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    let name = match Arch::new() {
        Arch::V4(_) => "AVX-512",
        Arch::V3(_) => "AVX2",
        // Every x86-64 has it.
        _ => "SSE2",
    };
    #[cfg(target_arch = "aarch64")]
    let name = "NEON";
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    let name = "none";
    name
}

/// Calls a closure by `call_mut`, which is its body: what `call_once` is of it need not be inlined.
struct Body<F>(F);

impl<R, F: FnMut() -> R> NullaryFnOnce for Body<F> {
    type Output = R;

    #[inline(always)]
    fn call(mut self) -> R {
        (self.0)()
    }
}

/// `e^x` to 2 units in the last place; 0 below -87.3, infinite above 88.
///
/// ```text
/// n = round(x log2 e),   r = x - n ln 2,   e^x = 2^n e^r       e^r: polynomial of Cephes' expf
/// ```
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.3, 88.0);
    // Adding 1.5 * 2^23 rounds to a whole number, and leaves it in the lowest bits.
    let shifted = clamped * std::f32::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = clamped - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let mut p = 1.987_569_2e-4;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_6e-1;
    p = p * r + 5e-1;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    let value = (p * r * r + r + 1.0) * power;
    let value = if x < -87.3 { 0.0 } else { value };
    if x > 88.0 { f32::INFINITY } else { value }
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The hyperbolic tangent, to 3 units in the last place.
///
/// ```text
/// |x| < 0.625: x + x^3 P(x^2), P of Cephes' tanhf;   otherwise sign(x) (1 - 2 / (e^(2 |x|) + 1))
/// ```
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let magnitude = x.abs();
    let far = (1.0 - 2.0 / (exp(2.0 * magnitude) + 1.0)).copysign(x);
    let square = x * x;
    let mut p = -5.704_988_7e-3;
    p = p * square + 2.063_909e-2;
    p = p * square + -5.373_971e-2;
    p = p * square + 1.333_144_2e-1;
    p = p * square + -3.333_328e-1;
    let near = p * square * x + x;
    if magnitude < 0.625 { near } else { far }
}

/// `a . b`.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (a_whole, a_rest) = a.as_chunks::<LANES>();
    let (b_whole, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_whole.iter().zip(b_whole) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[lane] += a * b;
    }
    sums.iter().sum()
}

/// Columns that [`add_rows`] keeps in registers.
const COLUMNS: usize = 4 * LANES;

/// Adds rows, each times its factor, to `sum`, one after the other.
#[inline(always)]
pub(crate) fn add_rows<'a>(rows: impl Iterator<Item = (f32, &'a [f32])> + Clone, sum: &mut [f32]) {
    let (blocks, rest) = sum.as_chunks_mut::<COLUMNS>();
    let first = COLUMNS * blocks.len();
    for (block, sum) in blocks.iter_mut().enumerate() {
        let mut kept = *sum;
        for (factor, row) in rows.clone() {
            let values = &row[COLUMNS * block..][..COLUMNS];
            for (sum, value) in kept.iter_mut().zip(values) {
                *sum += factor * value;
            }
        }
        *sum = kept;
    }
    if !rest.is_empty() {
        for (factor, row) in rows {
            for (sum, value) in rest.iter_mut().zip(&row[first..]) {
                *sum += factor * value;
            }
        }
    }
}

/// The sum of all values.
#[inline(always)]
pub(crate) fn sum(values: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    for values in whole {
        for lane in 0..LANES {
            sums[lane] += values[lane];
        }
    }
    for (lane, value) in rest.iter().enumerate() {
        sums[lane] += value;
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(found: f32, expected: f64) -> bool {
        (f64::from(found) - expected).abs() <= 4e-7 * expected.abs() + 1e-37
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 20_000, ..ProptestConfig::default() })]

        #[test]
        fn functions_equal_those_of_64_bits(x in -90.0f32..88.0, small in -1.0f32..1.0) {
            for x in [x, small, small * 1e-3] {
                let exact = f64::from(x);
                if x > -87.0 {
                    prop_assert!(close(exp(x), exact.exp()), "exp {x}: {}", exp(x));
                    prop_assert!(close(sigmoid(x), 1.0 / (1.0 + (-exact).exp())), "sigmoid {x}");
                }
                prop_assert!(close(tanh(x), exact.tanh()), "tanh {x}: {}", tanh(x));
            }
        }
    }

    #[test]
    fn functions_saturate_when_arguments_are_extreme() {
        assert_eq!((exp(-1e4), exp(f32::NEG_INFINITY)), (0.0, 0.0));
        assert_eq!((sigmoid(1e4), sigmoid(-1e4)), (1.0, 0.0));
        assert_eq!((tanh(1e4), tanh(-1e4), tanh(0.0)), (1.0, -1.0, 0.0));
        assert!(exp(f32::NAN).is_nan() && tanh(f32::NAN).is_nan() && sigmoid(f32::NAN).is_nan());
    }
}
