//! Adam with clipping, and sums of squares: a launch a parameter each.

use burn::{
    backend::{
        Backend, Dispatch, backend_extension, fusion::custom::TensorSpec, tensor::FloatTensor,
    },
    tensor::{Shape, Tensor},
};
use burn_cubecl::{
    CubeBackend,
    cubecl::{
        self,
        prelude::{Tensor as Buffer, *},
    },
    kernel::into_contiguous,
    tensor::CubeTensor,
};

use super::{UNITS, empty, one_each, sums::sum_of_units};
use crate::adam::AdamStep;

/// Cubes that share a sum of squares.
const CUBES: usize = 64;

/// Weights and both moments, `[elements]`, after one step: [`adam::adam`](crate::adam::adam).
pub fn adam(
    step: &AdamStep,
    weights: Tensor<1>,
    gradient: Tensor<1>,
    first: Tensor<1>,
    second: Tensor<1>,
) -> (Tensor<1>, Tensor<1>, Tensor<1>) {
    let unbias = |beta: f32| 1.0 / (1.0 - beta.powi(step.time));
    let (weights, first, second) = <Dispatch as Adam>::adam(
        weights.into_dispatch(),
        gradient.into_dispatch(),
        first.into_dispatch(),
        second.into_dispatch(),
        step.scale,
        // No infinity: WGSL need not have it.
        step.clip.min(f32::MAX),
        step.learning_rate,
        step.beta_1,
        step.beta_2,
        step.epsilon,
        unbias(step.beta_1),
        unbias(step.beta_2),
        1.0 - step.learning_rate * step.weight_decay,
    );
    (
        Tensor::from_dispatch(weights),
        Tensor::from_dispatch(first),
        Tensor::from_dispatch(second),
    )
}

/// Tensors whose squares one launch sums up.
const PIECES: usize = 8;

/// Partial sums of squares of all tensors, to be added up in 64 bits: [`adam::sum_of_squares`](crate::adam::sum_of_squares).
pub fn partial_squares(tensors: &[Tensor<1>]) -> Vec<Tensor<1>> {
    tensors.chunks(PIECES).map(squares_of).collect()
}

fn squares_of(tensors: &[Tensor<1>]) -> Tensor<1> {
    // Places that are not needed get the first tensor, of which nothing is taken.
    let tensor = |k: usize| {
        tensors
            .get(k)
            .unwrap_or(&tensors[0])
            .clone()
            .into_dispatch()
    };
    let [a, b, c, d, e, f, g, h] = std::array::from_fn(tensor);
    let count = tensors.len();
    Tensor::from_dispatch(<Dispatch as Adam>::partial_squares(
        a, b, c, d, e, f, g, h, count,
    ))
}

#[backend_extension(Cube, Fusion)]
trait Adam: Backend {
    #[fusion(meta = |weights: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &f32, _: &f32, _: &f32, _: &f32, _: &f32, _: &f32, _: &f32, _: &f32, _: &f32| (weights.clone(), weights.clone(), weights.clone()))]
    fn adam(
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        scale: f32,
        clip: f32,
        learning_rate: f32,
        beta_1: f32,
        beta_2: f32,
        epsilon: f32,
        unbias_1: f32,
        unbias_2: f32,
        keep: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    #[fusion(meta = |a: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, count: &usize| TensorSpec::new(Shape::new([count * CUBES]), a.dtype))]
    fn partial_squares(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        f: FloatTensor<Self>,
        g: FloatTensor<Self>,
        h: FloatTensor<Self>,
        count: usize,
    ) -> FloatTensor<Self>;
}

#[cube(launch)]
fn step(
    weights: &Buffer<f32>,
    gradient: &Buffer<f32>,
    first: &Buffer<f32>,
    second: &Buffer<f32>,
    new_weights: &mut Buffer<f32>,
    new_first: &mut Buffer<f32>,
    new_second: &mut Buffer<f32>,
    scale: f32,
    clip: f32,
    learning_rate: f32,
    beta_1: f32,
    beta_2: f32,
    epsilon: f32,
    unbias_1: f32,
    unbias_2: f32,
    keep: f32,
) {
    let k = ABSOLUTE_POS;
    if k >= weights.len() {
        terminate!();
    }
    let mut g = gradient[k] * scale;
    if g > clip {
        g = clip;
    }
    if g < 0.0f32 - clip {
        g = 0.0f32 - clip;
    }
    let m = beta_1 * first[k] + (1.0f32 - beta_1) * g;
    let v = beta_2 * second[k] + (1.0f32 - beta_2) * g * g;
    new_first[k] = m;
    new_second[k] = v;
    let root = (v * unbias_2).sqrt() + epsilon;
    new_weights[k] = weights[k] * keep - learning_rate * (m * unbias_1) / root;
}

/// The sum of squares of a part of the values.
#[cube]
fn of_part(values: &Buffer<f32>, first: usize, stride: usize) -> f32 {
    let mut total = f32::new(0.0);
    let mut k = first;
    while k < values.len() {
        total += values[k] * values[k];
        k += stride;
    }
    total
}

/// `CUBES` cubes a tensor.
#[cube(launch)]
fn squares(
    a: &Buffer<f32>,
    b: &Buffer<f32>,
    c: &Buffer<f32>,
    d: &Buffer<f32>,
    e: &Buffer<f32>,
    f: &Buffer<f32>,
    g: &Buffer<f32>,
    h: &Buffer<f32>,
    sums: &mut Buffer<f32>,
    #[comptime] units: usize,
) {
    let stride = (units * CUBES).runtime();
    let first = CUBE_POS_X as usize * units.runtime() + UNIT_POS_X as usize;
    let mut total = f32::new(0.0);
    if CUBE_POS_Y == 0 {
        total = of_part(a, first, stride);
    } else if CUBE_POS_Y == 1 {
        total = of_part(b, first, stride);
    } else if CUBE_POS_Y == 2 {
        total = of_part(c, first, stride);
    } else if CUBE_POS_Y == 3 {
        total = of_part(d, first, stride);
    } else if CUBE_POS_Y == 4 {
        total = of_part(e, first, stride);
    } else if CUBE_POS_Y == 5 {
        total = of_part(f, first, stride);
    } else if CUBE_POS_Y == 6 {
        total = of_part(g, first, stride);
    } else if CUBE_POS_Y == 7 {
        total = of_part(h, first, stride);
    }
    let mut shared = Shared::<[f32]>::new_slice(units);
    let total = sum_of_units(&mut shared, total, units);
    if UNIT_POS_X == 0 {
        sums[CUBE_POS_Y as usize * CUBES + CUBE_POS_X as usize] = total;
    }
}

impl Adam for CubeBackend {
    fn adam(
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        scale: f32,
        clip: f32,
        learning_rate: f32,
        beta_1: f32,
        beta_2: f32,
        epsilon: f32,
        unbias_1: f32,
        unbias_2: f32,
        keep: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let [weights, gradient, first, second] =
            [weights, gradient, first, second].map(into_contiguous);
        let [elements] = weights.meta.shape().dims();
        let [new_weights, new_first, new_second] =
            [(); 3].map(|()| empty(&weights, vec![elements], weights.dtype));
        let (count, dim) = one_each(elements);
        let client = weights.client.clone();
        step::launch(
            &client,
            count,
            dim,
            weights.into_tensor_arg(),
            gradient.into_tensor_arg(),
            first.into_tensor_arg(),
            second.into_tensor_arg(),
            new_weights.clone().into_tensor_arg(),
            new_first.clone().into_tensor_arg(),
            new_second.clone().into_tensor_arg(),
            scale,
            clip,
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            unbias_1,
            unbias_2,
            keep,
        );
        (new_weights, new_first, new_second)
    }

    fn partial_squares(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        f: FloatTensor<Self>,
        g: FloatTensor<Self>,
        h: FloatTensor<Self>,
        count: usize,
    ) -> FloatTensor<Self> {
        let pieces = [a, b, c, d, e, f, g, h].map(into_contiguous);
        let sums = empty(&pieces[0], vec![count * CUBES], pieces[0].dtype);
        let client = pieces[0].client.clone();
        let [a, b, c, d, e, f, g, h] = pieces.map(CubeTensor::into_tensor_arg);
        squares::launch(
            &client,
            CubeCount::Static(CUBES as u32, count as u32, 1),
            CubeDim::new_1d(UNITS as u32),
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            sums.clone().into_tensor_arg(),
            UNITS,
        );
        sums
    }
}
