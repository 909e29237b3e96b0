//! The LSTM cell and its backward pass.

use burn::tensor::{Tensor, activation::sigmoid};
use scst_kernels::{
    host::{Values, View, is_host},
    lstm as kernel,
};

#[cfg(feature = "cube")]
use scst_kernels::cube;
pub(crate) use scst_kernels::lstm::Candidate;

/// What the backward pass of one step needs.
#[derive(Debug, Clone)]
pub(crate) struct CellRecord {
    /// `i, f, o, g` and, for maxout, whether `g` is `a_g`: `[rows, blocks hidden]`.
    gates: Tensor<2>,
    /// `[rows, hidden]`.
    c_before: Tensor<2>,
    /// `[rows, hidden]`.
    tanh_c: Tensor<2>,
}

/// The gate inputs of a step, of which a kernel adds up the parts.
#[derive(Debug)]
pub(crate) struct GateInputs {
    /// `[rows, blocks hidden]`.
    pub(crate) a: Tensor<2>,
    /// Likewise; 0 if absent.
    pub(crate) recurrent: Option<Tensor<2>>,
    /// What comes on top in the last columns, `[rows, columns]`; 0 if absent.
    pub(crate) entering: Option<Tensor<2>>,
}

impl From<Tensor<2>> for GateInputs {
    fn from(a: Tensor<2>) -> Self {
        Self {
            a,
            recurrent: None,
            entering: None,
        }
    }
}

impl GateInputs {
    fn sum(self) -> Tensor<2> {
        let sums = match self.recurrent {
            Some(recurrent) => self.a + recurrent,
            None => self.a,
        };
        let Some(entering) = self.entering else {
            return sums;
        };
        let columns = entering.dims()[1];
        match sums.dims()[1] - columns {
            0 => sums + entering,
            others => {
                let entered = sums.clone().narrow(1, others, columns) + entering;
                Tensor::cat(vec![sums.narrow(1, 0, others), entered], 1)
            }
        }
    }
}

/// One step of the LSTM (Hochreiter and Schmidhuber 1997, with forget gate) from its gate inputs.
///
/// ```text
/// i, f, o = sigmoid(a_i, a_f, a_o),   g = tanh(a_g) or, for maxout, max(a_g, a_k)
/// c = f c' + i g,   h = o tanh(c)
/// ```
///
/// # Shapes
/// `a`: `[rows, blocks hidden]`, `c_before`: `[rows, hidden]`; returns `h`, `c` and the record.
pub(crate) fn cell(
    candidate: Candidate,
    a: impl Into<GateInputs>,
    c_before: Tensor<2>,
) -> (Tensor<2>, Tensor<2>, CellRecord) {
    let inputs = a.into();
    #[cfg(feature = "cube")]
    if cube::runs_on(&inputs.a.device(), inputs.a.dtype()) {
        let GateInputs {
            a,
            recurrent,
            entering,
        } = inputs;
        let found = cube::lstm::cell(candidate, a, recurrent, entering, c_before.clone());
        let record = CellRecord {
            gates: found.gates,
            c_before,
            tanh_c: found.tanh_cell,
        };
        return (found.output, found.cell, record);
    }
    let a = inputs.sum();
    if is_host(&a.device(), a.dtype()) {
        return cell_on_host(candidate, a, c_before);
    }
    let [_, hidden] = c_before.dims();
    let [i, f, o] = [0, 1, 2].map(|k| sigmoid(a.clone().narrow(1, k * hidden, hidden)));
    let a_g = a.clone().narrow(1, 3 * hidden, hidden);
    let (g, is_g) = match candidate {
        Candidate::Tanh => (a_g.tanh(), None),
        Candidate::Maxout => {
            let a_k = a.narrow(1, 4 * hidden, hidden);
            let is_g = a_g.clone().greater_equal(a_k.clone());
            (a_k.mask_where(is_g.clone(), a_g), Some(is_g))
        }
    };
    let c = f.clone() * c_before.clone() + i.clone() * g.clone();
    let tanh_c = c.clone().tanh();
    let h = o.clone() * tanh_c.clone();
    let mut gates = vec![i, f, o, g];
    gates.extend(is_g.map(|is_g| is_g.float().cast(h.dtype())));
    let record = CellRecord {
        gates: Tensor::cat(gates, 1),
        c_before,
        tanh_c,
    };
    (h, c, record)
}

fn cell_on_host(
    candidate: Candidate,
    a: Tensor<2>,
    c_before: Tensor<2>,
) -> (Tensor<2>, Tensor<2>, CellRecord) {
    let (device, shape) = (c_before.device(), c_before.dims());
    let (mut gates, before) = (Values::take(a), Values::take(c_before));
    let [mut c, mut tanh_c, mut h] = [0, 1, 2].map(|_| Values::zeros(shape));
    kernel::cell(
        candidate,
        shape[1],
        gates.get_mut(),
        before.get(),
        c.get_mut(),
        tanh_c.get_mut(),
        h.get_mut(),
    );
    let record = CellRecord {
        gates: gates.into_tensor(&device),
        c_before: before.into_tensor(&device),
        tanh_c: tanh_c.into_tensor(&device),
    };
    (h.into_tensor(&device), c.into_tensor(&device), record)
}

/// The gradients of one step: `dL/da`, `[rows, blocks hidden]`, and `dL/dc'`, `[rows, hidden]`.
///
/// ```text
/// dc    = dc_after + dh o (1 - tanh(c)^2),   dc' = dc f
/// da_i  = dc g i (1 - i)          da_f = dc c' f (1 - f)         da_o  = dh tanh(c) o (1 - o)
/// da_g  = dc i (1 - g^2)          or, for maxout, da_g = dc i [g = a_g],   da_k = dc i [g = a_k]
/// ```
pub(crate) fn cell_backward(
    candidate: Candidate,
    record: CellRecord,
    dh: Tensor<2>,
    dc_after: Tensor<2>,
) -> (Tensor<2>, Tensor<2>) {
    if is_host(&dh.device(), dh.dtype()) {
        return cell_backward_on_host(candidate, record, dh, dc_after);
    }
    let CellRecord {
        gates,
        c_before,
        tanh_c,
    } = record;
    #[cfg(feature = "cube")]
    if cube::runs_on(&dh.device(), dh.dtype()) {
        return cube::lstm::cell_backward(candidate, gates, c_before, tanh_c, dh, dc_after);
    }
    let [_, hidden] = tanh_c.dims();
    let [i, f, o, g] = [0, 1, 2, 3].map(|k| gates.clone().narrow(1, k * hidden, hidden));
    let dc = dc_after + dh.clone() * o.clone() * one_minus(tanh_c.clone().square());
    let da_i = dc.clone() * g.clone() * i.clone() * one_minus(i.clone());
    let da_f = dc.clone() * c_before * f.clone() * one_minus(f.clone());
    let da_o = dh * tanh_c * o.clone() * one_minus(o);
    let dg = dc.clone() * i;
    let mut da = vec![da_i, da_f, da_o];
    match candidate {
        Candidate::Tanh => da.push(dg * one_minus(g.square())),
        Candidate::Maxout => {
            let is_g = gates.narrow(1, 4 * hidden, hidden);
            da.extend([dg.clone() * is_g.clone(), dg * one_minus(is_g)]);
        }
    }
    (Tensor::cat(da, 1), dc * f)
}

fn cell_backward_on_host(
    candidate: Candidate,
    record: CellRecord,
    dh: Tensor<2>,
    dc_after: Tensor<2>,
) -> (Tensor<2>, Tensor<2>) {
    let (device, [_, hidden]) = (dh.device(), dh.dims());
    let (mut gates, mut dc) = (Values::take(record.gates), Values::take(dc_after));
    kernel::cell_backward(
        candidate,
        hidden,
        gates.get_mut(),
        View::of(record.c_before).get(),
        View::of(record.tanh_c).get(),
        View::of(dh).get(),
        dc.get_mut(),
    );
    (gates.into_tensor(&device), dc.into_tensor(&device))
}

fn one_minus(x: Tensor<2>) -> Tensor<2> {
    x.neg().add_scalar(1.0)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, TensorData};

    use super::*;

    fn values(rows: usize, columns: usize, dtype: DType, seed: usize) -> Tensor<2> {
        let value = |k: usize| ((k * 37 + seed * 11) % 101) as f64 / 25.0 - 2.0;
        let data = TensorData::new(
            (0..rows * columns).map(value).collect::<Vec<f64>>(),
            [rows, columns],
        );
        Tensor::from_data(data, (&Device::flex(), dtype))
    }

    /// Output, cell, gradients at the gates and at the cell before.
    fn run(candidate: Candidate, dtype: DType) -> Vec<Vec<f64>> {
        let (rows, hidden) = (19, 13);
        let tensor = |columns, seed| values(rows, columns, dtype, seed);
        let a = tensor(candidate.blocks() * hidden, 1);
        let (h, c, record) = cell(candidate, a, tensor(hidden, 2));
        let (da, dc) = cell_backward(candidate, record, tensor(hidden, 3), tensor(hidden, 4));
        [h, c, da, dc].map(|t| t.try_into_vec_as().unwrap()).into()
    }

    #[test]
    fn cell_on_the_host_equals_tensor_operations_of_64_bits() {
        assert!(is_host(&Device::flex(), DType::F32) && !is_host(&Device::flex(), DType::F64));
        for candidate in [Candidate::Tanh, Candidate::Maxout] {
            let (found, expected) = (run(candidate, DType::F32), run(candidate, DType::F64));
            for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
                assert!((found - expected).abs() < 2e-6, "{found} {expected}");
            }
        }
    }
}
