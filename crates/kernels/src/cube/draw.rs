//! Words from the scores of rows, drawn or the best: one launch, after which the host reads a number a row, or goes on from
//! words that it has not read.

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

/// Words that a launch chose, `[rows]` each.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The words; -1 for a row that is no distribution, 0, the end token, for one whose caption had ended before.
    pub words: Tensor<1, Int>,
    /// The same as what the next step reads: the end token in place of no word.
    pub next: Tensor<1, Int>,
}

impl Chosen {
    fn from_dispatch((words, next): (IntTensor<Dispatch>, IntTensor<Dispatch>)) -> Self {
        Self {
            words: Tensor::from_dispatch(words),
            next: Tensor::from_dispatch(next),
        }
    }
}

/// The word of every row at which the cumulative softmax passes its uniform number:
/// [`softmax::draw`](crate::softmax::draw), with sums in 32 bits, block after block.
///
/// Captions whose word in `before`, if there is one, is the end token have ended.
///
/// # Shapes
/// `scores`: `[rows, vocab]`; `before`: `[rows]`; `uniforms`: `[steps rows]`, of which those of `step` are taken.
pub fn draw(
    scores: Tensor<2>,
    uniforms: Tensor<1>,
    step: usize,
    before: Option<Tensor<1, Int>>,
) -> Chosen {
    let (before, has_before) = or_nothing(before, &scores);
    let [rows, _] = scores.dims();
    let (scores, uniforms) = (scores.into_dispatch(), uniforms.into_dispatch());
    Chosen::from_dispatch(<Dispatch as Words>::draw_words(
        scores,
        uniforms,
        before,
        step * rows,
        has_before,
    ))
}

/// The word of every row with the largest score, the smallest id among equals; none for a row that has none above all that
/// are impossible.
///
/// # Shapes
/// `scores`: `[rows, vocab]`; `allowed`: `[vocab]`, 0 for words that may not be chosen, else 1; `before` as of [`draw`].
pub fn argmax(scores: Tensor<2>, allowed: Tensor<1>, before: Option<Tensor<1, Int>>) -> Chosen {
    let (before, has_before) = or_nothing(before, &scores);
    let (scores, allowed) = (scores.into_dispatch(), allowed.into_dispatch());
    Chosen::from_dispatch(<Dispatch as Words>::best_words(
        scores, allowed, before, has_before,
    ))
}

/// The rows whose captions have not ended, in order, and behind them the others; behind all the number of the former.
///
/// # Shapes
/// `words`: `[rows]`, the end token where a caption has ended; the result: `[rows + 1]`.
pub fn open_rows(words: Tensor<1, Int>) -> Tensor<1, Int> {
    Tensor::from_dispatch(<Dispatch as Words>::open_rows(words.into_dispatch()))
}

/// A tensor for a place of a kernel that is not read where there is nothing to read, and whether there is.
pub(super) fn or_nothing(
    tensor: Option<Tensor<1, Int>>,
    beside: &Tensor<2>,
) -> (IntTensor<Dispatch>, bool) {
    let is_there = tensor.is_some();
    let tensor = tensor.unwrap_or_else(|| Tensor::empty([1], &beside.device()));
    (tensor.into_dispatch(), is_there)
}

fn words_of(scores: &TensorSpec) -> TensorSpec {
    TensorSpec::new([scores.shape[0]].into(), DType::I32)
}

#[backend_extension(Cube, Fusion)]
trait Words: Backend {
    #[fusion(meta = |scores: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &usize, _: &bool| (words_of(scores), words_of(scores)))]
    fn draw_words(
        scores: FloatTensor<Self>,
        uniforms: FloatTensor<Self>,
        before: IntTensor<Self>,
        first: usize,
        has_before: bool,
    ) -> (IntTensor<Self>, IntTensor<Self>);

    #[fusion(meta = |scores: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &bool| (words_of(scores), words_of(scores)))]
    fn best_words(
        scores: FloatTensor<Self>,
        allowed: FloatTensor<Self>,
        before: IntTensor<Self>,
        has_before: bool,
    ) -> (IntTensor<Self>, IntTensor<Self>);

    #[fusion(meta = |words: &TensorSpec| TensorSpec::new([words.shape[0] + 1].into(), DType::I32))]
    fn open_rows(words: IntTensor<Self>) -> IntTensor<Self>;
}

/// Less than any score but `-inf`, which WGSL need not have.
const LEAST: f32 = -3.0e38;
/// No more than any finite number.
const MOST: f32 = 3.0e38;

/// The smaller of two.
#[cube]
fn at_most(number: usize, most: usize) -> usize {
    let mut smaller = number;
    if smaller > most {
        smaller = most;
    }
    smaller
}

/// Whether the caption of a row has ended before.
#[cube]
fn has_ended(before: &Buffer<i32>, row: usize, #[comptime] has_before: bool) -> bool {
    let mut has_ended = false;
    if has_before {
        has_ended = before[row] <= 0i32;
    }
    has_ended
}

#[cube(launch)]
fn drawn(
    scores: &Buffer<f32>,
    uniforms: &Buffer<f32>,
    before: &Buffer<i32>,
    words: &mut Buffer<i32>,
    next: &mut Buffer<i32>,
    vocab: u32,
    first_number: u32,
    #[comptime] has_before: bool,
    #[comptime] units: usize,
) {
    let row = CUBE_POS;
    if row >= words.len() {
        terminate!();
    }
    let unit = UNIT_POS_X as usize;
    // The whole cube leaves, before its units meet.
    if has_ended(before, row, has_before) {
        if unit == 0 {
            put(words, next, row, i32::cast_from(0i32));
        }
        terminate!();
    }
    let units_of = units.runtime();
    let vocab = vocab as usize;
    let at = row * scores.stride(0);
    // A unit has a block of words that follow one another.
    let block = vocab.div_ceil(units_of);
    let first = at_most(unit * block, vocab);
    let last = at_most(first + block, vocab);
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
            let mut left = uniforms[first_number as usize + row] * z;
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
        put(words, next, row, chosen);
    }
}

/// Writes the word of a row, and what the next step reads.
#[cube]
fn put(words: &mut Buffer<i32>, next: &mut Buffer<i32>, row: usize, word: i32) {
    words[row] = word;
    let mut read = word;
    if word < 0i32 {
        read = i32::cast_from(0i32);
    }
    next[row] = read;
}

#[cube(launch)]
fn best(
    scores: &Buffer<f32>,
    allowed: &Buffer<f32>,
    before: &Buffer<i32>,
    words: &mut Buffer<i32>,
    next: &mut Buffer<i32>,
    #[comptime] has_before: bool,
    #[comptime] units: usize,
) {
    let row = CUBE_POS;
    if row >= words.len() {
        terminate!();
    }
    let unit = UNIT_POS_X as usize;
    // The whole cube leaves, before its units meet.
    if has_ended(before, row, has_before) {
        if unit == 0 {
            put(words, next, row, i32::cast_from(0i32));
        }
        terminate!();
    }
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
        put(words, next, row, word);
    }
}

/// One cube: every unit counts the open rows of a block of rows that follow one another, then puts them behind those of the
/// blocks before.
#[cube(launch)]
fn opened(words: &Buffer<i32>, order: &mut Buffer<i32>, #[comptime] units: usize) {
    let unit = UNIT_POS_X as usize;
    let units_of = units.runtime();
    let rows = words.len();
    let block = rows.div_ceil(units_of);
    let first = at_most(unit * block, rows);
    let last = at_most(first + block, rows);
    let mut counts = Shared::<[u32]>::new_slice(units);
    let mut own = 0u32;
    let mut row = first;
    while row < last {
        if words[row] > 0i32 {
            own += 1u32;
        }
        row += 1;
    }
    counts[unit] = own;
    sync_cube();
    let mut before = 0usize;
    let mut all = 0usize;
    let mut j = 0usize;
    while j < units_of {
        if j < unit {
            before += counts[j] as usize;
        }
        all += counts[j] as usize;
        j += 1;
    }
    let mut open = before;
    let mut ended = all + first - before;
    let mut row = first;
    while row < last {
        if words[row] > 0i32 {
            order[open] = i32::cast_from(row as u32);
            open += 1;
        } else {
            order[ended] = i32::cast_from(row as u32);
            ended += 1;
        }
        row += 1;
    }
    if unit == 0 {
        order[rows] = i32::cast_from(all as u32);
    }
}

impl Words for CubeBackend {
    fn draw_words(
        scores: FloatTensor<Self>,
        uniforms: FloatTensor<Self>,
        before: IntTensor<Self>,
        first: usize,
        has_before: bool,
    ) -> (IntTensor<Self>, IntTensor<Self>) {
        let (scores, uniforms) = (rows_in_place(scores), into_contiguous(uniforms));
        let [rows, vocab] = scores.meta.shape().dims();
        let [words, next] = [(); 2].map(|()| empty(&scores, vec![rows], DType::I32));
        let (count, dim) = cube_a_row(rows);
        let client = scores.client.clone();
        drawn::launch(
            &client,
            count,
            dim,
            scores.into_tensor_arg(),
            uniforms.into_tensor_arg(),
            before.into_tensor_arg(),
            words.clone().into_tensor_arg(),
            next.clone().into_tensor_arg(),
            vocab as u32,
            first as u32,
            has_before,
            UNITS,
        );
        (words, next)
    }

    fn best_words(
        scores: FloatTensor<Self>,
        allowed: FloatTensor<Self>,
        before: IntTensor<Self>,
        has_before: bool,
    ) -> (IntTensor<Self>, IntTensor<Self>) {
        let (scores, allowed) = (rows_in_place(scores), into_contiguous(allowed));
        let [rows, _] = scores.meta.shape().dims::<2>();
        let [words, next] = [(); 2].map(|()| empty(&scores, vec![rows], DType::I32));
        let (count, dim) = cube_a_row(rows);
        let client = scores.client.clone();
        best::launch(
            &client,
            count,
            dim,
            scores.into_tensor_arg(),
            allowed.into_tensor_arg(),
            before.into_tensor_arg(),
            words.clone().into_tensor_arg(),
            next.clone().into_tensor_arg(),
            has_before,
            UNITS,
        );
        (words, next)
    }

    fn open_rows(words: IntTensor<Self>) -> IntTensor<Self> {
        let [rows] = words.meta.shape().dims();
        let order = empty(&words, vec![rows + 1], DType::I32);
        let client = words.client.clone();
        opened::launch(
            &client,
            CubeCount::Static(1, 1, 1),
            CubeDim::new_1d(UNITS as u32),
            words.into_tensor_arg(),
            order.clone().into_tensor_arg(),
            UNITS,
        );
        order
    }
}
