//! The gradients at the state after a step, from its output and from the step behind it.

use burn::tensor::{Tensor, s};
#[cfg(feature = "cube")]
use scst_kernels::cube;

use crate::{dropout::apply, rows::scatter_rows};

/// What a step hands to the one before it.
pub(crate) struct StateGradient {
    /// At `h`, `[rows, hidden]`.
    pub(crate) hidden: Tensor<2>,
    /// At `c` and what stands behind it, `[rows, columns]`.
    pub(crate) cell: Tensor<2>,
    /// The rows of the step before that it went on with; all of them if `None`.
    pub(crate) kept: Option<Vec<usize>>,
}

impl StateGradient {
    /// At `h` and `c` of all `rows` of the step before.
    pub(crate) fn at_rows(self, rows: usize) -> (Tensor<2>, Tensor<2>) {
        match &self.kept {
            None => (self.hidden, self.cell),
            Some(kept) => (
                scatter_rows(self.hidden, kept, rows),
                scatter_rows(self.cell, kept, rows),
            ),
        }
    }
}

/// `d_output mask + dh` and `dc`, those of the step behind, if there is one: `[rows, hidden]` and `[rows, cell_columns]`.
///
/// `d_outputs`: at the outputs of all steps, packed, of which those from `first` on are the step's.
pub(crate) fn state_gradient(
    d_outputs: &Tensor<2>,
    first: usize,
    mask: Option<&Tensor<2>>,
    later: Option<StateGradient>,
    [rows, cell_columns]: [usize; 2],
) -> (Tensor<2>, Tensor<2>) {
    #[cfg(feature = "cube")]
    if cube::runs_on(&d_outputs.device(), d_outputs.dtype()) {
        let later = later.as_ref().map(|later| cube::state_gradient::Later {
            hidden: later.hidden.clone(),
            cell: later.cell.clone(),
            kept: later.kept.as_deref(),
        });
        let sizes = [rows, cell_columns];
        let (d_outputs, mask) = (d_outputs.clone(), mask.cloned());
        return cube::state_gradient::state_gradient(d_outputs, first, mask, later, sizes);
    }
    let d_output = apply(d_outputs.clone().slice(s![first..first + rows]), mask);
    match later.map(|later| later.at_rows(rows)) {
        Some((dh, dc)) => (d_output + dh, dc),
        None => {
            let place = (&d_output.device(), d_output.dtype());
            let dc = Tensor::zeros([rows, cell_columns], place);
            (d_output, dc)
        }
    }
}
