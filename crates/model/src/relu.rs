//! The rectified linear unit, and the way back through it and dropout.

use burn::tensor::{Tensor, activation};
#[cfg(feature = "cube")]
use scst_kernels::cube;
use scst_kernels::{
    host::{Values, View, is_host},
    relu,
};

/// `max(x, 0)`.
pub(crate) fn relu(x: Tensor<2>) -> Tensor<2> {
    let device = x.device();
    if !is_host(&device, x.dtype()) {
        return activation::relu(x);
    }
    let mut values = Values::take(x);
    relu::relu(values.get_mut());
    values.into_tensor(&device)
}

/// The gradient before ReLU and dropout, from that after both and their result `y`.
pub(crate) fn relu_dropout_backward(d_y: Tensor<2>, y: Tensor<2>, scale: f64) -> Tensor<2> {
    let device = d_y.device();
    #[cfg(feature = "cube")]
    if cube::runs_on(&device, d_y.dtype()) {
        return cube::relu::relu_backward(d_y, y, scale as f32);
    }
    // A unit that is above 0 after ReLU and dropout was kept, and multiplied by `scale`.
    if !is_host(&device, d_y.dtype()) {
        let passed = y.greater_scalar(0.0);
        return d_y.mul_scalar(scale).mask_fill(passed.bool_not(), 0.0);
    }
    let mut gradient = Values::take(d_y);
    relu::relu_backward(View::of(y).get(), scale as f32, gradient.get_mut());
    gradient.into_tensor(&device)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn tensor(step: f32) -> Tensor<2> {
        let values: Vec<f32> = (0..60).map(|k| (k as f32 * step).sin()).collect();
        Tensor::from_data(TensorData::new(values, [12, 5]), &Device::flex())
    }

    fn values(tensor: Tensor<2>) -> Vec<f32> {
        tensor.try_into_vec_as().unwrap()
    }

    #[test]
    fn loops_are_the_tensor_operations() {
        let (x, d) = (tensor(0.9), tensor(1.7));
        let y = relu(x.clone());
        let expected = activation::relu(x);
        assert_eq!(values(y.clone()), values(expected.clone()));
        let passed = expected.greater_scalar(0.0);
        let expected = d.clone().mul_scalar(1.6).mask_fill(passed.bool_not(), 0.0);
        assert_eq!(values(relu_dropout_backward(d, y, 1.6)), values(expected));
    }
}
