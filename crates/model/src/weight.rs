//! A weight that rows are multiplied by.

use std::sync::{Arc, OnceLock};

use burn::{
    module::{
        Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor,
        Param,
    },
    tensor::{Device, Tensor},
};
use scst_kernels::{
    host::{Values, is_host},
    product::{Packed, product},
};

/// Rows up to which a product is one of few rows: those of a step. Of more rows, the library's products are as fast, and
/// lay out what they need.
const FEW_ROWS: usize = 128;

/// `W`, `[inputs, outputs]`, a parameter with its layouts for products with few rows.
///
/// Every step of a caption multiplies by it, forward and backward: on the host it is laid out once for all steps, until
/// it gets other values.
#[derive(Debug, Clone)]
pub(crate) struct Weight {
    values: Param<Tensor<2>>,
    layouts: Arc<Layouts>,
}

/// Made by the first product that asks.
#[derive(Debug, Default)]
struct Layouts {
    own: OnceLock<Packed>,
    /// Of `W^T`.
    transposed: OnceLock<Packed>,
}

impl From<Param<Tensor<2>>> for Weight {
    fn from(values: Param<Tensor<2>>) -> Self {
        Self {
            values,
            layouts: Arc::default(),
        }
    }
}

impl Weight {
    pub(crate) fn val(&self) -> Tensor<2> {
        self.values.val()
    }

    /// Inputs and outputs.
    pub(crate) fn dims(&self) -> [usize; 2] {
        self.values.val().dims()
    }

    /// `x W`, `[rows, outputs]`, of `x`, `[rows, inputs]`.
    pub(crate) fn product(&self, x: Tensor<2>) -> Tensor<2> {
        if has_few_rows(&x) {
            return product_on_host(x, self.layout(), None);
        }
        x.matmul(self.val())
    }

    /// `x W + b`, `[rows, outputs]`, of `x`, `[rows, inputs]`, and `b`, `[1, outputs]`.
    pub(crate) fn affine(&self, x: Tensor<2>, bias: &Param<Tensor<2>>) -> Tensor<2> {
        if has_few_rows(&x) {
            return product_on_host(x, self.layout(), Some(bias.val()));
        }
        x.matmul(self.val()) + bias.val()
    }

    /// The gradient at `x`, `[rows, inputs]`, from that at `x W`.
    pub(crate) fn input_gradient(&self, d_y: Tensor<2>) -> Tensor<2> {
        if has_few_rows(&d_y) {
            let layout = self
                .layouts
                .transposed
                .get_or_init(|| Packed::transposed(Values::take(self.val()).get(), self.dims()));
            return product_on_host(d_y, layout, None);
        }
        d_y.matmul(self.val().transpose())
    }

    fn layout(&self) -> &Packed {
        let layout = || Packed::new(Values::take(self.val()).get(), self.dims());
        self.layouts.own.get_or_init(layout)
    }
}

fn has_few_rows(x: &Tensor<2>) -> bool {
    x.dims()[0] <= FEW_ROWS && is_host(&x.device(), x.dtype())
}

fn product_on_host(x: Tensor<2>, w: &Packed, bias: Option<Tensor<2>>) -> Tensor<2> {
    let (device, [rows, _]) = (x.device(), x.dims());
    let (x, bias) = (Values::take(x), bias.map(Values::take));
    let mut y = Values::zeros([rows, w.columns()]);
    product(x.get(), w, bias.as_ref().map(Values::get), y.get_mut());
    y.into_tensor(&device)
}

/// Its parameter's own, by the same name; whatever changes values ends their layouts.
impl Module for Weight {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.values.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        self.values.fork(device).into()
    }

    fn to_device(self, device: &Device) -> Self {
        self.values.to_device(device).into()
    }

    fn train(self) -> Self {
        self.values.train().into()
    }

    fn valid(&self) -> Self {
        self.values.valid().into()
    }

    fn materialize(self) -> Self {
        self.values.materialize().into()
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.values.visit(visitor);
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        Module::map(self.values, mapper).into()
    }
}

impl ModuleDisplayDefault for Weight {
    fn content(&self, content: Content) -> Option<Content> {
        self.values.content(content)
    }
}

impl ModuleDisplay for Weight {}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, TensorData};

    use super::*;
    use crate::update_parameters;

    fn values(shape: [usize; 2], seed: usize) -> Tensor<2> {
        let value = |k: usize| ((k * 37 + seed * 11) % 101) as f64 / 50.0 - 1.0;
        let values: Vec<f64> = (0..shape[0] * shape[1]).map(value).collect();
        let place = (&Device::flex(), DType::F32);
        Tensor::from_data(TensorData::new(values, shape), place)
    }

    fn assert_close(found: Tensor<2>, expected: Tensor<2>) {
        assert_eq!(found.dims(), expected.dims());
        let difference: f32 = (found - expected).abs().max().into_scalar();
        assert!(difference < 1e-4, "{difference}");
    }

    #[test]
    fn products_are_those_of_the_values_that_a_weight_has_now() {
        let mut weight = Weight::from(Param::from_tensor(values([30, 70], 1)));
        let bias = Param::from_tensor(values([1, 70], 2));
        for factor in [1.0, -2.0] {
            for rows in [1, FEW_ROWS, FEW_ROWS + 1] {
                let (x, d_y) = (values([rows, 30], 3), values([rows, 70], 4));
                let w = weight.val();
                let product = x.clone().matmul(w.clone());
                assert_close(weight.product(x.clone()), product.clone());
                assert_close(weight.affine(x, &bias), product + bias.val());
                assert_close(
                    weight.input_gradient(d_y.clone()),
                    d_y.matmul(w.transpose()),
                );
            }
            // A copy keeps the old values, and the layouts of these.
            let copy = weight.clone();
            weight = update_parameters(weight, |_, values| values.mul_scalar(-factor));
            let x = values([5, 30], 5);
            assert_close(copy.product(x.clone()), x.matmul(copy.val()));
        }
    }
}
