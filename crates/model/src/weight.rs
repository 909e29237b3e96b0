//! A weight that rows are multiplied by.

use std::sync::{Arc, OnceLock};

use burn::{
    module::{
        Content, Devices, Flag, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper,
        ModuleVisitor, Param,
    },
    tensor::{Device, Tensor},
};
use scst_kernels::{
    host::{View, is_host},
    product::{Packed, Precision, product_of_tensors},
};

/// Rows up to which a product of 32 bits is one of few rows: those of a step. Of more rows, the library's products are as
/// fast, and lay out what they need.
const FEW_ROWS: usize = 128;

/// `W`, `[inputs, outputs]`, a parameter with its layouts for products, and how precisely these are taken.
///
/// Every step of a caption multiplies by it, forward and backward: on the host it is laid out once for all steps, until
/// it gets other values.
#[derive(Debug, Clone)]
pub(crate) struct Weight {
    values: Param<Tensor<2>>,
    precision: Precision,
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
        Self::new(values, Precision::default())
    }
}

impl Weight {
    fn new(values: Param<Tensor<2>>, precision: Precision) -> Self {
        Self {
            values,
            precision,
            layouts: Arc::default(),
        }
    }

    pub(crate) fn val(&self) -> Tensor<2> {
        self.values.val()
    }

    /// Inputs and outputs.
    pub(crate) fn dims(&self) -> [usize; 2] {
        self.values.val().dims()
    }

    /// `x W`, `[rows, outputs]`, of `x`, `[rows, inputs]`.
    pub(crate) fn product(&self, x: Tensor<2>) -> Tensor<2> {
        if self.is_laid_out_for(&x) {
            return product_of_tensors(x, self.layout(), None);
        }
        Precision::F32.product(x, self.val())
    }

    /// `x W + b`, `[rows, outputs]`, of `x`, `[rows, inputs]`, and `b`, `[1, outputs]`.
    pub(crate) fn affine(&self, x: Tensor<2>, bias: &Param<Tensor<2>>) -> Tensor<2> {
        if self.is_laid_out_for(&x) {
            return product_of_tensors(x, self.layout(), Some(bias.val()));
        }
        Precision::F32.product(x, self.val()) + bias.val()
    }

    /// The gradient at `x`, `[rows, inputs]`, from that at `x W`.
    pub(crate) fn input_gradient(&self, d_y: Tensor<2>) -> Tensor<2> {
        if self.is_laid_out_for(&d_y) {
            let layout = self.layouts.transposed.get_or_init(|| {
                Packed::transposed(View::of(self.val()).get(), self.dims(), self.precision)
            });
            return product_of_tensors(d_y, layout, None);
        }
        Precision::F32.product_with_transpose(d_y, self.val())
    }

    /// The gradient at `W` from `x`, `[rows, inputs]`, and that at `x W`.
    pub(crate) fn gradient(&self, x: Tensor<2>, d_y: Tensor<2>) -> Tensor<2> {
        self.precision.transposed_product(x, d_y)
    }

    /// The precision as what goes through modules that hold weights: whether it is bfloat16.
    fn flag(&self) -> Param<Flag> {
        Param::from_bool(self.precision == Precision::Bf16)
    }

    fn is_laid_out_for(&self, x: &Tensor<2>) -> bool {
        let pays = self.precision == Precision::Bf16 || x.dims()[0] <= FEW_ROWS;
        pays && is_host(&x.device(), x.dtype())
    }

    fn layout(&self) -> &Packed {
        let layout = || Packed::new(View::of(self.val()).get(), self.dims(), self.precision);
        self.layouts.own.get_or_init(layout)
    }
}

/// Takes the products of all weights of a module in this precision.
pub(crate) struct SetPrecision(pub(crate) Precision);

impl ModuleMapper for SetPrecision {
    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        flag.with_value(self.0 == Precision::Bf16)
    }
}

/// Its parameter's own, by the same name; whatever changes values or precision ends their layouts.
impl Module for Weight {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.values.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        Self::new(self.values.fork(device), self.precision)
    }

    fn to_device(self, device: &Device) -> Self {
        Self::new(self.values.to_device(device), self.precision)
    }

    fn train(self) -> Self {
        Self::new(self.values.train(), self.precision)
    }

    fn valid(&self) -> Self {
        Self::new(self.values.valid(), self.precision)
    }

    fn materialize(self) -> Self {
        Self::new(self.values.materialize(), self.precision)
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.values.visit(visitor);
        visitor.visit_flag(&self.flag());
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        let precision = if mapper.map_flag(self.flag()).is_enabled() {
            Precision::Bf16
        } else {
            Precision::F32
        };
        Self::new(Module::map(self.values, mapper), precision)
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
