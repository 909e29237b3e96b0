//! The way back through the rectified linear unit and dropout: one launch.

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

use super::{empty, one_each};

/// [`relu::relu_backward`](crate::relu::relu_backward) of the gradient after both and of their result, `[rows, columns]` each.
pub fn relu_backward(d_y: Tensor<2>, y: Tensor<2>, scale: f32) -> Tensor<2> {
    let (d_y, y) = (d_y.into_dispatch(), y.into_dispatch());
    Tensor::from_dispatch(<Dispatch as Relu>::relu_backward(d_y, y, scale))
}

#[backend_extension(Cube, Fusion)]
trait Relu: Backend {
    #[fusion(meta = |d_y: &TensorSpec, _: &TensorSpec, _: &f32| d_y.clone())]
    fn relu_backward(d_y: FloatTensor<Self>, y: FloatTensor<Self>, scale: f32)
    -> FloatTensor<Self>;
}

#[cube(launch)]
fn passed(d_y: &Buffer<f32>, y: &Buffer<f32>, d_x: &mut Buffer<f32>, scale: f32) {
    let k = ABSOLUTE_POS;
    if k >= d_x.len() {
        terminate!();
    }
    let mut d = f32::new(0.0);
    if y[k] > 0.0f32 {
        d = d_y[k] * scale;
    }
    d_x[k] = d;
}

impl Relu for CubeBackend {
    fn relu_backward(
        d_y: FloatTensor<Self>,
        y: FloatTensor<Self>,
        scale: f32,
    ) -> FloatTensor<Self> {
        let [d_y, y] = [d_y, y].map(into_contiguous);
        let [rows, columns] = d_y.meta.shape().dims();
        let d_x = empty(&d_y, vec![rows, columns], d_y.dtype);
        let (count, dim) = one_each(rows * columns);
        let client = d_y.client.clone();
        passed::launch(
            &client,
            count,
            dim,
            d_y.into_tensor_arg(),
            y.into_tensor_arg(),
            d_x.clone().into_tensor_arg(),
            scale,
        );
        d_x
    }
}
