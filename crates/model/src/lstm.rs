//! The LSTM cell and its backward pass.

use burn::tensor::{Tensor, activation::sigmoid};

/// What the backward pass of one step needs, each `[rows, hidden]`.
#[derive(Debug, Clone)]
pub(crate) struct CellRecord {
    i: Tensor<2>,
    f: Tensor<2>,
    o: Tensor<2>,
    g: Tensor<2>,
    c_before: Tensor<2>,
    tanh_c: Tensor<2>,
}

impl CellRecord {
    /// Zeros, `[rows, hidden]`.
    pub(crate) fn zeros(&self) -> Tensor<2> {
        self.o.zeros_like()
    }
}

/// One step of the LSTM (Hochreiter and Schmidhuber 1997, with forget gate) from its gate inputs.
///
/// ```text
/// a = [a_i, a_f, a_o, a_g] = x W_x + h' W_h + b
/// i, f, o = sigmoid(a_i, a_f, a_o),   g = tanh(a_g)
/// c = f c' + i g,   h = o tanh(c)
/// ```
///
/// # Shapes
/// `a`: `[rows, 4 hidden]`, `c_before`: `[rows, hidden]`; returns `h`, `c` and the record.
pub(crate) fn cell(a: Tensor<2>, c_before: Tensor<2>) -> (Tensor<2>, Tensor<2>, CellRecord) {
    let [_, hidden] = c_before.dims();
    let [a_i, a_f, a_o, a_g] = [0, 1, 2, 3].map(|k| a.clone().narrow(1, k * hidden, hidden));
    let (i, f, o, g) = (sigmoid(a_i), sigmoid(a_f), sigmoid(a_o), a_g.tanh());
    let c = f.clone() * c_before.clone() + i.clone() * g.clone();
    let tanh_c = c.clone().tanh();
    let h = o.clone() * tanh_c.clone();
    let record = CellRecord {
        i,
        f,
        o,
        g,
        c_before,
        tanh_c,
    };
    (h, c, record)
}

/// The gradients of one step: `dL/da`, `[rows, 4 hidden]`, and `dL/dc'`, `[rows, hidden]`.
///
/// ```text
/// dc    = dc_after + dh o (1 - tanh(c)^2)
/// da_i  = dc g i (1 - i)          da_f = dc c' f (1 - f)
/// da_o  = dh tanh(c) o (1 - o)    da_g = dc i (1 - g^2)
/// dc'   = dc f
/// ```
pub(crate) fn cell_backward(
    record: CellRecord,
    dh: Tensor<2>,
    dc_after: Tensor<2>,
) -> (Tensor<2>, Tensor<2>) {
    let CellRecord {
        i,
        f,
        o,
        g,
        c_before,
        tanh_c,
    } = record;
    let dc = dc_after + dh.clone() * o.clone() * one_minus(tanh_c.clone().square());
    let da_i = dc.clone() * g.clone() * i.clone() * one_minus(i.clone());
    let da_f = dc.clone() * c_before * f.clone() * one_minus(f.clone());
    let da_o = dh * tanh_c * o.clone() * one_minus(o);
    let da_g = dc.clone() * i * one_minus(g.square());
    (Tensor::cat(vec![da_i, da_f, da_o, da_g], 1), dc * f)
}

fn one_minus(x: Tensor<2>) -> Tensor<2> {
    x.neg().add_scalar(1.0)
}
