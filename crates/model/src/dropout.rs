//! Dropout masks from a seeded generator on the host.

#[cfg(feature = "cube")]
use burn::tensor::Int;
use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
#[cfg(feature = "cube")]
use scst_kernels::cube;
use scst_kernels::traffic::send;

use crate::rows::stack;

/// Units of one number of 64 bits.
const UNITS: usize = 4;
/// Words of the generator that it takes.
const WORDS: usize = 2;
/// Units of a task.
const CHUNK: usize = 1 << 14;

/// Inverted dropout: a unit is kept with probability `1 - rate` and then scaled by
/// `1 / (1 - rate)` (Srivastava et al. 2014).
///
/// Masks come from the host's generator, so they are the same on every device.
#[derive(Debug, Clone)]
pub struct Dropout {
    rate: f64,
    rng: ChaCha8Rng,
    /// What has been drawn for rows of which the host knows no more.
    #[cfg(feature = "cube")]
    ahead: Box<Ahead>,
}

/// Masks of steps of which the host does not know the rows whose captions have ended: the device alone knows where the
/// generator is behind them, until the host is told.
#[cfg(feature = "cube")]
#[derive(Debug, Clone, Default)]
struct Ahead {
    /// Which rows of the step are open.
    order: Option<Tensor<1, Int>>,
    /// Words that the generator has drawn since the host knew.
    drawn: Option<Tensor<1, Int>>,
    /// The columns of all masks of every step.
    columns: Vec<Vec<usize>>,
}

impl Dropout {
    /// Dropout that removes a share of `rate` units, `0 <= rate < 1`.
    pub fn new(rate: f64, rng: ChaCha8Rng) -> Self {
        Self {
            rate,
            rng,
            #[cfg(feature = "cube")]
            ahead: Box::default(),
        }
    }

    /// Dropout of the same rate, with a generator of its own that is seeded from this one.
    ///
    /// So what one place of a network draws does not depend on when others draw.
    pub(crate) fn split(&mut self) -> Self {
        Self::new(self.rate, ChaCha8Rng::from_rng(&mut self.rng))
    }

    /// `1 / (1 - rate)`: what a kept unit is multiplied by.
    pub(crate) fn scale(&self) -> f64 {
        1.0 / (1.0 - self.rate)
    }

    /// 16 bits a unit: the rate is met to within 1 in 65,536.
    fn dropped_below(&self) -> u32 {
        (self.rate * 65_536.0).round() as u32
    }

    /// The generator behind the bits of so many units.
    fn go_on(&mut self, units: usize) {
        let drawn = units.div_ceil(UNITS) * WORDS;
        let behind = self.rng.get_word_pos() + drawn as u128;
        self.rng.set_word_pos(behind);
    }

    /// Whether a kernel draws masks and applies them.
    #[cfg(feature = "cube")]
    fn is_on_device(&self, x: &Tensor<2>) -> bool {
        self.rate > 0.0 && cube::runs_on(&x.device(), x.dtype())
    }

    /// `x` with a mask, plus `others`, and the mask, by a kernel: nothing is sent.
    #[cfg(feature = "cube")]
    fn drop_on_device(
        &mut self,
        x: Tensor<2>,
        others: Option<Tensor<2>>,
    ) -> (Tensor<2>, Option<Tensor<2>>) {
        let seed = self.rng.get_seed();
        let mut key = [0; 8];
        for (word, bytes) in key.iter_mut().zip(seed.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let generator = cube::dropout::Generator {
            key,
            stream: self.rng.get_stream(),
            // The generator has 2^68 words of 32 bits, of which a run draws the first alone.
            word: self.rng.get_word_pos() as u64,
        };
        let dropping = cube::dropout::Dropping {
            generator,
            below: self.dropped_below(),
            scale: self.scale() as f32,
        };
        let [rows, columns] = x.dims();
        let Some(order) = self.ahead.order.clone() else {
            self.go_on(rows * columns);
            let (x, mask) = cube::dropout::drop_units(x, others, dropping);
            return (x, Some(mask));
        };
        let unread = cube::dropout::Unread {
            order,
            drawn: self.ahead.drawn.take(),
        };
        let (x, mask, drawn) = cube::dropout::drop_units_of_open(x, others, dropping, unread);
        self.ahead.drawn = Some(drawn);
        if let Some(masks) = self.ahead.columns.last_mut() {
            masks.push(columns);
        }
        (x, Some(mask))
    }

    /// Masks that follow are of a step whose open rows are these alone, as
    /// [`open_rows`](cube::draw::open_rows) tells them: the others draw nothing.
    #[cfg(feature = "cube")]
    pub(crate) fn step_ahead(&mut self, order: Tensor<1, Int>) {
        self.ahead.order = Some(order);
        self.ahead.columns.push(Vec::new());
    }

    /// Tells how many rows were open in the steps ahead, one after the other; the generator goes on behind them.
    #[cfg(feature = "cube")]
    pub(crate) fn settle(&mut self, open: &[usize]) {
        let ahead = std::mem::take(&mut self.ahead);
        for (masks, &rows) in ahead.columns.iter().zip(open) {
            for columns in masks {
                self.go_on(rows * columns);
            }
        }
    }

    /// A mask of values `0` and `1 / (1 - rate)`, `[rows, columns]`; `None` when nothing is
    /// dropped.
    pub(crate) fn mask(
        &mut self,
        rows: usize,
        columns: usize,
        device: &Device,
        dtype: DType,
    ) -> Option<Tensor<2>> {
        if self.rate == 0.0 {
            return None;
        }
        let (scale, dropped_below) = (self.scale() as f32, self.dropped_below());
        let mut values = vec![0.0; rows * columns];
        let begin = self.rng.get_word_pos();
        values
            .par_chunks_mut(CHUNK)
            .enumerate()
            .for_each(|(chunk, values)| {
                // Where the generator is after the chunks before: a chunk draws the same on whatever thread.
                let mut rng = self.rng.clone();
                rng.set_word_pos(begin + (chunk * CHUNK / UNITS * WORDS) as u128);
                for units in values.chunks_mut(UNITS) {
                    let bits = rng.next_u64();
                    for (unit, shift) in units.iter_mut().zip([0, 16, 32, 48]) {
                        let kept = (bits >> shift) as u32 & 0xffff >= dropped_below;
                        *unit = if kept { scale } else { 0.0 };
                    }
                }
            });
        self.go_on(rows * columns);
        let data = TensorData::new(values, [rows, columns]);
        Some(send(data, (device, dtype)))
    }
}

/// `x`, `[rows, columns]`, with a mask of its own, and the mask: as it is, and none, when nothing is dropped.
pub(crate) fn dropped(
    x: Tensor<2>,
    dropout: Option<&mut Dropout>,
) -> (Tensor<2>, Option<Tensor<2>>) {
    let Some(dropout) = dropout else {
        return (x, None);
    };
    let ([rows, columns], device, dtype) = (x.dims(), x.device(), x.dtype());
    #[cfg(feature = "cube")]
    if dropout.is_on_device(&x) {
        return dropout.drop_on_device(x, None);
    }
    let mask = dropout.mask(rows, columns, &device, dtype);
    (apply(x, mask.as_ref()), mask)
}

/// `x` with its mask, if there is one.
pub(crate) fn apply(x: Tensor<2>, mask: Option<&Tensor<2>>) -> Tensor<2> {
    match mask {
        Some(mask) => x * mask.clone(),
        None => x,
    }
}

/// Dropout at one place of a network, with the masks of all runs over some rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dropped {
    dropout: Option<Dropout>,
    masks: Vec<Tensor<2>>,
}

impl Dropped {
    /// Dropout at a place; none by default.
    pub(crate) fn new(dropout: Dropout) -> Self {
        let (dropout, masks) = (Some(dropout), Vec::new());
        Self { dropout, masks }
    }

    /// `x`, `[rows, columns]`, with a mask of its own.
    pub(crate) fn forward(&mut self, x: Tensor<2>) -> Tensor<2> {
        let (x, mask) = dropped(x, self.dropout.as_mut());
        self.masks.extend(mask);
        x
    }

    /// `others + x`, `[rows, columns]` each, where `x` has a mask of its own.
    pub(crate) fn add(&mut self, others: Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        #[cfg(feature = "cube")]
        if let Some(dropout) = self.dropout.as_mut().filter(|d| d.is_on_device(&x)) {
            let (sum, mask) = dropout.drop_on_device(x, Some(others));
            self.masks.extend(mask);
            return sum;
        }
        others + self.forward(x)
    }

    /// Where masks are drawn from; none by default.
    #[cfg(feature = "cube")]
    pub(crate) fn dropout_mut(&mut self) -> Option<&mut Dropout> {
        self.dropout.as_mut()
    }

    /// The gradient before dropout from that behind it, both of all rows.
    pub(crate) fn backward(&self, d: Tensor<2>) -> Tensor<2> {
        if self.masks.is_empty() {
            return d;
        }
        d * stack(&self.masks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mask_keeps_the_expected_share_and_scales_it() {
        let mut dropout = Dropout::new(0.3, ChaCha8Rng::seed_from_u64(1));
        let mask = dropout.mask(100, 101, &Device::flex(), DType::F32).unwrap();
        let values: Vec<f32> = mask.try_into_vec_as().unwrap();
        let kept = values.iter().filter(|&&v| v > 0.0).count() as f64 / values.len() as f64;
        assert!((kept - 0.7).abs() < 0.02, "kept {kept}");
        assert!(
            values
                .iter()
                .all(|&v| v == 0.0 || (v - 1.0 / 0.7).abs() < 1e-6)
        );
    }

    #[test]
    fn masks_are_those_of_one_number_after_the_other() {
        // Masks that end within a number, within a task, and with one.
        for [rows, columns] in [[3, 5], [7, CHUNK / 4 + 1], [2, CHUNK]] {
            let mut rng = ChaCha8Rng::seed_from_u64(5);
            rng.next_u32();
            let mut dropout = Dropout::new(0.4, rng.clone());
            for _ in 0..2 {
                let mask = dropout.mask(rows, columns, &Device::flex(), DType::F32);
                let found: Vec<f32> = mask.unwrap().try_into_vec_as().unwrap();
                let numbers = (rows * columns).div_ceil(UNITS);
                let bits: Vec<u64> = (0..numbers).map(|_| rng.next_u64()).collect();
                let below = (0.4f64 * 65_536.0).round() as u64;
                for (unit, value) in found.iter().enumerate() {
                    let kept = bits[unit / 4] >> (unit % 4 * 16) & 0xffff >= below;
                    assert_eq!(*value > 0.0, kept, "{rows} x {columns}: {unit}");
                }
            }
        }
    }

    #[test]
    fn mask_is_absent_when_nothing_is_dropped() {
        let mut dropout = Dropout::new(0.0, ChaCha8Rng::seed_from_u64(1));
        assert!(dropout.mask(2, 3, &Device::flex(), DType::F32).is_none());
    }
}
