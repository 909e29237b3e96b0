//! Convolutions of one image whose values are `[pixels, channels]`: what stands around a matrix product.
//!
//! A 1 x 1 convolution in this layout is a matrix product of its own. Any other becomes one by [`patches`], except
//! [`depthwise`], which has too few multiplications to pay for that. [`finish`] does in one pass what follows a
//! product.

use std::array;

use pulp::{Arch, Simd, WithSimd};

use crate::simd::vectorised;

/// Where a square window stands on a map: sizes in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns of the map.
    pub size: [usize; 2],
    /// Rows and columns of the window.
    pub kernel: usize,
    /// Steps from one window to the next.
    pub stride: usize,
    /// Rows above and columns to the left of the map that the first window covers.
    pub before: [usize; 2],
    /// Rows and columns of windows.
    pub out: [usize; 2],
}

impl Window {
    /// As TensorFlow's `SAME`: `ceil(size / stride)` windows, and an odd padding has its larger half after the map.
    pub fn same(size: [usize; 2], kernel: usize, stride: usize) -> Self {
        let out = size.map(|size| size.div_ceil(stride));
        let padding =
            |axis: usize| ((out[axis] - 1) * stride + kernel).saturating_sub(size[axis]) / 2;
        let before = [padding(0), padding(1)];
        Self {
            size,
            kernel,
            stride,
            before,
            out,
        }
    }

    /// As PyTorch's `padding = kernel / 2`, the same before and after the map.
    pub fn centred(size: [usize; 2], kernel: usize, stride: usize) -> Self {
        Self {
            size,
            kernel,
            stride,
            before: [kernel / 2; 2],
            out: size.map(|size| (size + 2 * (kernel / 2) - kernel) / stride + 1),
        }
    }

    /// Pixels of the map.
    pub fn pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Number of windows.
    pub fn windows(&self) -> usize {
        self.out[0] * self.out[1]
    }

    /// Offsets within window number `at` along `axis` that lie on the map, and where the first of them lies.
    #[inline(always)]
    fn on_map(&self, axis: usize, at: usize) -> (std::ops::Range<usize>, usize) {
        let (start, before) = (at * self.stride, self.before[axis]);
        let first = before.saturating_sub(start);
        let end = (self.size[axis] + before)
            .saturating_sub(start)
            .min(self.kernel);
        (first..end.max(first), start + first - before)
    }
}

/// Bounds that values are cut to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// None.
    Identity,
    /// At least 0.
    Relu,
    /// From 0 to 6.
    Relu6,
}

impl Activation {
    #[inline(always)]
    fn bounds(self) -> (f32, f32) {
        match self {
            Self::Identity => (f32::NEG_INFINITY, f32::INFINITY),
            Self::Relu => (0.0, f32::INFINITY),
            Self::Relu6 => (0.0, 6.0),
        }
    }
}

/// Adds a bias to every row, then the rows of `skip`, then cuts values to the activation's bounds.
///
/// # Shapes
/// `values`, `skip`: `[rows, channels]`; `bias`: `[channels]`.
///
/// # Panics
/// When the lengths do not fit together.
pub fn finish(values: &mut [f32], bias: &[f32], skip: Option<&[f32]>, activation: Activation) {
    let (low, high) = activation.bounds();
    let channels = bias.len();
    assert_eq!(values.len() % channels, 0, "whole rows");
    match skip {
        Some(skip) => {
            assert_eq!(values.len(), skip.len(), "a skip row for every row");
            vectorised(
                #[inline(always)]
                || {
                    let rows = values.chunks_exact_mut(channels);
                    for (row, skip) in rows.zip(skip.chunks_exact(channels)) {
                        for ((value, &bias), &skip) in row.iter_mut().zip(bias).zip(skip) {
                            *value = (*value + bias + skip).max(low).min(high);
                        }
                    }
                },
            );
        }
        None => vectorised(
            #[inline(always)]
            || {
                for row in values.chunks_exact_mut(channels) {
                    for (value, &bias) in row.iter_mut().zip(bias) {
                        *value = (*value + bias).max(low).min(high);
                    }
                }
            },
        ),
    }
}

/// A convolution of every channel with a kernel of its own, its bias and its activation.
#[derive(Debug, Clone, Copy)]
pub struct Depthwise<'a> {
    /// Where the windows stand.
    pub window: Window,
    /// `[kernel, kernel, channels]`.
    pub weights: &'a [f32],
    /// `[channels]`.
    pub bias: &'a [f32],
    /// What follows.
    pub activation: Activation,
}

/// Applies a depthwise convolution; outside of the map there are zeros.
///
/// ```text
/// out[y, x, c] = activation(b[c] + sum_ij w[i, j, c] in[s y + i - before, s x + j - before, c])
/// ```
///
/// # Shapes
/// `input`: `[pixels, channels]`; `output`: `[windows, channels]`.
///
/// # Panics
/// When the lengths do not fit together.
pub fn depthwise(layer: &Depthwise<'_>, input: &[f32], output: &mut [f32]) {
    let window = layer.window;
    let channels = layer.bias.len();
    assert_eq!(input.len(), window.pixels() * channels, "pixels");
    assert_eq!(output.len(), window.windows() * channels, "windows");
    assert_eq!(layer.weights.len(), window.kernel.pow(2) * channels);
    Arch::new().dispatch(AllWindows {
        layer,
        input,
        output,
    });
}

/// All windows of a depthwise convolution.
struct AllWindows<'a> {
    layer: &'a Depthwise<'a>,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl WithSimd for AllWindows<'_> {
    type Output = ();

    /// The sums of a register of channels stay there for all places of a window: a loop over channels within one over places
    /// would take most of its time with the channels that fill no unrolled step of it.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { layer, input, .. } = self;
        let (window, channels) = (layer.window, layer.bias.len());
        let (low, high) = layer.activation.bounds();
        let (lowest, highest) = (simd.splat_f32s(low), simd.splat_f32s(high));
        let (bias, rest_of_bias) = S::as_simd_f32s(layer.bias);
        let mut places = Vec::with_capacity(window.kernel.pow(2));
        for (number, sums) in self.output.chunks_exact_mut(channels).enumerate() {
            let (rows, y) = window.on_map(0, number / window.out[1]);
            let (columns, x) = window.on_map(1, number % window.out[1]);
            places.clear();
            for (y, row) in (y..).zip(rows) {
                for (x, column) in (x..).zip(columns.clone()) {
                    let place = row * window.kernel + column;
                    let pixel = y * window.size[1] + x;
                    places.push((
                        S::as_simd_f32s(&layer.weights[place * channels..][..channels]),
                        S::as_simd_f32s(&input[pixel * channels..][..channels]),
                    ));
                }
            }
            let (sums, rest) = S::as_mut_simd_f32s(sums);
            sums.copy_from_slice(bias);
            let (fours, ones) = sums.as_chunks_mut::<4>();
            for (number, sums) in fours.iter_mut().enumerate() {
                add_places(simd, &places, 4 * number, sums);
            }
            let of_fours = 4 * fours.len();
            for (number, sum) in ones.iter_mut().enumerate() {
                add_places(simd, &places, of_fours + number, array::from_mut(sum));
            }
            for sum in sums {
                *sum = simd.min_f32s(simd.max_f32s(*sum, lowest), highest);
            }
            for (channel, (to, bias)) in rest.iter_mut().zip(rest_of_bias).enumerate() {
                let mut sum = *bias;
                for ((_, weights), (_, values)) in &places {
                    sum += weights[channel] * values[channel];
                }
                *to = sum.max(low).min(high);
            }
        }
    }
}

/// Weights and values of a place of a window, those that fill no register apart.
type Place<'a, V> = ((&'a [V], &'a [f32]), (&'a [V], &'a [f32]));

/// Adds what the places of a window give to the sums of some registers from `first` on.
#[inline(always)]
fn add_places<S: Simd, const N: usize>(
    simd: S,
    places: &[Place<'_, S::f32s>],
    first: usize,
    sums: &mut [S::f32s; N],
) {
    let mut own = *sums;
    for ((weights, _), (values, _)) in places {
        let (weights, values) = (&weights[first..first + N], &values[first..first + N]);
        for k in 0..N {
            own[k] = simd.add_f32s(own[k], simd.mul_f32s(weights[k], values[k]));
        }
    }
    *sums = own;
}

/// The windows of a map, one a row: a convolution is their product with its weights `[kernel * kernel * channels, out]`.
///
/// # Shapes
/// `input`: `[pixels, channels]`; `output`: `[windows, kernel * kernel * channels]`, zeros, which stay where a window
/// leaves the map.
///
/// # Panics
/// When the lengths do not fit together.
pub fn patches(window: &Window, channels: usize, input: &[f32], output: &mut [f32]) {
    let width = window.kernel * channels;
    assert_eq!(input.len(), window.pixels() * channels, "pixels");
    assert_eq!(output.len(), window.windows() * window.kernel * width);
    let patches = output.chunks_exact_mut(window.kernel * width);
    for (number, patch) in patches.enumerate() {
        let (rows, y) = window.on_map(0, number / window.out[1]);
        let (columns, x) = window.on_map(1, number % window.out[1]);
        for (y, row) in (y..).zip(rows) {
            let count = columns.len() * channels;
            let from = (y * window.size[1] + x) * channels;
            patch[row * width + columns.start * channels..][..count]
                .copy_from_slice(&input[from..][..count]);
        }
    }
}

/// The largest value of every channel in every window.
///
/// # Shapes
/// `input`: `[pixels, channels]`; `output`: `[windows, channels]`.
///
/// # Panics
/// When the lengths do not fit together.
pub fn max_pool(window: &Window, channels: usize, input: &[f32], output: &mut [f32]) {
    assert_eq!(input.len(), window.pixels() * channels, "pixels");
    assert_eq!(output.len(), window.windows() * channels, "windows");
    vectorised(
        #[inline(always)]
        || {
            let pixels = output.chunks_exact_mut(channels);
            for (number, largest) in pixels.enumerate() {
                let (rows, y) = window.on_map(0, number / window.out[1]);
                let (columns, x) = window.on_map(1, number % window.out[1]);
                largest.fill(f32::NEG_INFINITY);
                for (y, _) in (y..).zip(rows) {
                    for (x, _) in (x..).zip(columns.clone()) {
                        let values = &input[(y * window.size[1] + x) * channels..];
                        for (largest, &value) in largest.iter_mut().zip(values) {
                            *largest = largest.max(value);
                        }
                    }
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random, from -1 to 1.
    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    /// All windows that networks use, on maps of even and odd sizes and ones that are smaller than a window.
    fn windows() -> Vec<Window> {
        let mut windows = Vec::new();
        for size in [[8, 8], [7, 9], [6, 5], [2, 1]] {
            for kernel in [1, 3, 5, 7] {
                for stride in [1, 2] {
                    windows.push(Window::same(size, kernel, stride));
                    windows.push(Window::centred(size, kernel, stride));
                }
            }
        }
        windows
    }

    /// The value under a place of a window, by its definition; nothing outside of the map.
    fn under(window: &Window, at: usize, place: [usize; 2]) -> Option<usize> {
        let [y, x] = [at / window.out[1], at % window.out[1]];
        let locate = |axis: usize, at: usize| {
            let on_map = (at * window.stride + place[axis]).checked_sub(window.before[axis])?;
            (on_map < window.size[axis]).then_some(on_map)
        };
        Some(locate(0, y)? * window.size[1] + locate(1, x)?)
    }

    /// All places of a window, row after row.
    fn places(window: &Window) -> impl Iterator<Item = [usize; 2]> {
        let kernel = window.kernel;
        (0..kernel * kernel).map(move |place| [place / kernel, place % kernel])
    }

    #[test]
    fn window_has_tensorflows_padding_when_it_is_same() {
        // 112 = ceil(224 / 2), padding 111 * 2 + 3 - 224 = 1: none before, one after.
        let window = Window::same([224, 224], 3, 2);
        assert_eq!((window.out, window.before), ([112; 2], [0; 2]));
        let window = Window::same([15, 14], 5, 2);
        assert_eq!((window.out, window.before), ([8, 7], [2, 1]));
        let window = Window::centred([224, 224], 7, 2);
        assert_eq!((window.out, window.before), ([112; 2], [3; 2]));
    }

    #[test]
    fn depthwise_equals_its_definition_in_64_bits() {
        for channels in [1, 5, 16, 40] {
            for window in windows() {
                let input = numbers(window.pixels() * channels, 1);
                let weights = numbers(window.kernel.pow(2) * channels, 2);
                let bias = numbers(channels, 3);
                let mut output = vec![f32::NAN; window.windows() * channels];
                let layer = Depthwise {
                    window,
                    weights: &weights,
                    bias: &bias,
                    activation: Activation::Relu6,
                };
                depthwise(&layer, &input, &mut output);
                for (k, &found) in output.iter().enumerate() {
                    let (at, channel) = (k / channels, k % channels);
                    let mut sum = f64::from(bias[channel]);
                    for (place, weights) in places(&window).zip(weights.chunks(channels)) {
                        if let Some(pixel) = under(&window, at, place) {
                            let value = f64::from(input[pixel * channels + channel]);
                            sum += f64::from(weights[channel]) * value;
                        }
                    }
                    let expected = sum.clamp(0.0, 6.0);
                    assert!((f64::from(found) - expected).abs() < 1e-5, "{window:?}");
                }
            }
        }
    }

    #[test]
    fn patches_are_the_values_under_the_windows_and_zeros_outside() {
        let channels = 3;
        for window in windows() {
            let input = numbers(window.pixels() * channels, 4);
            let mut output = vec![0.0; window.windows() * window.kernel.pow(2) * channels];
            patches(&window, channels, &input, &mut output);
            let mut rows = output.chunks(channels);
            for at in 0..window.windows() {
                for place in places(&window) {
                    let expected = under(&window, at, place)
                        .map_or([0.0; 3].as_slice(), |pixel| &input[pixel * 3..][..3]);
                    assert_eq!(rows.next(), Some(expected), "{window:?}");
                }
            }
        }
    }

    #[test]
    fn max_pool_ignores_what_is_outside_of_the_map() {
        let channels = 3;
        for window in windows() {
            let input: Vec<f32> = numbers(window.pixels() * channels, 5);
            let input: Vec<f32> = input.iter().map(|value| value - 2.0).collect();
            let mut output = vec![0.0; window.windows() * channels];
            max_pool(&window, channels, &input, &mut output);
            for (k, &found) in output.iter().enumerate() {
                let values = places(&window)
                    .filter_map(|place| under(&window, k / channels, place))
                    .map(|pixel| input[pixel * channels + k % channels]);
                assert_eq!(found, values.fold(f32::NEG_INFINITY, f32::max));
            }
        }
    }

    #[test]
    fn finish_adds_then_cuts() {
        let values = [1.0, 5.0, -9.0, 0.5];
        let finished = |skip, activation| {
            let mut values = values;
            finish(&mut values, &[0.5, 1.5], skip, activation);
            values
        };
        let skip = [0.0, 1.0, 9.0, 1.0];
        assert_eq!(finished(None, Activation::Identity), [1.5, 6.5, -8.5, 2.0]);
        assert_eq!(finished(None, Activation::Relu), [1.5, 6.5, 0.0, 2.0]);
        assert_eq!(
            finished(Some(&skip), Activation::Relu6),
            [1.5, 6.0, 0.5, 3.0]
        );
    }
}
