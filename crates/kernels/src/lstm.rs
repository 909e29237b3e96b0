//! The LSTM cell, forward and backward, over all rows in one pass.

use rayon::prelude::*;

use crate::simd::{sigmoid, tanh, vectorised};

/// Rows of a task.
const ROWS: usize = 8;

/// What the cell makes of its candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Candidate {
    /// `g = tanh(a_g)`.
    Tanh,
    /// `g = max(a_g, a_k)`, the maxout of two halves (Rennie et al. 2017, section 3.2).
    Maxout,
}

impl Candidate {
    /// Columns of the gate inputs, in units of `hidden`.
    pub fn blocks(self) -> usize {
        match self {
            Self::Tanh => 4,
            Self::Maxout => 5,
        }
    }
}

/// One step of the cell from its gate inputs, which become the gates.
///
/// ```text
/// i, f, o = sigmoid(a_i, a_f, a_o),   g = tanh(a_g) or max(a_g, a_k)
/// c = f c' + i g,   h = o tanh(c)
/// ```
///
/// # Shapes
/// `gates`: `[rows, blocks hidden]`, in the order i, f, o, g and, for maxout, k; on return the activated gates, where
/// k tells whether `g` is `a_g` (1) or `a_k` (0). `cell_before`, `cell`, `tanh_cell`, `output`: `[rows, hidden]`.
///
/// # Panics
/// When the lengths do not fit together.
pub fn cell(
    candidate: Candidate,
    hidden: usize,
    gates: &mut [f32],
    cell_before: &[f32],
    cell: &mut [f32],
    tanh_cell: &mut [f32],
    output: &mut [f32],
) {
    let blocks = candidate.blocks();
    let units = gates.len() / blocks;
    let lengths = [units, cell.len(), tanh_cell.len(), output.len()];
    assert_eq!(lengths, [cell_before.len(); 4], "one element a unit");
    let block = ROWS * hidden;
    gates
        .par_chunks_mut(blocks * block)
        .zip(cell_before.par_chunks(block))
        .zip(cell.par_chunks_mut(block))
        .zip(tanh_cell.par_chunks_mut(block))
        .zip(output.par_chunks_mut(block))
        .for_each(|((((gates, before), cell), tanh_cell), output)| {
            let rows = gates
                .chunks_exact_mut(blocks * hidden)
                .zip(before.chunks_exact(hidden))
                .zip(cell.chunks_exact_mut(hidden))
                .zip(tanh_cell.chunks_exact_mut(hidden))
                .zip(output.chunks_exact_mut(hidden));
            for ((((gates, before), cell), tanh_cell), output) in rows {
                activate(candidate, hidden, gates);
                row(gates, before, cell, tanh_cell, output);
            }
        });
}

/// Gate inputs of a row to gates.
fn activate(candidate: Candidate, hidden: usize, gates: &mut [f32]) {
    let (ifo, candidates) = gates.split_at_mut(3 * hidden);
    vectorised(
        #[inline(always)]
        || {
            for gate in &mut *ifo {
                *gate = sigmoid(*gate);
            }
            match candidate {
                Candidate::Tanh => {
                    for g in &mut *candidates {
                        *g = tanh(*g);
                    }
                }
                Candidate::Maxout => {
                    let (g, k) = candidates.split_at_mut(hidden);
                    for (g, k) in g.iter_mut().zip(k) {
                        let is_g = *g >= *k;
                        *g = if is_g { *g } else { *k };
                        *k = f32::from(u8::from(is_g));
                    }
                }
            }
        },
    );
}

fn row(gates: &[f32], before: &[f32], cell: &mut [f32], tanh_cell: &mut [f32], output: &mut [f32]) {
    let hidden = before.len();
    let (i, rest) = gates.split_at(hidden);
    let (f, rest) = rest.split_at(hidden);
    let (o, g) = rest.split_at(hidden);
    vectorised(
        #[inline(always)]
        || {
            let gates = i.iter().zip(f).zip(o).zip(g);
            let results = cell.iter_mut().zip(&mut *tanh_cell).zip(&mut *output);
            for (((((i, f), o), g), &before), ((cell, tanh_cell), output)) in
                gates.zip(before).zip(results)
            {
                *cell = *f * before + *i * *g;
                *tanh_cell = tanh(*cell);
                *output = *o * *tanh_cell;
            }
        },
    );
}

/// The backward pass of [`cell`]: the gates become the gradients at the gate inputs, and `d_cell`, which comes in as
/// the gradient from the step after, becomes that for the step before.
///
/// ```text
/// dc    = dc_after + dh o (1 - tanh(c)^2),   dc' = dc f
/// da_i  = dc g i (1 - i)          da_f = dc c' f (1 - f)         da_o  = dh tanh(c) o (1 - o)
/// da_g  = dc i (1 - g^2)          or, for maxout, da_g = dc i [g = a_g],   da_k = dc i [g = a_k]
/// ```
///
/// # Shapes
/// `gates`: `[rows, blocks hidden]`; all else `[rows, hidden]`.
///
/// # Panics
/// When the lengths do not fit together.
pub fn cell_backward(
    candidate: Candidate,
    hidden: usize,
    gates: &mut [f32],
    cell_before: &[f32],
    tanh_cell: &[f32],
    d_output: &[f32],
    d_cell: &mut [f32],
) {
    let blocks = candidate.blocks();
    let lengths = [
        gates.len() / blocks,
        tanh_cell.len(),
        d_output.len(),
        d_cell.len(),
    ];
    assert_eq!(lengths, [cell_before.len(); 4], "one element a unit");
    let block = ROWS * hidden;
    gates
        .par_chunks_mut(blocks * block)
        .zip(cell_before.par_chunks(block))
        .zip(tanh_cell.par_chunks(block))
        .zip(d_output.par_chunks(block))
        .zip(d_cell.par_chunks_mut(block))
        .for_each(|((((gates, before), tanh_cell), d_output), d_cell)| {
            let rows = gates
                .chunks_exact_mut(blocks * hidden)
                .zip(before.chunks_exact(hidden))
                .zip(tanh_cell.chunks_exact(hidden))
                .zip(d_output.chunks_exact(hidden))
                .zip(d_cell.chunks_exact_mut(hidden));
            for ((((gates, before), tanh_cell), d_output), d_cell) in rows {
                row_backward(candidate, gates, before, tanh_cell, d_output, d_cell);
            }
        });
}

fn row_backward(
    candidate: Candidate,
    gates: &mut [f32],
    before: &[f32],
    tanh_cell: &[f32],
    d_output: &[f32],
    d_cell: &mut [f32],
) {
    let hidden = before.len();
    let (i, rest) = gates.split_at_mut(hidden);
    let (f, rest) = rest.split_at_mut(hidden);
    let (o, rest) = rest.split_at_mut(hidden);
    let (g, k) = rest.split_at_mut(hidden);
    vectorised(
        #[inline(always)]
        || {
            let gates = i.iter_mut().zip(&mut *f).zip(&mut *o).zip(&mut *g);
            let others = before.iter().zip(tanh_cell).zip(d_output).zip(&mut *d_cell);
            for ((((i, f), o), g), (((&before, &tanh_cell), &dh), d_cell)) in gates.zip(others) {
                let (vi, vf, vo, vg) = (*i, *f, *o, *g);
                let dc = *d_cell + dh * vo * (1.0 - tanh_cell * tanh_cell);
                *i = dc * vg * vi * (1.0 - vi);
                *f = dc * before * vf * (1.0 - vf);
                *o = dh * tanh_cell * vo * (1.0 - vo);
                *g = match candidate {
                    Candidate::Tanh => dc * vi * (1.0 - vg * vg),
                    Candidate::Maxout => dc * vi,
                };
                *d_cell = dc * vf;
            }
            for (g, k) in g.iter_mut().zip(&mut *k) {
                let (all, is_g) = (*g, *k);
                *g = all * is_g;
                *k = all - *g;
            }
        },
    );
}
