//! Products with a matrix that many are taken with: the weights of a step that is repeated.
//!
//! General products lay out both matrices anew every time, which for the rows of one step costs as much as the
//! multiplications. Here the matrix is laid out once.

use std::hint::black_box;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Values of a cache line.
const LINE: usize = 16;

/// Columns of a task.
const PANEL: usize = 64;

/// Rows of a task.
const ROWS: usize = 96;

/// Multiplications from which threads share a product.
const PARALLEL: usize = 1 << 18;

#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// A matrix, `[inner, columns]`, laid out for products with it.
///
/// Its columns stand in strips as wide as the registers that sums of a row are kept in, one strip behind the other, each
/// row after row, the last one filled up with zeros.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    inner: usize,
    columns: usize,
    /// Cache lines of a row of a strip.
    width: usize,
    lines: Vec<Line>,
}

impl Packed {
    /// Lays out `w`, `[inner, columns]`.
    ///
    /// # Panics
    /// When `w` has another number of values.
    pub(super) fn new(w: &[f32], [inner, columns]: [usize; 2]) -> Self {
        assert_eq!(w.len(), inner * columns, "values of a matrix");
        Self::of_lines([inner, columns], |row, first| {
            let mut line = Line([0.0; LINE]);
            let from = w[row * columns..][..columns].get(first..).unwrap_or(&[]);
            for (to, from) in line.0.iter_mut().zip(from) {
                *to = *from;
            }
            line
        })
    }

    /// Lays out the transpose of `w`, `[columns, inner]`.
    ///
    /// # Panics
    /// When `w` has another number of values.
    pub(super) fn transposed(w: &[f32], [columns, inner]: [usize; 2]) -> Self {
        assert_eq!(w.len(), inner * columns, "values of a matrix");
        let mut packed = Self::of_lines([inner, columns], |_, _| Line([0.0; LINE]));
        let width = packed.width;
        let strips = packed.lines.chunks_mut((width * inner).max(1));
        for (strip, lines) in strips.enumerate() {
            // Blocks of as many rows as a line has values: both matrices are gone through by cache lines.
            for (block, lines) in lines.chunks_mut(width * LINE).enumerate() {
                for column in 0..width * LINE {
                    let from = strip * width * LINE + column;
                    let (part, column) = (column / LINE, column % LINE);
                    if from == columns {
                        break;
                    }
                    let from = &w[from * inner + block * LINE..(from + 1) * inner];
                    for (line, value) in lines.chunks_exact_mut(width).zip(from) {
                        line[part].0[column] = *value;
                    }
                }
            }
        }
        packed
    }

    /// `line`: the values of a row from a column on, 0 where there is no column.
    fn of_lines([inner, columns]: [usize; 2], line: impl Fn(usize, usize) -> Line) -> Self {
        let width = Arch::new().dispatch(Width);
        let strips = columns.div_ceil(width * LINE);
        let mut lines = Vec::with_capacity(strips * inner * width);
        for strip in 0..strips {
            for row in 0..inner {
                lines.extend((0..width).map(|part| line(row, (strip * width + part) * LINE)));
            }
        }
        Self {
            inner,
            columns,
            width,
            lines,
        }
    }

    /// Columns of the matrix.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }
}

/// `y = x W`, or `y = x W + b`.
///
/// Every value is a sum in the order of the columns of `x`, the bias last, whatever the number of rows: a row's bits do
/// not depend on what other rows there are, nor on the number of threads. Multiplications and additions are fused where
/// the machine can.
///
/// # Shapes
/// `x`: `[rows, inner]`; `w`: `[inner, columns]`; `bias`: `[columns]`; `y`: `[rows, columns]`.
///
/// # Panics
/// When the sizes do not fit.
pub(super) fn product(x: &[f32], w: &Packed, bias: Option<&[f32]>, y: &mut [f32]) {
    let Packed { inner, columns, .. } = *w;
    if columns == 0 {
        return;
    }
    let rows = y.len() / columns;
    assert_eq!(y.len(), rows * columns, "values of a product");
    assert_eq!(x.len(), rows * inner, "values of the rows of a product");
    assert!(
        bias.is_none_or(|bias| bias.len() == columns),
        "values of a bias"
    );
    let mut tasks = Vec::with_capacity(rows.div_ceil(ROWS) * columns.div_ceil(PANEL));
    for (chunk, y) in y.chunks_mut(ROWS * columns).enumerate() {
        let of_task = y.len() / columns;
        let first = tasks.len();
        tasks.extend((0..columns).step_by(PANEL).map(|column| Task {
            w,
            bias,
            x: &x[chunk * ROWS * inner..][..of_task * inner],
            column,
            y: Vec::with_capacity(of_task),
        }));
        for row in y.chunks_mut(columns) {
            for (task, piece) in tasks[first..].iter_mut().zip(row.chunks_mut(PANEL)) {
                task.y.push(piece);
            }
        }
    }
    if rows * inner * columns < PARALLEL {
        tasks.into_iter().for_each(Task::run);
    } else {
        tasks.into_par_iter().for_each(Task::run);
    }
}

/// Cache lines of a row of a strip: what leaves registers for the values of a row and of a column.
struct Width;

impl WithSimd for Width {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        if S::REGISTER_COUNT >= 32 && S::F32_LANES == LINE {
            2
        } else {
            1
        }
    }
}

/// Some rows times some columns.
struct Task<'a> {
    w: &'a Packed,
    bias: Option<&'a [f32]>,
    /// `[rows, inner]`.
    x: &'a [f32],
    /// The first of the columns.
    column: usize,
    /// The columns of every row.
    y: Vec<&'a mut [f32]>,
}

impl Task<'_> {
    fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (self.w.width, S::F32_LANES) {
            (1, 16) => self.strips::<S, 1, 1>(simd),
            (1, 8) => self.strips::<S, 1, 2>(simd),
            (1, 4) => self.strips::<S, 1, 4>(simd),
            (1, _) => self.strips::<S, 1, 16>(simd),
            _ => self.strips::<S, 2, 2>(simd),
        }
    }
}

impl Task<'_> {
    #[inline(always)]
    fn strips<S: Simd, const WIDTH: usize, const VECTORS: usize>(mut self, simd: S) {
        let inner = self.w.inner;
        let rows = self.y.len();
        // Blocks as equal as they can be: few rows hide less of the latency of additions.
        let blocks = rows.div_ceil(if WIDTH == 2 { 12 } else { 6 });
        let width = self.y[0].len();
        for first in (0..width).step_by(WIDTH * LINE) {
            let strip = (self.column + first) / (WIDTH * LINE);
            let lines = &self.w.lines[strip * inner * WIDTH..][..inner * WIDTH];
            let (w, _) = lines.as_chunks::<WIDTH>();
            let bias = self.bias.map(|bias| &bias[self.column + first..]);
            for block in 0..blocks {
                let (from, to) = (rows * block / blocks, rows * (block + 1) / blocks);
                let x = &self.x[from * inner..to * inner];
                let y = &mut self.y[from..to];
                macro_rules! multiply_by_rows {
                    ($($rows:literal)*) => {
                        match y.len() {
                            $($rows => multiply::<S, WIDTH, VECTORS, $rows>(simd, x, w, bias, y, first),)*
                            _ => unreachable!("blocks have no more rows"),
                        }
                    };
                }
                if WIDTH == 2 {
                    multiply_by_rows!(1 2 3 4 5 6 7 8 9 10 11 12);
                } else {
                    multiply_by_rows!(1 2 3 4 5 6);
                }
            }
        }
    }
}

/// Columns of `x` that are gone through without a look at their bounds.
const STRETCH: usize = 16;

/// `ROWS` rows times a strip, into the columns of `y` from `first` on.
///
/// The sums stay in registers only where nothing takes their address, and adapters of iterators, which need not be
/// inlined, do: hence the plain loops.
#[inline(always)]
fn multiply<S: Simd, const WIDTH: usize, const VECTORS: usize, const ROWS: usize>(
    simd: S,
    x: &[f32],
    w: &[[Line; WIDTH]],
    bias: Option<&[f32]>,
    y: &mut [&mut [f32]],
    first: usize,
) {
    let inner = w.len();
    let of_line = LINE / S::F32_LANES;
    let mut rows: [&[[f32; STRETCH]]; ROWS] = [&[]; ROWS];
    let mut rests = [[0.0; STRETCH]; ROWS];
    for row in 0..ROWS {
        let (whole, rest) = x[row * inner..][..inner].as_chunks();
        rows[row] = whole;
        rests[row][..rest.len()].copy_from_slice(rest);
    }
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    for first in (0..inner).step_by(STRETCH) {
        let mut x = [&[0.0; STRETCH]; ROWS];
        for row in 0..ROWS {
            x[row] = match rows[row].get(first / STRETCH) {
                Some(whole) => whole,
                None => &rests[row],
            };
        }
        let w = &w[first..];
        for k in 0..w.len().min(STRETCH) {
            let mut of_row = [simd.splat_f32s(0.0); VECTORS];
            for vector in 0..VECTORS {
                let (line, _) = S::as_simd_f32s(&w[k][vector / of_line].0);
                of_row[vector] = line[vector % of_line];
            }
            for row in 0..ROWS {
                let x = simd.splat_f32s(x[row][k]);
                for vector in 0..VECTORS {
                    sums[row][vector] = simd.mul_add_e_f32s(x, of_row[vector], sums[row][vector]);
                }
            }
        }
    }
    // Whatever takes the address of the sums would keep them in memory during the loops.
    let sums = black_box(sums);
    for row in 0..ROWS {
        let mut lines = [Line([0.0; LINE]); WIDTH];
        for vector in 0..VECTORS {
            let (line, _) = S::as_mut_simd_f32s(&mut lines[vector / of_line].0);
            line[vector % of_line] = sums[row][vector];
        }
        let to = &mut y[row][first..];
        let width = to.len().min(WIDTH * LINE);
        for (part, line) in lines.iter_mut().enumerate().take(width.div_ceil(LINE)) {
            let columns = part * LINE..width.min((part + 1) * LINE);
            if let Some(bias) = bias {
                for (sum, bias) in line.0.iter_mut().zip(&bias[columns.clone()]) {
                    *sum += *bias;
                }
            }
            let to = &mut to[columns];
            match to.first_chunk_mut() {
                Some(to) => *to = line.0,
                None => to.copy_from_slice(&line.0[..to.len()]),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(count: usize, seed: usize) -> Vec<f32> {
        (0..count)
            .map(|k| ((k * 37 + seed * 11) % 101) as f32 / 50.0 - 1.0)
            .collect()
    }

    fn product_of_64_bits(x: &[f32], w: &[f32], bias: &[f32], inner: usize) -> Vec<f64> {
        let columns = bias.len();
        let value = |row: usize, column: usize| {
            let terms = (0..inner)
                .map(|k| f64::from(x[row * inner + k]) * f64::from(w[k * columns + column]));
            terms.sum::<f64>() + f64::from(bias[column])
        };
        let rows = x.len() / inner.max(1);
        (0..rows)
            .flat_map(|row| (0..columns).map(move |column| (row, column)))
            .map(|(row, column)| value(row, column))
            .collect()
    }

    fn transpose(w: &[f32], [rows, columns]: [usize; 2]) -> Vec<f32> {
        (0..columns)
            .flat_map(|column| (0..rows).map(move |row| w[row * columns + column]))
            .collect()
    }

    #[test]
    fn products_equal_those_of_64_bits() {
        let sizes = [
            (1, 1, 1),
            (1, 40, 64),
            (2, 7, 63),
            (6, 33, 65),
            (7, 16, 16),
            (13, 5, 200),
            (97, 12, 130),
            (200, 64, 48),
        ];
        for (rows, inner, columns) in sizes {
            let (x, w, bias) = (
                values(rows * inner, 1),
                values(inner * columns, 2),
                values(columns, 3),
            );
            let expected = product_of_64_bits(&x, &w, &bias, inner);
            let packed = Packed::new(&w, [inner, columns]);
            let turned = Packed::transposed(&transpose(&w, [inner, columns]), [columns, inner]);
            let mut found = [
                vec![f32::NAN; rows * columns],
                vec![f32::NAN; rows * columns],
            ];
            product(&x, &packed, Some(&bias), &mut found[0]);
            product(&x, &turned, Some(&bias), &mut found[1]);
            assert_eq!(found[0], found[1], "{rows} {inner} {columns}");
            for (found, expected) in found[0].iter().zip(&expected) {
                assert!(
                    (f64::from(*found) - expected).abs() < 2e-5,
                    "{rows} {inner} {columns}: {found} {expected}"
                );
            }
        }
    }

    #[test]
    fn bits_of_a_row_do_not_depend_on_the_other_rows() {
        let (rows, inner, columns) = (203, 77, 150);
        let (x, w) = (values(rows * inner, 1), values(inner * columns, 2));
        let w = Packed::new(&w, [inner, columns]);
        let mut all = vec![0.0; rows * columns];
        product(&x, &w, None, &mut all);
        let mut alone = vec![0.0; columns];
        for row in 0..rows {
            product(&x[row * inner..][..inner], &w, None, &mut alone);
            assert_eq!(alone, all[row * columns..][..columns], "row {row}");
        }
    }

    #[test]
    fn a_product_over_no_columns_is_the_bias() {
        let mut y = vec![f32::NAN; 6];
        product(
            &[],
            &Packed::new(&[], [0, 3]),
            Some(&[1.0, 2.0, 3.0]),
            &mut y,
        );
        assert_eq!(y, [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
        product(&[], &Packed::new(&[], [4, 0]), None, &mut []);
    }
}
