//! Layer normalisation, forward and backward: a launch each.

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

use super::{UNITS, cube_a_row, empty, sums::sum_of_units};
use crate::layer_norm::EPSILON;

/// What [`layer_norm`] computes.
#[derive(Debug)]
pub struct Normalised {
    /// `n`, `[rows, hidden]`.
    pub normalised: Tensor<2>,
    /// `s`, `[rows, 1]`.
    pub scales: Tensor<2>,
    /// `y`, `[rows, hidden]`.
    pub output: Tensor<2>,
}

/// [`layer_norm::layer_norm`](crate::layer_norm::layer_norm) of `x`, `[rows, hidden]`; `gain` and `bias`: `[1, hidden]`.
pub fn layer_norm(gain: Tensor<2>, bias: Tensor<2>, x: Tensor<2>) -> Normalised {
    let (normalised, scales, output) = <Dispatch as LayerNorm>::layer_norm(
        gain.into_dispatch(),
        bias.into_dispatch(),
        x.into_dispatch(),
    );
    Normalised {
        normalised: Tensor::from_dispatch(normalised),
        scales: Tensor::from_dispatch(scales),
        output: Tensor::from_dispatch(output),
    }
}

/// The gradient at `x`, `[rows, hidden]`, from that at `y`:
/// [`layer_norm::layer_norm_backward`](crate::layer_norm::layer_norm_backward).
pub fn layer_norm_backward(
    gain: Tensor<2>,
    normalised: Tensor<2>,
    scales: Tensor<2>,
    d_y: Tensor<2>,
) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as LayerNorm>::layer_norm_backward(
        gain.into_dispatch(),
        normalised.into_dispatch(),
        scales.into_dispatch(),
        d_y.into_dispatch(),
    ))
}

/// The gradients at gain and bias, `[1, hidden]` each, from those at `y`: `sum dy n` and `sum dy` over the rows.
pub fn parameter_gradients(normalised: Tensor<2>, d_y: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let (d_gain, d_bias) = <Dispatch as LayerNorm>::parameter_gradients(
        normalised.into_dispatch(),
        d_y.into_dispatch(),
    );
    (Tensor::from_dispatch(d_gain), Tensor::from_dispatch(d_bias))
}

fn row_of(rows: &TensorSpec) -> TensorSpec {
    TensorSpec::new([1, rows.shape[1]].into(), rows.dtype)
}

#[backend_extension(Cube, Fusion)]
trait LayerNorm: Backend {
    #[fusion(meta = |_: &TensorSpec, d_y: &TensorSpec| (row_of(d_y), row_of(d_y)))]
    fn parameter_gradients(
        normalised: FloatTensor<Self>,
        d_y: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    #[fusion(meta = |_: &TensorSpec, _: &TensorSpec, x: &TensorSpec| (x.clone(), TensorSpec::new([x.shape[0], 1].into(), x.dtype), x.clone()))]
    fn layer_norm(
        gain: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        x: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    #[fusion(meta = |_: &TensorSpec, _: &TensorSpec, _: &TensorSpec, d_y: &TensorSpec| d_y.clone())]
    fn layer_norm_backward(
        gain: FloatTensor<Self>,
        normalised: FloatTensor<Self>,
        scales: FloatTensor<Self>,
        d_y: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// A cube a row.
#[cube(launch)]
fn forward(
    gain: &Buffer<f32>,
    bias: &Buffer<f32>,
    x: &Buffer<f32>,
    normalised: &mut Buffer<f32>,
    scales: &mut Buffer<f32>,
    output: &mut Buffer<f32>,
    epsilon: f32,
    #[comptime] units: usize,
) {
    let row = CUBE_POS;
    if row >= scales.len() {
        terminate!();
    }
    let unit = UNIT_POS_X as usize;
    let units_of = units.runtime();
    let hidden = gain.len();
    let first = row * hidden;
    let count = f32::cast_from(hidden as u32);
    let mut shared = Shared::<[f32]>::new_slice(units);
    let mut own = f32::new(0.0);
    let mut k = unit;
    while k < hidden {
        own += x[first + k];
        k += units_of;
    }
    let mean = sum_of_units(&mut shared, own, units) / count;
    let mut own = f32::new(0.0);
    let mut k = unit;
    while k < hidden {
        let centred = x[first + k] - mean;
        own += centred * centred;
        k += units_of;
    }
    let variance = sum_of_units(&mut shared, own, units) / count;
    let scale = 1.0f32 / (variance + epsilon).sqrt();
    let mut k = unit;
    while k < hidden {
        let n = (x[first + k] - mean) * scale;
        normalised[first + k] = n;
        output[first + k] = n * gain[k] + bias[k];
        k += units_of;
    }
    if unit == 0 {
        scales[row] = scale;
    }
}

/// A cube a row: `dx = s (dn - mean(dn) - n mean(dn n))`, `dn = dy gain`.
#[cube(launch)]
fn backward(
    gain: &Buffer<f32>,
    normalised: &Buffer<f32>,
    scales: &Buffer<f32>,
    d_y: &Buffer<f32>,
    d_x: &mut Buffer<f32>,
    #[comptime] units: usize,
) {
    let row = CUBE_POS;
    if row >= scales.len() {
        terminate!();
    }
    let unit = UNIT_POS_X as usize;
    let units_of = units.runtime();
    let hidden = gain.len();
    let first = row * hidden;
    let count = f32::cast_from(hidden as u32);
    let mut shared = Shared::<[f32]>::new_slice(units);
    let mut own = f32::new(0.0);
    let mut along = f32::new(0.0);
    let mut k = unit;
    while k < hidden {
        let d = d_y[first + k] * gain[k];
        own += d;
        along += d * normalised[first + k];
        k += units_of;
    }
    let mean = sum_of_units(&mut shared, own, units) / count;
    let along = sum_of_units(&mut shared, along, units) / count;
    let scale = scales[row];
    let mut k = unit;
    while k < hidden {
        let d = d_y[first + k] * gain[k];
        d_x[first + k] = scale * (d - mean - normalised[first + k] * along);
        k += units_of;
    }
}

/// Columns of a cube of [`of_parameters`].
const COLUMNS: usize = 8;

/// A cube has a few columns; those of its units that share one go through the rows side by side.
#[cube(launch)]
fn of_parameters(
    normalised: &Buffer<f32>,
    d_y: &Buffer<f32>,
    d_gain: &mut Buffer<f32>,
    d_bias: &mut Buffer<f32>,
    #[comptime] columns: usize,
    #[comptime] units: usize,
) {
    let unit = UNIT_POS_X as usize;
    let columns_of = columns.runtime();
    let lanes = units.runtime() / columns_of;
    let hidden = d_bias.len();
    let rows = d_y.len() / hidden;
    let column = CUBE_POS * columns_of + unit % columns_of;
    let mut gains = Shared::<[f32]>::new_slice(units);
    let mut biases = Shared::<[f32]>::new_slice(units);
    let mut gain = f32::new(0.0);
    let mut bias = f32::new(0.0);
    if column < hidden {
        let mut row = unit / columns_of;
        while row < rows {
            let d = d_y[row * hidden + column];
            bias += d;
            gain += d * normalised[row * hidden + column];
            row += lanes;
        }
    }
    gains[unit] = gain;
    biases[unit] = bias;
    sync_cube();
    if unit < columns_of && column < hidden {
        let mut lane = 1usize;
        while lane < lanes {
            gain += gains[lane * columns_of + unit];
            bias += biases[lane * columns_of + unit];
            lane += 1;
        }
        d_gain[column] = gain;
        d_bias[column] = bias;
    }
}

impl LayerNorm for CubeBackend {
    fn parameter_gradients(
        normalised: FloatTensor<Self>,
        d_y: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [normalised, d_y] = [normalised, d_y].map(into_contiguous);
        let [_, hidden] = d_y.meta.shape().dims::<2>();
        let [d_gain, d_bias] = [(); 2].map(|()| empty(&d_y, vec![1, hidden], d_y.dtype));
        let (count, dim) = cube_a_row(hidden.div_ceil(COLUMNS));
        let client = d_y.client.clone();
        of_parameters::launch(
            &client,
            count,
            dim,
            normalised.into_tensor_arg(),
            d_y.into_tensor_arg(),
            d_gain.clone().into_tensor_arg(),
            d_bias.clone().into_tensor_arg(),
            COLUMNS,
            UNITS,
        );
        (d_gain, d_bias)
    }

    fn layer_norm(
        gain: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        x: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let [gain, bias, x] = [gain, bias, x].map(into_contiguous);
        let [rows, hidden] = x.meta.shape().dims();
        let [normalised, output] = [(); 2].map(|()| empty(&x, vec![rows, hidden], x.dtype));
        let scales = empty(&x, vec![rows, 1], x.dtype);
        let (count, dim) = cube_a_row(rows);
        let client = x.client.clone();
        forward::launch(
            &client,
            count,
            dim,
            gain.into_tensor_arg(),
            bias.into_tensor_arg(),
            x.into_tensor_arg(),
            normalised.clone().into_tensor_arg(),
            scales.clone().into_tensor_arg(),
            output.clone().into_tensor_arg(),
            EPSILON,
            UNITS,
        );
        (normalised, scales, output)
    }

    fn layer_norm_backward(
        gain: FloatTensor<Self>,
        normalised: FloatTensor<Self>,
        scales: FloatTensor<Self>,
        d_y: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [gain, normalised, scales, d_y] = [gain, normalised, scales, d_y].map(into_contiguous);
        let [rows, hidden] = d_y.meta.shape().dims();
        let d_x = empty(&d_y, vec![rows, hidden], d_y.dtype);
        let (count, dim) = cube_a_row(rows);
        let client = d_y.client.clone();
        backward::launch(
            &client,
            count,
            dim,
            gain.into_tensor_arg(),
            normalised.into_tensor_arg(),
            scales.into_tensor_arg(),
            d_y.into_tensor_arg(),
            d_x.clone().into_tensor_arg(),
            UNITS,
        );
        d_x
    }
}
