//! Adam with clipping, four parameters a launch, and sums of squares, eight tensors a launch.

use burn::{
    backend::{
        Backend, Dispatch, backend_extension, fusion::custom::TensorSpec, tensor::FloatTensor,
    },
    tensor::{DispatchTensor, Shape, Tensor},
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

/// A parameter with its gradient and both moments, `[elements]` each.
#[derive(Debug)]
pub struct Parameter {
    /// `w`.
    pub weights: Tensor<1>,
    /// `dL/dw`.
    pub gradient: Tensor<1>,
    /// `m`.
    pub first: Tensor<1>,
    /// `v`.
    pub second: Tensor<1>,
}

/// What one step makes of a parameter.
#[derive(Debug)]
pub struct Stepped {
    /// `w`, `[elements]`.
    pub weights: Tensor<1>,
    /// `m`, `[elements]`.
    pub first: Tensor<1>,
    /// `v`, `[elements]`.
    pub second: Tensor<1>,
}

/// All parameters after one step, in their order: [`adam::adam`](crate::adam::adam). Gradients and moments that nobody else
/// holds are overwritten.
pub fn adam(step: &AdamStep, mut parameters: Vec<Parameter>) -> Vec<Stepped> {
    let mut stepped = Vec::with_capacity(parameters.len());
    let rest = parameters.split_off(parameters.len() / 4 * 4);
    let mut whole = parameters.into_iter();
    while let (Some(a), Some(b), Some(c), Some(d)) =
        (whole.next(), whole.next(), whole.next(), whole.next())
    {
        stepped.extend(four(step, [a, b, c, d]));
    }
    stepped.extend(rest.into_iter().map(|parameter| one(step, parameter)));
    stepped
}

fn one(step: &AdamStep, parameter: Parameter) -> Stepped {
    let [w, g, m, v] = parameter.into_dispatch();
    let (w, m, v) = <Dispatch as Adam>::adam_of_one(w, g, m, v, *step);
    Stepped::from_dispatch([w, m, v])
}

fn four(step: &AdamStep, parameters: [Parameter; 4]) -> [Stepped; 4] {
    let [a, b, c, d] = parameters.map(Parameter::into_dispatch);
    let [w_0, g_0, m_0, v_0] = a;
    let [w_1, g_1, m_1, v_1] = b;
    let [w_2, g_2, m_2, v_2] = c;
    let [w_3, g_3, m_3, v_3] = d;
    let (w_0, m_0, v_0, w_1, m_1, v_1, w_2, m_2, v_2, w_3, m_3, v_3) =
        <Dispatch as Adam>::adam_of_four(
            w_0, w_1, w_2, w_3, g_0, g_1, g_2, g_3, m_0, m_1, m_2, m_3, v_0, v_1, v_2, v_3, *step,
        );
    [
        [w_0, m_0, v_0],
        [w_1, m_1, v_1],
        [w_2, m_2, v_2],
        [w_3, m_3, v_3],
    ]
    .map(Stepped::from_dispatch)
}

impl Parameter {
    fn into_dispatch(self) -> [DispatchTensor; 4] {
        let Self {
            weights,
            gradient,
            first,
            second,
        } = self;
        [weights, gradient, first, second].map(Tensor::into_dispatch)
    }
}

impl Stepped {
    fn from_dispatch(stepped: [DispatchTensor; 3]) -> Self {
        let [weights, first, second] = stepped.map(Tensor::from_dispatch);
        Self {
            weights,
            first,
            second,
        }
    }
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
    #[fusion(meta = |w: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &AdamStep| (w.clone(), w.clone(), w.clone()))]
    fn adam_of_one(
        w: FloatTensor<Self>,
        g: FloatTensor<Self>,
        m: FloatTensor<Self>,
        v: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    #[fusion(meta = |w_0: &TensorSpec, w_1: &TensorSpec, w_2: &TensorSpec, w_3: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &AdamStep| (w_0.clone(), w_0.clone(), w_0.clone(), w_1.clone(), w_1.clone(), w_1.clone(), w_2.clone(), w_2.clone(), w_2.clone(), w_3.clone(), w_3.clone(), w_3.clone()))]
    fn adam_of_four(
        w_0: FloatTensor<Self>,
        w_1: FloatTensor<Self>,
        w_2: FloatTensor<Self>,
        w_3: FloatTensor<Self>,
        g_0: FloatTensor<Self>,
        g_1: FloatTensor<Self>,
        g_2: FloatTensor<Self>,
        g_3: FloatTensor<Self>,
        m_0: FloatTensor<Self>,
        m_1: FloatTensor<Self>,
        m_2: FloatTensor<Self>,
        m_3: FloatTensor<Self>,
        v_0: FloatTensor<Self>,
        v_1: FloatTensor<Self>,
        v_2: FloatTensor<Self>,
        v_3: FloatTensor<Self>,
        step: AdamStep,
    ) -> (
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
    );

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

/// What is the same for all elements.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
struct Numbers {
    scale: f32,
    clip: f32,
    learning_rate: f32,
    beta_1: f32,
    beta_2: f32,
    epsilon: f32,
    /// `1 / (1 - beta_1^t)`.
    unbias_1: f32,
    /// `1 / (1 - beta_2^t)`.
    unbias_2: f32,
    /// What weights are multiplied by first.
    keep: f32,
}

/// These of a step.
fn numbers(step: &AdamStep) -> NumbersLaunch {
    let unbias = |beta: f32| 1.0 / (1.0 - beta.powi(step.time));
    NumbersLaunch::new(
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
    )
}

/// The step of one element; the new weight takes the place of the gradient.
#[cube]
fn step(
    w: &Buffer<f32>,
    g: &mut Buffer<f32>,
    m: &mut Buffer<f32>,
    v: &mut Buffer<f32>,
    k: usize,
    numbers: &Numbers,
) {
    let mut gradient = g[k] * numbers.scale;
    if gradient > numbers.clip {
        gradient = numbers.clip;
    }
    if gradient < 0.0f32 - numbers.clip {
        gradient = 0.0f32 - numbers.clip;
    }
    let first = numbers.beta_1 * m[k] + (1.0f32 - numbers.beta_1) * gradient;
    let second = numbers.beta_2 * v[k] + (1.0f32 - numbers.beta_2) * gradient * gradient;
    m[k] = first;
    v[k] = second;
    let root = (second * numbers.unbias_2).sqrt() + numbers.epsilon;
    g[k] = w[k] * numbers.keep - numbers.learning_rate * (first * numbers.unbias_1) / root;
}

/// A unit an element.
#[cube(launch)]
fn step_of_one(
    w: &Buffer<f32>,
    g: &mut Buffer<f32>,
    m: &mut Buffer<f32>,
    v: &mut Buffer<f32>,
    numbers: &Numbers,
) {
    let k = ABSOLUTE_POS;
    if k >= w.len() {
        terminate!();
    }
    step(w, g, m, v, k, numbers);
}

/// A unit an element of any of the four.
#[cube(launch)]
fn step_of_four(
    w_0: &Buffer<f32>,
    w_1: &Buffer<f32>,
    w_2: &Buffer<f32>,
    w_3: &Buffer<f32>,
    g_0: &mut Buffer<f32>,
    g_1: &mut Buffer<f32>,
    g_2: &mut Buffer<f32>,
    g_3: &mut Buffer<f32>,
    m_0: &mut Buffer<f32>,
    m_1: &mut Buffer<f32>,
    m_2: &mut Buffer<f32>,
    m_3: &mut Buffer<f32>,
    v_0: &mut Buffer<f32>,
    v_1: &mut Buffer<f32>,
    v_2: &mut Buffer<f32>,
    v_3: &mut Buffer<f32>,
    numbers: &Numbers,
) {
    let k = ABSOLUTE_POS;
    let end_0 = w_0.len();
    let end_1 = end_0 + w_1.len();
    let end_2 = end_1 + w_2.len();
    let end_3 = end_2 + w_3.len();
    if k < end_0 {
        step(w_0, g_0, m_0, v_0, k, numbers);
    } else if k < end_1 {
        step(w_1, g_1, m_1, v_1, k - end_0, numbers);
    } else if k < end_2 {
        step(w_2, g_2, m_2, v_2, k - end_1, numbers);
    } else if k < end_3 {
        step(w_3, g_3, m_3, v_3, k - end_2, numbers);
    }
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

/// A tensor that may be overwritten: the same if nobody else holds it.
fn own(tensor: CubeTensor) -> CubeTensor {
    let tensor = into_contiguous(tensor);
    if tensor.can_mut() {
        tensor
    } else {
        tensor.copy()
    }
}

impl Adam for CubeBackend {
    fn adam_of_one(
        w: FloatTensor<Self>,
        g: FloatTensor<Self>,
        m: FloatTensor<Self>,
        v: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let w = into_contiguous(w);
        let [g, m, v] = [g, m, v].map(own);
        let (count, dim) = one_each(w.meta.num_elements());
        let client = w.client.clone();
        step_of_one::launch(
            &client,
            count,
            dim,
            w.into_tensor_arg(),
            g.clone().into_tensor_arg(),
            m.clone().into_tensor_arg(),
            v.clone().into_tensor_arg(),
            numbers(&step),
        );
        (g, m, v)
    }

    fn adam_of_four(
        w_0: FloatTensor<Self>,
        w_1: FloatTensor<Self>,
        w_2: FloatTensor<Self>,
        w_3: FloatTensor<Self>,
        g_0: FloatTensor<Self>,
        g_1: FloatTensor<Self>,
        g_2: FloatTensor<Self>,
        g_3: FloatTensor<Self>,
        m_0: FloatTensor<Self>,
        m_1: FloatTensor<Self>,
        m_2: FloatTensor<Self>,
        m_3: FloatTensor<Self>,
        v_0: FloatTensor<Self>,
        v_1: FloatTensor<Self>,
        v_2: FloatTensor<Self>,
        v_3: FloatTensor<Self>,
        step: AdamStep,
    ) -> (
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
    ) {
        let weights = [w_0, w_1, w_2, w_3].map(into_contiguous);
        let [g_0, g_1, g_2, g_3, m_0, m_1, m_2, m_3, v_0, v_1, v_2, v_3] =
            [g_0, g_1, g_2, g_3, m_0, m_1, m_2, m_3, v_0, v_1, v_2, v_3].map(own);
        let elements = weights.iter().map(|w| w.meta.num_elements());
        let (count, dim) = one_each(elements.sum());
        let client = g_0.client.clone();
        let [w_0, w_1, w_2, w_3] = weights.map(CubeTensor::into_tensor_arg);
        step_of_four::launch(
            &client,
            count,
            dim,
            w_0,
            w_1,
            w_2,
            w_3,
            g_0.clone().into_tensor_arg(),
            g_1.clone().into_tensor_arg(),
            g_2.clone().into_tensor_arg(),
            g_3.clone().into_tensor_arg(),
            m_0.clone().into_tensor_arg(),
            m_1.clone().into_tensor_arg(),
            m_2.clone().into_tensor_arg(),
            m_3.clone().into_tensor_arg(),
            v_0.clone().into_tensor_arg(),
            v_1.clone().into_tensor_arg(),
            v_2.clone().into_tensor_arg(),
            v_3.clone().into_tensor_arg(),
            numbers(&step),
        );
        (g_0, m_0, v_0, g_1, m_1, v_1, g_2, m_2, v_2, g_3, m_3, v_3)
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
