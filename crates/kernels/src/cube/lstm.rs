//! The LSTM cell, forward and backward: a launch each.

use burn::{
    backend::{
        Backend, Dispatch, backend_extension, fusion::custom::TensorSpec, tensor::FloatTensor,
    },
    tensor::Tensor,
};
use burn_cubecl::{
    CubeBackend,
    cubecl::{
        self,
        prelude::{Tensor as Buffer, *},
    },
    kernel::into_contiguous,
};

use super::{empty, one_each, rows_in_place};
use crate::lstm::Candidate;

/// What [`cell`] computes.
#[derive(Debug)]
pub struct Cell {
    /// `h`, `[rows, hidden]`.
    pub output: Tensor<2>,
    /// `c`, `[rows, hidden]`.
    pub cell: Tensor<2>,
    /// `tanh(c)`, `[rows, hidden]`.
    pub tanh_cell: Tensor<2>,
    /// The activated gates as on the host, `[rows, blocks hidden]`.
    pub gates: Tensor<2>,
}

/// One step of the cell, whose gate inputs are `a`, plus `recurrent` and, in the last columns, `entering`, where there are
/// such: [`lstm::cell`](crate::lstm::cell).
///
/// # Shapes
/// `a` and `recurrent`: `[rows, blocks hidden]`, `entering`: `[rows, at most blocks hidden]`, `before`: `[rows, hidden]`.
pub fn cell(
    candidate: Candidate,
    a: Tensor<2>,
    recurrent: Option<Tensor<2>>,
    entering: Option<Tensor<2>>,
    before: Tensor<2>,
) -> Cell {
    let is_maxout = candidate == Candidate::Maxout;
    let (is_sum, enters) = (recurrent.is_some(), entering.is_some());
    let (a, before) = (a.into_dispatch(), before.into_dispatch());
    let or_a = |tensor: Option<Tensor<2>>| tensor.map_or_else(|| a.clone(), Tensor::into_dispatch);
    let (recurrent, entering) = (or_a(recurrent), or_a(entering));
    let (output, cell, tanh_cell, gates) = <Dispatch as LstmCell>::lstm_cell(
        a, recurrent, entering, before, is_sum, enters, is_maxout,
    );
    Cell {
        output: Tensor::from_dispatch(output),
        cell: Tensor::from_dispatch(cell),
        tanh_cell: Tensor::from_dispatch(tanh_cell),
        gates: Tensor::from_dispatch(gates),
    }
}

/// Its backward pass: the gradients at the gate inputs, and at the cell before;
/// [`lstm::cell_backward`](crate::lstm::cell_backward).
///
/// # Shapes
/// `gates`: `[rows, blocks hidden]`, all others `[rows, hidden]`.
pub fn cell_backward(
    candidate: Candidate,
    gates: Tensor<2>,
    before: Tensor<2>,
    tanh_cell: Tensor<2>,
    d_output: Tensor<2>,
    d_cell: Tensor<2>,
) -> (Tensor<2>, Tensor<2>) {
    let (d_gates, d_before) = <Dispatch as LstmCell>::lstm_cell_backward(
        gates.into_dispatch(),
        before.into_dispatch(),
        tanh_cell.into_dispatch(),
        d_output.into_dispatch(),
        d_cell.into_dispatch(),
        candidate == Candidate::Maxout,
    );
    (
        Tensor::from_dispatch(d_gates),
        Tensor::from_dispatch(d_before),
    )
}

#[backend_extension(Cube, Fusion)]
trait LstmCell: Backend {
    #[fusion(meta = |a: &TensorSpec, _: &TensorSpec, _: &TensorSpec, before: &TensorSpec, _: &bool, _: &bool, _: &bool| (before.clone(), before.clone(), before.clone(), a.clone()))]
    fn lstm_cell(
        a: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        entering: FloatTensor<Self>,
        before: FloatTensor<Self>,
        is_sum: bool,
        enters: bool,
        is_maxout: bool,
    ) -> (
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
    );

    #[fusion(meta = |gates: &TensorSpec, before: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &bool| (gates.clone(), before.clone()))]
    fn lstm_cell_backward(
        gates: FloatTensor<Self>,
        before: FloatTensor<Self>,
        tanh_cell: FloatTensor<Self>,
        d_output: FloatTensor<Self>,
        d_cell: FloatTensor<Self>,
        is_maxout: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

#[cube]
fn sigmoid(x: f32) -> f32 {
    1.0f32 / (1.0f32 + (0.0f32 - x).exp())
}

/// A gate input; rows may lie apart.
#[cube]
fn input(
    a: &Buffer<f32>,
    recurrent: &Buffer<f32>,
    entering: &Buffer<f32>,
    row: usize,
    column: usize,
    columns: usize,
    #[comptime] is_sum: bool,
    #[comptime] enters: bool,
) -> f32 {
    let mut input = a[row * a.stride(0) + column];
    if is_sum {
        input += recurrent[row * recurrent.stride(0) + column];
    }
    if enters {
        let others = columns - entering.shape(1);
        if column >= others {
            input += entering[row * entering.stride(0) + column - others];
        }
    }
    input
}

#[cube(launch)]
fn forward(
    a: &Buffer<f32>,
    recurrent: &Buffer<f32>,
    entering: &Buffer<f32>,
    before: &Buffer<f32>,
    output: &mut Buffer<f32>,
    cell: &mut Buffer<f32>,
    tanh_cell: &mut Buffer<f32>,
    gates: &mut Buffer<f32>,
    hidden: u32,
    #[comptime] is_sum: bool,
    #[comptime] enters: bool,
    #[comptime] is_maxout: bool,
) {
    let k = ABSOLUTE_POS;
    if k >= before.len() {
        terminate!();
    }
    let hidden = hidden as usize;
    let row = k / hidden;
    let unit = k - row * hidden;
    let blocks = if comptime![is_maxout] { 5usize } else { 4usize };
    let columns = blocks * hidden;
    let at = row * columns + unit;
    let i = sigmoid(input(
        a, recurrent, entering, row, unit, columns, is_sum, enters,
    ));
    let f = sigmoid(input(
        a,
        recurrent,
        entering,
        row,
        unit + hidden,
        columns,
        is_sum,
        enters,
    ));
    let o = sigmoid(input(
        a,
        recurrent,
        entering,
        row,
        unit + 2 * hidden,
        columns,
        is_sum,
        enters,
    ));
    let mut g = input(
        a,
        recurrent,
        entering,
        row,
        unit + 3 * hidden,
        columns,
        is_sum,
        enters,
    );
    if comptime![is_maxout] {
        let other = input(
            a,
            recurrent,
            entering,
            row,
            unit + 4 * hidden,
            columns,
            is_sum,
            enters,
        );
        let mut is_g = f32::new(1.0);
        if g < other {
            is_g = f32::new(0.0);
            g = other;
        }
        gates[at + 4 * hidden] = is_g;
    } else {
        g = g.tanh();
    }
    let c = f * before[k] + i * g;
    let t = c.tanh();
    gates[at] = i;
    gates[at + hidden] = f;
    gates[at + 2 * hidden] = o;
    gates[at + 3 * hidden] = g;
    cell[k] = c;
    tanh_cell[k] = t;
    output[k] = o * t;
}

#[cube(launch)]
fn backward(
    gates: &Buffer<f32>,
    before: &Buffer<f32>,
    tanh_cell: &Buffer<f32>,
    d_output: &Buffer<f32>,
    d_cell: &Buffer<f32>,
    d_gates: &mut Buffer<f32>,
    d_before: &mut Buffer<f32>,
    hidden: u32,
    #[comptime] is_maxout: bool,
) {
    let k = ABSOLUTE_POS;
    if k >= before.len() {
        terminate!();
    }
    let hidden = hidden as usize;
    let row = k / hidden;
    let blocks = if comptime![is_maxout] { 5usize } else { 4usize };
    let at = row * blocks * hidden + (k - row * hidden);
    let i = gates[at];
    let f = gates[at + hidden];
    let o = gates[at + 2 * hidden];
    let g = gates[at + 3 * hidden];
    let t = tanh_cell[k];
    let dh = d_output[k];
    let dc = d_cell[k] + dh * o * (1.0f32 - t * t);
    d_gates[at] = dc * g * i * (1.0f32 - i);
    d_gates[at + hidden] = dc * before[k] * f * (1.0f32 - f);
    d_gates[at + 2 * hidden] = dh * t * o * (1.0f32 - o);
    let dg = dc * i;
    if comptime![is_maxout] {
        let is_g = gates[at + 4 * hidden];
        d_gates[at + 3 * hidden] = dg * is_g;
        d_gates[at + 4 * hidden] = dg * (1.0f32 - is_g);
    } else {
        d_gates[at + 3 * hidden] = dg * (1.0f32 - g * g);
    }
    d_before[k] = dc * f;
}

impl LstmCell for CubeBackend {
    fn lstm_cell(
        a: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        entering: FloatTensor<Self>,
        before: FloatTensor<Self>,
        is_sum: bool,
        enters: bool,
        is_maxout: bool,
    ) -> (
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
    ) {
        let [a, recurrent, entering] = [a, recurrent, entering].map(rows_in_place);
        let before = into_contiguous(before);
        let [rows, hidden] = before.meta.shape().dims();
        let columns = a.meta.shape().dims::<2>()[1];
        let [output, cell, tanh_cell] =
            [(); 3].map(|()| empty(&before, vec![rows, hidden], before.dtype));
        let gates = empty(&a, vec![rows, columns], a.dtype);
        let (count, dim) = one_each(rows * hidden);
        let client = before.client.clone();
        forward::launch(
            &client,
            count,
            dim,
            a.into_tensor_arg(),
            recurrent.into_tensor_arg(),
            entering.into_tensor_arg(),
            before.into_tensor_arg(),
            output.clone().into_tensor_arg(),
            cell.clone().into_tensor_arg(),
            tanh_cell.clone().into_tensor_arg(),
            gates.clone().into_tensor_arg(),
            hidden as u32,
            is_sum,
            enters,
            is_maxout,
        );
        (output, cell, tanh_cell, gates)
    }

    fn lstm_cell_backward(
        gates: FloatTensor<Self>,
        before: FloatTensor<Self>,
        tanh_cell: FloatTensor<Self>,
        d_output: FloatTensor<Self>,
        d_cell: FloatTensor<Self>,
        is_maxout: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [gates, before, tanh_cell, d_output, d_cell] =
            [gates, before, tanh_cell, d_output, d_cell].map(into_contiguous);
        let [rows, hidden] = before.meta.shape().dims();
        let columns = gates.meta.shape().dims::<2>()[1];
        let d_gates = empty(&gates, vec![rows, columns], gates.dtype);
        let d_before = empty(&before, vec![rows, hidden], before.dtype);
        let (count, dim) = one_each(rows * hidden);
        let client = before.client.clone();
        backward::launch(
            &client,
            count,
            dim,
            gates.into_tensor_arg(),
            before.into_tensor_arg(),
            tanh_cell.into_tensor_arg(),
            d_output.into_tensor_arg(),
            d_cell.into_tensor_arg(),
            d_gates.clone().into_tensor_arg(),
            d_before.clone().into_tensor_arg(),
            hidden as u32,
            is_maxout,
        );
        (d_gates, d_before)
    }
}
