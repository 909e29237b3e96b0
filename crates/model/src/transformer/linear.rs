//! A matrix product with a bias.

use burn::{
    module::{Module, Param},
    tensor::{DType, Device, Tensor},
};
use rand::Rng;

use crate::{Gradients, init, weight::Weight};

/// `y = x W + b`.
#[derive(Module, Debug)]
pub(crate) struct Linear {
    /// `W`, `[inputs, outputs]`.
    weight: Weight,
    /// `b`, `[1, outputs]`.
    bias: Param<Tensor<2>>,
}

impl Linear {
    pub(crate) fn init(
        [inputs, outputs]: [usize; 2],
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> Self {
        Self {
            weight: init::linear([inputs, outputs], inputs, place, rng).into(),
            bias: init::linear([1, outputs], inputs, place, rng),
        }
    }

    /// Number of inputs.
    pub(crate) fn inputs(&self) -> usize {
        self.weight.dims()[0]
    }

    /// `y`, `[rows, outputs]`, of `x`, `[rows, inputs]`.
    pub(crate) fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.weight.affine(x, &self.bias)
    }

    /// The gradient at `x` from that at `y`.
    pub(crate) fn input_gradient(&self, d_y: Tensor<2>) -> Tensor<2> {
        self.weight.input_gradient(d_y)
    }

    /// Adds the gradients of `W` and `b`, parameters below `name`.
    pub(crate) fn add_gradients(
        &self,
        x: Tensor<2>,
        d_y: Tensor<2>,
        name: &str,
        gradients: &mut Gradients,
    ) {
        gradients.add(&format!("{name}.bias"), d_y.clone().sum_dim(0));
        gradients.add(&format!("{name}.weight"), self.weight.gradient(x, d_y));
    }
}
