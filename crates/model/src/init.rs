//! Initial values of parameters, drawn on the host.

use burn::{
    module::Param,
    tensor::{DType, Device, Tensor, TensorData},
};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// Uniform in `+-1 / sqrt(inputs)`, as `torch.nn.Linear` begins, for weights and biases.
pub(crate) fn linear(
    shape: [usize; 2],
    inputs: usize,
    (device, dtype): (&Device, DType),
    rng: &mut impl Rng,
) -> Param<Tensor<2>> {
    uniform(shape, 1.0 / (inputs as f64).sqrt(), (device, dtype), rng)
}

/// Uniform in `+-bound`.
pub(crate) fn uniform(
    shape: [usize; 2],
    bound: f64,
    (device, dtype): (&Device, DType),
    rng: &mut impl Rng,
) -> Param<Tensor<2>> {
    let draw = || (rng.random::<f64>() * 2.0 - 1.0) * bound;
    parameter(shape, device, dtype, draw)
}

/// Standard normal, as `torch.nn.Embedding` begins.
pub(crate) fn embedding(
    shape: [usize; 2],
    (device, dtype): (&Device, DType),
    rng: &mut impl Rng,
) -> Param<Tensor<2>> {
    parameter(shape, device, dtype, || rng.sample(StandardNormal))
}

/// Normal of variance `1 / columns`, for embeddings that are multiplied by `sqrt(columns)`.
pub(crate) fn scaled_embedding(
    shape: [usize; 2],
    (device, dtype): (&Device, DType),
    rng: &mut impl Rng,
) -> Param<Tensor<2>> {
    normal(shape, 1.0 / (shape[1] as f64).sqrt(), (device, dtype), rng)
}

/// Normal with mean 0.
pub(crate) fn normal(
    shape: [usize; 2],
    deviation: f64,
    (device, dtype): (&Device, DType),
    rng: &mut impl Rng,
) -> Param<Tensor<2>> {
    let draw = || rng.sample::<f64, _>(StandardNormal) * deviation;
    parameter(shape, device, dtype, draw)
}

fn parameter(
    shape: [usize; 2],
    device: &Device,
    dtype: DType,
    mut draw: impl FnMut() -> f64,
) -> Param<Tensor<2>> {
    let values: Vec<f64> = (0..shape[0] * shape[1]).map(|_| draw()).collect();
    let data = TensorData::new(values, shape);
    Param::from_tensor(Tensor::from_data(data, (device, dtype)))
}
