//! Products of bfloat16 with sums of 32 bits, by AVX-512 BF16.
//!
//! The instruction `vdpbf16ps` adds two products to a sum at a time, those of neighbours along the inner dimension. So both
//! matrices are rounded and laid out in pairs of neighbours first, rows of the left one and columns of the right one side by
//! side in panels; a tile of rows times columns then has its sums in registers for a block of the inner dimension.

use rayon::{current_num_threads, prelude::*};

use crate::simd::vectorised;

/// Pairs of a cache line, which a vector register holds.
const LANES: usize = 16;

/// Most rows of a tile: with a strip of columns, their sums leave registers for the operands.
const TILE_ROWS: usize = 14;

/// Cache lines of a strip of columns, a pair of neighbours.
const STRIP: usize = 2;

/// Columns of a strip.
const STRIP_COLUMNS: usize = STRIP * LANES;

/// Tiles of rows of a task: a block of them stays in the second cache.
const TASK_TILES: usize = 32;

/// Strips of columns of a task.
const TASK_STRIPS: usize = 8;

/// Multiplications from which threads share a product, and values from which they share a layout.
const PARALLEL: usize = 1 << 18;

/// A pair of neighbours of some rows or columns, the first one in the lower half.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([u32; LANES]);

/// Rows of a left, or columns of a right matrix, rounded to bfloat16: some of them a panel, which has lines for as many as
/// they can be for every pair of neighbours. An odd one out has a neighbour that is 0.
#[derive(Debug, Clone)]
struct Panels<const LINES: usize> {
    /// Rows or columns of a panel; the last one may have fewer.
    width: usize,
    panels: Vec<Vec<[Line; LINES]>>,
}

impl<const LINES: usize> Panels<LINES> {
    /// Of the rows of a matrix, `[lanes, inner]`, or, `across`, of the columns of one, `[inner, lanes]`.
    fn new(values: &[f32], [lanes, inner]: [usize; 2], across: bool, width: usize) -> Self {
        let panel = |panel: usize| {
            let first = panel * width;
            vectorised(|| {
                if across {
                    panel_across(values, [inner, lanes], first)
                } else {
                    let to = lanes.min(first + width);
                    panel_along(&values[first * inner..to * inner], inner)
                }
            })
        };
        let panels = 0..lanes.div_ceil(width);
        Self {
            width,
            panels: if values.len() < PARALLEL || current_num_threads() == 1 {
                panels.map(panel).collect()
            } else {
                panels.into_par_iter().map(panel).collect()
            },
        }
    }
}

/// Tiles of rows, as equal as they can be.
fn tiles(x: &[f32], [rows, inner]: [usize; 2], across: bool) -> Panels<1> {
    let tiles = rows.div_ceil(TILE_ROWS).max(1);
    Panels::new(x, [rows, inner], across, rows.div_ceil(tiles).max(1))
}

/// A panel of rows, `[lanes, inner]`.
#[inline(always)]
fn panel_along<const LINES: usize>(rows: &[f32], inner: usize) -> Vec<[Line; LINES]> {
    let pairs = inner.div_ceil(2);
    let mut lines = vec![[Line([0; LANES]); LINES]; pairs];
    for (lines, first) in lines.chunks_mut(LANES).zip((0..).step_by(2 * LANES)) {
        for (lane, row) in rows.chunks_exact(inner).enumerate() {
            let rest;
            let values = match row[first..].first_chunk() {
                Some(whole) => whole,
                None => {
                    rest = padded::<{ 2 * LANES }>(&row[first..]);
                    &rest
                }
            };
            let mut pairs = [0; LANES];
            for pair in 0..LANES {
                pairs[pair] = rounded_pair(values[2 * pair], values[2 * pair + 1]);
            }
            for (line, pair) in lines.iter_mut().zip(pairs) {
                line[lane / LANES].0[lane % LANES] = pair;
            }
        }
    }
    lines
}

/// A panel of columns of `values`, `[inner, lanes]`, from `first` on. Whatever stands where it has no column is of no
/// account.
#[inline(always)]
fn panel_across<const LINES: usize>(
    values: &[f32],
    [inner, lanes]: [usize; 2],
    first: usize,
) -> Vec<[Line; LINES]> {
    let values_of = |row: usize, line: usize| {
        let from = values.get(row * lanes + first + line * LANES..);
        from.filter(|_| row < inner).unwrap_or(&[])
    };
    let mut lines = Vec::with_capacity(inner.div_ceil(2));
    for pair in 0..inner.div_ceil(2) {
        let mut of_pair = [Line([0; LANES]); LINES];
        for (line, to) in of_pair.iter_mut().enumerate() {
            let (one, other) = (values_of(2 * pair, line), values_of(2 * pair + 1, line));
            let rest;
            let (one, other) = match (one.first_chunk(), other.first_chunk()) {
                (Some(one), Some(other)) => (one, other),
                _ => {
                    rest = [one, other].map(padded::<LANES>);
                    (&rest[0], &rest[1])
                }
            };
            for lane in 0..LANES {
                to.0[lane] = rounded_pair(one[lane], other[lane]);
            }
        }
        lines.push(of_pair);
    }
    lines
}

/// The first values, and 0 where there are no more.
#[inline(always)]
fn padded<const COUNT: usize>(values: &[f32]) -> [f32; COUNT] {
    let mut padded = [0.0; COUNT];
    let count = values.len().min(COUNT);
    padded[..count].copy_from_slice(&values[..count]);
    padded
}

#[inline(always)]
fn rounded_pair(first: f32, second: f32) -> u32 {
    (rounded(first) >> 16) | rounded(second)
}

/// The bits of the nearest bfloat16, that of two equally near ones whose last bit is 0, in the upper half.
#[inline(always)]
fn rounded(value: f32) -> u32 {
    let bits = value.to_bits();
    let nearest = bits.wrapping_add(0x7fff + ((bits >> 16) & 1));
    // Rounding could carry the payload of a NaN into an infinity; a quiet one has a bit that stays.
    let nearest = if value.is_nan() {
        bits | 0x0040_0000
    } else {
        nearest
    };
    nearest & 0xffff_0000
}

/// A matrix, `[inner, columns]`, rounded and laid out for products with it.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    inner: usize,
    columns: usize,
    strips: Panels<STRIP>,
}

impl Packed {
    /// Of `w`, `[inner, columns]`.
    pub(super) fn new(w: &[f32], [inner, columns]: [usize; 2]) -> Self {
        Self::of(w, [inner, columns], true)
    }

    /// Of the transpose of `w`, `[columns, inner]`.
    pub(super) fn transposed(w: &[f32], [columns, inner]: [usize; 2]) -> Self {
        Self::of(w, [inner, columns], false)
    }

    fn of(w: &[f32], [inner, columns]: [usize; 2], across: bool) -> Self {
        assert_eq!(w.len(), inner * columns, "values of a matrix");
        Self {
            inner,
            columns,
            strips: Panels::new(w, [columns, inner], across, STRIP_COLUMNS),
        }
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }
}

/// `y = x W`, or `y = x W + b`, of `x`, `[rows, inner]`.
pub(super) fn product(x: &[f32], w: &Packed, bias: Option<&[f32]>, y: &mut [f32]) {
    let rows = y.len() / w.columns.max(1);
    assert_eq!(y.len(), rows * w.columns, "values of a product");
    assert_eq!(x.len(), rows * w.inner, "values of the rows of a product");
    assert!(
        bias.is_none_or(|bias| bias.len() == w.columns),
        "values of a bias"
    );
    if !y.is_empty() {
        multiply(&tiles(x, [rows, w.inner], false), w, bias, y);
    }
}

/// `z = x^T y`, `[x_columns, y_columns]`, of `x`, `[rows, x_columns]`, and `y`, `[rows, y_columns]`.
pub(super) fn transposed_product(
    x: &[f32],
    y: &[f32],
    [rows, x_columns, y_columns]: [usize; 3],
    z: &mut [f32],
) {
    assert_eq!(x.len(), rows * x_columns, "values of the left matrix");
    assert_eq!(z.len(), x_columns * y_columns, "values of a product");
    let y = Packed::new(y, [rows, y_columns]);
    if !z.is_empty() {
        multiply(&tiles(x, [x_columns, rows], true), &y, None, z);
    }
}

/// `y`, not empty, `[rows, columns]`.
fn multiply(x: &Panels<1>, w: &Packed, bias: Option<&[f32]>, y: &mut [f32]) {
    let Packed { inner, columns, .. } = *w;
    let multiplications = y.len() * inner;
    let (task_rows, task_columns) = (TASK_TILES * x.width, TASK_STRIPS * STRIP_COLUMNS);
    let chunks = x.panels.len().div_ceil(TASK_TILES);
    let mut tasks = Vec::with_capacity(chunks * columns.div_ceil(task_columns));
    for (y, tiles) in y
        .chunks_mut(task_rows * columns)
        .zip(x.panels.chunks(TASK_TILES))
    {
        let first = tasks.len();
        let strips = w.strips.panels.chunks(TASK_STRIPS);
        tasks.extend(strips.enumerate().map(|(task, strips)| Task {
            tiles,
            tile_rows: x.width,
            strips,
            bias: bias.map(|bias| &bias[task * task_columns..]),
            y: Vec::with_capacity(y.len() / columns),
        }));
        for row in y.chunks_mut(columns) {
            for (task, piece) in tasks[first..].iter_mut().zip(row.chunks_mut(task_columns)) {
                task.y.push(piece);
            }
        }
    }
    if multiplications < PARALLEL || current_num_threads() == 1 {
        tasks.into_iter().for_each(Task::run);
    } else {
        tasks.into_par_iter().for_each(Task::run);
    }
}

/// Some rows times some columns.
struct Task<'a> {
    tiles: &'a [Vec<[Line; 1]>],
    /// Rows of a tile.
    tile_rows: usize,
    strips: &'a [Vec<[Line; STRIP]>],
    /// From the first of the columns on.
    bias: Option<&'a [f32]>,
    /// The columns of every row.
    y: Vec<&'a mut [f32]>,
}

/// Whether the machine has the instructions.
pub(super) fn is_available() -> bool {
    #[cfg(target_arch = "x86_64")]
    let found = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    let found = false;
    found
}

impl Task<'_> {
    fn run(mut self) {
        assert!(is_available(), "a processor with AVX-512 BF16");
        #[cfg(target_arch = "x86_64")]
        {
            #[expect(
                unsafe_code,
                reason = "what is compiled for instructions that not every machine has is unsafe to call"
            )]
            // SAFETY: the machine has the instructions that `x86::run` is compiled for, as has just been asserted.
            unsafe {
                x86::run(&mut self);
            }
        }
        if let Some(bias) = self.bias {
            for row in &mut self.y {
                for (y, bias) in row.iter_mut().zip(bias) {
                    *y += *bias;
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! What is compiled for AVX-512 BF16.

    use std::arch::x86_64::{
        __m512, __m512bh, _mm512_dpbf16_ps, _mm512_set1_epi32, _mm512_setzero_ps,
    };

    use bytemuck::cast;

    use super::{LANES, Line, STRIP, STRIP_COLUMNS, Task, padded};

    /// Pairs along the inner dimension for which a strip of columns stays in the first cache.
    const BLOCK: usize = 256;

    /// All tiles of a task. A tile's sums of a block of the inner dimension go on from those of the blocks before, so that
    /// their order does not depend on the blocks.
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(super) fn run(task: &mut Task<'_>) {
        let pairs = task.tiles.first().map_or(0, Vec::len);
        if pairs == 0 {
            task.y.iter_mut().for_each(|row| row.fill(0.0));
        }
        for first in (0..pairs).step_by(BLOCK) {
            let block = first..pairs.min(first + BLOCK);
            for (k, strip) in task.strips.iter().enumerate() {
                let strip = &strip[block.clone()];
                for (rows, y) in task.tiles.iter().zip(task.y.chunks_mut(task.tile_rows)) {
                    let (rows, place) = (&rows[block.clone()], (k * STRIP_COLUMNS, first == 0));
                    macro_rules! tile {
                        ($($rows:literal)*) => {
                            match y.len() {
                                $($rows => tile::<$rows>(rows, strip, place, y),)*
                                _ => unreachable!("tiles have no more rows"),
                            }
                        };
                    }
                    tile!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
                }
            }
        }
    }

    /// `ROWS` rows times a strip, in place of the columns of `y` from `column` on, or added to them.
    #[expect(
        clippy::needless_range_loop,
        reason = "what takes the address of the sums would keep them in memory during the loop"
    )]
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn tile<const ROWS: usize>(
        rows: &[[Line; 1]],
        strip: &[[Line; STRIP]],
        (column, is_first): (usize, bool),
        y: &mut [&mut [f32]],
    ) {
        let mut sums = [[_mm512_setzero_ps(); STRIP]; ROWS];
        if !is_first {
            for row in 0..ROWS {
                sums[row] = load(&y[row][column..]);
            }
        }
        for ([of_rows], of_columns) in rows.iter().zip(strip) {
            let mut columns: [__m512bh; STRIP] = [cast([0u32; LANES]); STRIP];
            for line in 0..STRIP {
                columns[line] = cast(of_columns[line].0);
            }
            for row in 0..ROWS {
                let x: __m512bh = cast(_mm512_set1_epi32(of_rows.0[row] as i32));
                for line in 0..STRIP {
                    sums[row][line] = _mm512_dpbf16_ps(sums[row][line], x, columns[line]);
                }
            }
        }
        for row in 0..ROWS {
            store(sums[row], &mut y[row][column..]);
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn load(from: &[f32]) -> [__m512; STRIP] {
        match from.first_chunk::<STRIP_COLUMNS>() {
            Some(whole) => cast(*whole),
            None => cast(padded::<STRIP_COLUMNS>(from)),
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn store(sums: [__m512; STRIP], to: &mut [f32]) {
        let sums: [f32; STRIP_COLUMNS] = cast(sums);
        match to.first_chunk_mut() {
            Some(to) => *to = sums,
            None => {
                let count = to.len();
                to.copy_from_slice(&sums[..count]);
            }
        }
    }
}
