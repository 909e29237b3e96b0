//! Products of bfloat16 against the order of sums that is promised, in plain Rust, and against 64 bits.

use burn::tensor::{DType, Device, Tensor, TensorData};
use half::bf16;
use rayon::ThreadPoolBuilder;
use scst_kernels::product::{Packed, Precision, product};

/// Whether there are such products; else the test says that it is skipped.
fn is_there() -> bool {
    let is_there = Precision::Bf16.is_available(&Device::flex(), DType::F32);
    if !is_there {
        scst_testing::oracles::skip("the processor has no AVX-512 BF16");
    }
    is_there
}

/// Numbers in all kinds of sizes from -8 to 8, not one of them a bfloat16.
fn values(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let value = |_| {
        let size = 2f32.powi((next() % 8) as i32 - 5);
        (next() as f32 / u32::MAX as f32 * 2.0 - 1.0) * size
    };
    (0..count).map(value).collect()
}

fn transpose(w: &[f32], [rows, columns]: [usize; 2]) -> Vec<f32> {
    let place = (0..columns).flat_map(|column| (0..rows).map(move |row| row * columns + column));
    place.map(|place| w[place]).collect()
}

fn tensor(values: &[f32], shape: [usize; 2]) -> Tensor<2> {
    let data = TensorData::new(values.to_vec(), shape);
    Tensor::from_data(data, (&Device::flex(), DType::F32))
}

fn rounded(values: &[f32]) -> Vec<f32> {
    values.iter().map(|&x| bf16::from_f32(x).to_f32()).collect()
}

/// `x W` by all ways: of `w` as it is and transposed, and as the transposed product of `x^T`.
fn products(x: &[f32], w: &[f32], [rows, inner, columns]: [usize; 3]) -> [Vec<f32>; 5] {
    let turned = transpose(w, [inner, columns]);
    let layouts = [
        Packed::new(w, [inner, columns], Precision::Bf16),
        Packed::transposed(&turned, [columns, inner], Precision::Bf16),
    ];
    let [own, of_transpose] = layouts.map(|w| {
        let mut y = vec![f32::NAN; rows * columns];
        product(x, &w, None, &mut y);
        y
    });
    let (t, precision) = (tensor(x, [rows, inner]), Precision::Bf16);
    let of_tensors = [
        precision.product(t.clone(), tensor(w, [inner, columns])),
        precision.product_with_transpose(t, tensor(&turned, [columns, inner])),
        precision.transposed_product(
            tensor(&transpose(x, [rows, inner]), [inner, rows]),
            tensor(w, [inner, columns]),
        ),
    ];
    let [a, b, c] = of_tensors.map(|y| y.into_data().try_into_vec().expect("32-bit floats"));
    [own, of_transpose, a, b, c]
}

/// What stands in for an instruction, or for another that is not it.
#[derive(Clone, Copy)]
struct Variant {
    /// Whether the second of two neighbours is added first.
    second_first: bool,
    /// Whether numbers below the smallest normal one are 0.
    flushes: bool,
}

const PROMISED: Variant = Variant {
    second_first: true,
    flushes: true,
};

impl Variant {
    fn flushed(self, x: f32) -> f32 {
        if self.flushes && x.is_subnormal() {
            0f32.copysign(x)
        } else {
            x
        }
    }

    fn add(self, sum: f32, x: f32, w: f32) -> f32 {
        let [sum, x, w] = [sum, x, w].map(|value| self.flushed(value));
        self.flushed(x.mul_add(w, sum))
    }

    fn product(self, x: &[f32], w: &[f32], [rows, inner, columns]: [usize; 3]) -> Vec<f32> {
        let (x, w) = (rounded(x), rounded(w));
        let mut y = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            for column in 0..columns {
                // An odd one out has 0 beside it.
                let at = |k: usize| {
                    if k < inner {
                        (x[row * inner + k], w[k * columns + column])
                    } else {
                        (0.0, 0.0)
                    }
                };
                let sum = (0..inner).step_by(2).fold(0.0, |sum, k| {
                    let mut pair = [at(k), at(k + 1)];
                    if self.second_first {
                        pair.reverse();
                    }
                    let add = |sum, (x, w)| self.add(sum, x, w);
                    pair.into_iter().fold(sum, add)
                });
                y.push(sum);
            }
        }
        y
    }
}

/// Bits, of which those of NaN are all alike.
fn bits(values: &[f32]) -> Vec<u32> {
    let bits = |x: &f32| if x.is_nan() { u32::MAX } else { x.to_bits() };
    values.iter().map(bits).collect()
}

#[test]
fn products_have_the_bits_of_sums_in_the_promised_order() {
    if !is_there() {
        return;
    }
    for rows in [1, 13, 14, 15, 29] {
        for inner in [1, 2, 3, 33] {
            for columns in [1, 31, 32, 33, 2600] {
                check_bits([rows, inner, columns]);
            }
        }
    }
    // More than a block of the inner dimension, and than a task.
    for sizes in [[3, 512, 5], [2, 513, 40], [17, 1025, 33], [460, 7, 300]] {
        check_bits(sizes);
    }
}

fn check_bits(sizes: [usize; 3]) {
    let [rows, inner, columns] = sizes;
    let (x, w) = (values(rows * inner, 1), values(inner * columns, 2));
    let expected = bits(&PROMISED.product(&x, &w, sizes));
    for (way, found) in products(&x, &w, sizes).iter().enumerate() {
        assert!(bits(found) == expected, "{sizes:?}, way {way}");
    }
}

#[test]
fn products_are_those_of_64_bits_within_the_rounding_of_sums() {
    if !is_there() {
        return;
    }
    for sizes in [[15, 33, 33], [14, 700, 64], [50, 512, 130]] {
        let [rows, inner, columns] = sizes;
        let (x, w) = (values(rows * inner, 3), values(inner * columns, 4));
        let found = &products(&x, &w, sizes)[0];
        let (exact, bound) = of_64_bits(&rounded(&x), &rounded(&w), sizes);
        for ((found, exact), bound) in found.iter().zip(&exact).zip(&bound) {
            let error = (f64::from(*found) - exact).abs();
            assert!(error <= *bound, "{sizes:?}: {error:e} above {bound:e}");
        }
        // The bound is one that products of inputs which are not rounded do not keep.
        let (other, _) = of_64_bits(&x, &w, sizes);
        let far = |((a, b), bound): ((&f64, &f64), &f64)| (a - b).abs() > *bound;
        assert!(exact.iter().zip(&other).zip(&bound).any(far), "{sizes:?}");
    }
}

/// Sums, and how far those of 32 bits may be from them: every addition rounds the sum of sizes by 2^-24 at most.
fn of_64_bits(x: &[f32], w: &[f32], [rows, inner, columns]: [usize; 3]) -> (Vec<f64>, Vec<f64>) {
    let sum = |row: usize, column: usize| {
        let terms =
            (0..inner).map(|k| f64::from(x[row * inner + k]) * f64::from(w[k * columns + column]));
        let (sum, sizes) = terms.fold((0.0, 0.0), |(sum, sizes): (f64, f64), term| {
            (sum + term, sizes + term.abs())
        });
        (sum, sizes * inner as f64 * 2f64.powi(-24) * 1.01)
    };
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    places.map(|(row, column)| sum(row, column)).unzip()
}

#[test]
fn special_values_go_the_way_of_the_instruction() {
    if !is_there() {
        return;
    }
    let special = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        // A NaN whose payload rounding would carry away.
        f32::from_bits(0x7fff_ffff),
        f32::from_bits(0x7f80_0001),
        f32::MAX,
        f32::MIN_POSITIVE,
        -f32::MIN_POSITIVE,
        f32::MIN_POSITIVE / 2.0,
        f32::MIN_POSITIVE * 1.5,
        // Between two values of bfloat16 and as near to both.
        f32::from_bits(0x3f80_8000),
        f32::from_bits(0x3f81_8000),
        1e-20,
        -1e-20,
        1e20,
        f32::from_bits(1),
    ];
    // Every two of them, alone and in the company of others.
    let n = special.len();
    for inner in [1, 2, 3, 4] {
        let rows = n * n;
        let of_row = |row: usize| (0..inner).map(move |k| special[(row / n + row % n * k) % n]);
        let x: Vec<f32> = (0..rows).flat_map(of_row).collect();
        let w: Vec<f32> = (0..inner)
            .flat_map(|k| (0..n).map(move |column| special[(column + 7 * k) % n]))
            .collect();
        let sizes = [rows, inner, n];
        let expected = bits(&PROMISED.product(&x, &w, sizes));
        for found in products(&x, &w, sizes) {
            let found = bits(&found);
            for (place, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let (row, column) = (place / n, place % n);
                assert!(
                    found == expected,
                    "{:?} times column {column}: {:e}, expected {:e}",
                    &x[row * inner..][..inner],
                    f32::from_bits(*found),
                    f32::from_bits(*expected)
                );
            }
        }
    }
}

#[test]
fn sums_in_another_order_or_of_smaller_numbers_have_other_bits() {
    if !is_there() {
        return;
    }
    let sizes = [15, 33, 33];
    let (x, w) = (values(15 * 33, 1), values(33 * 33, 2));
    let small: Vec<f32> = x.iter().map(|x| x * 2f32.powi(-122)).collect();
    let first = Variant {
        second_first: false,
        ..PROMISED
    };
    let keeps = Variant {
        flushes: false,
        ..PROMISED
    };
    assert!(products(&x, &w, sizes)[0] != first.product(&x, &w, sizes));
    assert!(products(&small, &w, sizes)[0] != keeps.product(&small, &w, sizes));
    assert_eq!(
        products(&small, &w, sizes)[0],
        PROMISED.product(&small, &w, sizes)
    );
}

#[test]
fn bits_depend_neither_on_threads_nor_on_other_rows() {
    if !is_there() {
        return;
    }
    let sizes = [470, 130, 600];
    let [rows, inner, columns] = sizes;
    let (x, w) = (values(rows * inner, 5), values(inner * columns, 6));
    let on = |threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads").install(|| products(&x, &w, sizes))
    };
    let one = on(1);
    for threads in 2..=4 {
        assert!(on(threads) == one, "{threads} threads");
    }
    let packed = Packed::new(&w, [inner, columns], Precision::Bf16);
    let mut alone = vec![0.0; columns];
    for row in [0, 1, 13, 14, 469] {
        product(&x[row * inner..][..inner], &packed, None, &mut alone);
        assert_eq!(alone, one[0][row * columns..][..columns], "row {row}");
    }
}

#[test]
fn the_bias_comes_last() {
    if !is_there() {
        return;
    }
    let sizes = [15, 9, 300];
    let (x, w, bias) = (values(15 * 9, 1), values(9 * 300, 2), values(300, 3));
    let expected: Vec<f32> = products(&x, &w, sizes)[0]
        .chunks(300)
        .flat_map(|row| row.iter().zip(&bias).map(|(y, bias)| y + bias))
        .collect();
    let packed = Packed::new(&w, [9, 300], Precision::Bf16);
    let mut y = vec![f32::NAN; 15 * 300];
    product(&x, &packed, Some(&bias), &mut y);
    assert_eq!(y, expected);
}

#[test]
fn empty_products_are_zeros_or_the_bias() {
    if !is_there() {
        return;
    }
    let mut y = vec![f32::NAN; 6];
    let nothing = Packed::new(&[], [0, 3], Precision::Bf16);
    product(&[], &nothing, None, &mut y);
    assert_eq!(y, [0.0; 6]);
    product(&[], &nothing, Some(&[1.0, 2.0, 3.0]), &mut y);
    assert_eq!(y, [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
    let no_columns = Packed::new(&[], [4, 0], Precision::Bf16);
    product(&[], &no_columns, None, &mut []);
    product(
        &[],
        &Packed::new(&[1.0], [1, 1], Precision::Bf16),
        None,
        &mut [],
    );
}
