//! A matrix product that every step takes, in the backward pass.

use burn::tensor::Tensor;

use crate::{rows::stack, weight::Weight};

/// `y_t = x_t W` at every step: the gradient at `x_t` a step at a time, that at `W` in one product over all steps.
#[derive(Debug)]
pub(crate) struct StepProduct {
    weight: Weight,
    /// `x_t`, the last step first.
    inputs: Vec<Tensor<2>>,
}

impl StepProduct {
    /// No step yet.
    pub(crate) fn new(weight: Weight) -> Self {
        Self {
            weight,
            inputs: Vec::new(),
        }
    }

    /// The gradient at `x_t` from that at `y_t`; steps come the last one first.
    pub(crate) fn backward(&mut self, input: Tensor<2>, d_output: Tensor<2>) -> Tensor<2> {
        self.inputs.push(input);
        self.weight.input_gradient(d_output)
    }

    /// The gradient at `W` from those at `y_t` of all steps, packed, of which there is at least one.
    pub(crate) fn weight_gradient(mut self, d_outputs: Tensor<2>) -> Tensor<2> {
        self.inputs.reverse();
        let inputs = stack(&self.inputs);
        self.weight.gradient(inputs, d_outputs)
    }
}
