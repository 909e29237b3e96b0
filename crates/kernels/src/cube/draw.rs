//! Words from the scores of rows, drawn or the best: one launch, after which the host reads a number a row.

use burn::{
    backend::{
        Backend, Dispatch, backend_extension,
        fusion::custom::TensorSpec,
        tensor::{FloatTensor, IntTensor},
    },
    tensor::{DType, Int, Tensor},
};
use burn_cubecl::{
    CubeBackend,
    cubecl::{
        self,
        prelude::{Tensor as Buffer, *},
    },
    kernel::into_contiguous,
};

use super::{UNITS, cube_a_row, empty, rows_in_place, sums::largest_of_units};

/// The word of every row at which the cumulative softmax passes its uniform number, -1 for a row that is no distribution:
/// [`softmax::draw`](crate::softmax::draw), with sums in 32 bits, block after block.
///
/// # Shapes
/// `scores`: `[rows, vocab]`; `uniforms`: `[rows]`; so is the result.
pub fn draw(scores: Tensor<2>, uniforms: Tensor<1>) -> Tensor<1, Int> {
    let (scores, uniforms) = (scores.into_dispatch(), uniforms.into_dispatch());
    Tensor::from_dispatch(<Dispatch as Words>::draw_words(scores, uniforms))
}

/// The word of every row with the largest score, the smallest id among equals; -1 for a row that has none above all that
/// are impossible, or that is no distribution.
///
/// # Shapes
/// `scores`: `[rows, vocab]`; `allowed`: `[vocab]`, 0 for words that may not be chosen, else 1; the result: `[rows]`.
pub fn argmax(scores: Tensor<2>, allowed: Tensor<1>) -> Tensor<1, Int> {
    let (scores, allowed) = (scores.into_dispatch(), allowed.into_dispatch());
    Tensor::from_dispatch(<Dispatch as Words>::best_words(scores, allowed))
}

fn words_of(scores: &TensorSpec) -> TensorSpec {
    TensorSpec::new([scores.shape[0]].into(), DType::I32)
}

#[backend_extension(Cube, Fusion)]
trait Words: Backend {
    #[fusion(meta = |scores: &TensorSpec, _: &TensorSpec| words_of(scores))]
    fn draw_words(scores: FloatTensor<Self>, uniforms: FloatTensor<Self>) -> IntTensor<Self>;

    #[fusion(meta = |scores: &TensorSpec, _: &TensorSpec| words_of(scores))]
    fn best_words(scores: FloatTensor<Self>, allowed: FloatTensor<Self>) -> IntTensor<Self>;
}

/// Less than any score but `-inf`, which WGSL need not have.
const LEAST: f32 = -3.0e38;
/// No more than any finite number.
const MOST: f32 = 3.0e38;

#[cube(launch)]
fn drawn(
    scores: &Buffer<f32>,
    uniforms: &Buffer<f32>,
    words: &mut Buffer<i32>,
    vocab: u32,
    #[comptime] units: usize,
) {
    let row = CUBE_POS;
    if row >= uniforms.len() {
        terminate!();
    }
    let unit = UNIT_POS_X as usize;
    let units_of = units.runtime();
    let vocab = vocab as usize;
    let at = row * scores.stride(0);
    // A unit has a block of words that follow one another.
    let block = vocab.div_ceil(units_of);
    let mut first = unit * block;
    if first > vocab {
        first = vocab;
    }
    let mut last = first + block;
    if last > vocab {
        last = vocab;
    }
    let mut shared = Shared::<[f32]>::new_slice(units);

    let mut top = f32::new(LEAST);
    let mut k = first;
    while k < last {
        let score = scores[at + k];
        if score > top {
            top = score;
        }
        k += 1;
    }
    let best = largest_of_units(&mut shared, top, units);
    sync_cube();

    let mut total = f32::new(0.0);
    let mut k = first;
    while k < last {
        total += (scores[at + k] - best).exp();
        k += 1;
    }
    shared[unit] = total;
    sync_cube();

    if unit == 0 {
        let mut z = f32::new(0.0);
        let mut j = 0usize;
        while j < units_of {
            z += shared[j];
            j += 1;
        }
        let mut chosen = i32::cast_from(-1i32);
        if best > LEAST && z > 0.0f32 && z < MOST {
            let mut left = uniforms[row] * z;
            let mut j = 0usize;
            while j + 1 < units_of && left >= shared[j] {
                left -= shared[j];
                j += 1;
            }
            // Rounding may end behind the last block that has a possible word: the last one possible is drawn.
            let mut k = j * block;
            let mut is_open = true;
            while is_open && k < vocab {
                let p = (scores[at + k] - best).exp();
                if p > 0.0f32 {
                    chosen = i32::cast_from(k as u32);
                    if left < p {
                        is_open = false;
                    }
                }
                left -= p;
                k += 1;
            }
            let mut k = j * block;
            while chosen < 0i32 && k > 0 {
                k -= 1;
                if (scores[at + k] - best).exp() > 0.0f32 {
                    chosen = i32::cast_from(k as u32);
                }
            }
        }
        words[row] = chosen;
    }
}

#[cube(launch)]
fn best(
    scores: &Buffer<f32>,
    allowed: &Buffer<f32>,
    words: &mut Buffer<i32>,
    #[comptime] units: usize,
) {
    let row = CUBE_POS;
    if row >= words.len() {
        terminate!();
    }
    let unit = UNIT_POS_X as usize;
    let units_of = units.runtime();
    let vocab = allowed.len();
    let at = row * scores.stride(0);
    let mut tops = Shared::<[f32]>::new_slice(units);
    let mut words_of = Shared::<[i32]>::new_slice(units);
    let mut top = f32::new(LEAST);
    let mut word = i32::cast_from(-1i32);
    let mut k = unit;
    while k < vocab {
        let score = scores[at + k];
        if score < MOST {
            if allowed[k] > 0.0f32 && score > top {
                top = score;
                word = i32::cast_from(k as u32);
            }
        } else {
            // Infinite, or no number at all.
            top = f32::new(MOST);
            word = i32::cast_from(-1i32);
            k = vocab;
        }
        k += units_of;
    }
    tops[unit] = top;
    words_of[unit] = word;
    sync_cube();
    if unit == 0 {
        let mut j = 1usize;
        while j < units_of {
            let other = tops[j];
            if other > top || (other == top && words_of[j] >= 0i32 && words_of[j] < word) {
                top = other;
                word = words_of[j];
            }
            j += 1;
        }
        words[row] = word;
    }
}

impl Words for CubeBackend {
    fn draw_words(scores: FloatTensor<Self>, uniforms: FloatTensor<Self>) -> IntTensor<Self> {
        let (scores, uniforms) = (rows_in_place(scores), into_contiguous(uniforms));
        let [rows, vocab] = scores.meta.shape().dims();
        let words = empty(&scores, vec![rows], DType::I32);
        let (count, dim) = cube_a_row(rows);
        let client = scores.client.clone();
        drawn::launch(
            &client,
            count,
            dim,
            scores.into_tensor_arg(),
            uniforms.into_tensor_arg(),
            words.clone().into_tensor_arg(),
            vocab as u32,
            UNITS,
        );
        words
    }

    fn best_words(scores: FloatTensor<Self>, allowed: FloatTensor<Self>) -> IntTensor<Self> {
        let (scores, allowed) = (rows_in_place(scores), into_contiguous(allowed));
        let [rows, _] = scores.meta.shape().dims::<2>();
        let words = empty(&scores, vec![rows], DType::I32);
        let (count, dim) = cube_a_row(rows);
        let client = scores.client.clone();
        best::launch(
            &client,
            count,
            dim,
            scores.into_tensor_arg(),
            allowed.into_tensor_arg(),
            words.clone().into_tensor_arg(),
            UNITS,
        );
        words
    }
}
