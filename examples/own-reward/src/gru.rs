//! The captioner: a gated recurrent unit (Cho et al. 2014) that begins with what a layer makes of the image.

use burn::tensor::{
    Tensor,
    activation::{sigmoid, tanh},
};
use scst_model::{
    CustomCaptioner, CustomConfig, CustomParameter, Dimensions, ModelError, OptionProblem,
    SourceVectors, Units, Weights,
};

/// ```text
/// h_0 = tanh(image W_I + b_I),   x = E[w_(t-1)]
/// z, r = sigmoid(x W_x + b + h_(t-1) W_h), its two halves
/// h_t = (1 - z) h_(t-1) + z tanh(x W_c + b_c + (r h_(t-1)) W_r)
/// ```
#[derive(Debug)]
pub(crate) struct Gru {
    hidden: usize,
    embedding: usize,
}

/// The captioner with the options of `[model.custom]`.
///
/// # Errors
/// [`OptionProblem`] for an option that is none or out of range: the message names the key.
pub(crate) fn from_config(config: &CustomConfig) -> Result<Gru, OptionProblem> {
    config.check_options(&["embedding", "hidden"])?;
    Ok(Gru {
        hidden: config.size("hidden", 256)?,
        embedding: config.size("embedding", 256)?,
    })
}

impl CustomCaptioner for Gru {
    fn hidden(&self) -> usize {
        self.hidden
    }

    fn parameters(&self, Dimensions { feature, vocab }: Dimensions) -> Vec<CustomParameter> {
        let (h, e) = (self.hidden, self.embedding);
        vec![
            CustomParameter::embedding("embedding", [vocab, e]),
            CustomParameter::linear("image_weight", [feature, h]),
            CustomParameter::bias("image_bias", h),
            CustomParameter::linear("gate_input_weight", [e, 2 * h]),
            CustomParameter::linear("gate_recurrent_weight", [h, 2 * h]),
            CustomParameter::bias("gate_bias", 2 * h),
            CustomParameter::linear("candidate_input_weight", [e, h]),
            CustomParameter::linear("candidate_recurrent_weight", [h, h]),
            CustomParameter::bias("candidate_bias", h),
        ]
    }

    fn start(
        &self,
        weights: &Weights,
        images: &SourceVectors,
        _: Units<'_>,
    ) -> Result<Vec<Tensor<2>>, ModelError> {
        let image = images.vectors().matmul(weights.get("image_weight")?);
        Ok(vec![tanh(image + weights.get("image_bias")?)])
    }

    fn step(
        &self,
        weights: &Weights,
        words: &[u32],
        state: Vec<Tensor<2>>,
        mut units: Units<'_>,
    ) -> Result<(Tensor<2>, Vec<Tensor<2>>), ModelError> {
        let before = state[0].clone();
        let x = units.drop(weights.embed("embedding", words)?);
        let gates = x.clone().matmul(weights.get("gate_input_weight")?)
            + before.clone().matmul(weights.get("gate_recurrent_weight")?)
            + weights.get("gate_bias")?;
        let gates = sigmoid(gates);
        let update = gates.clone().narrow(1, 0, self.hidden);
        let reset = gates.narrow(1, self.hidden, self.hidden) * before.clone();
        let candidate = x.matmul(weights.get("candidate_input_weight")?)
            + reset.matmul(weights.get("candidate_recurrent_weight")?)
            + weights.get("candidate_bias")?;
        let h = before.clone() + update * (tanh(candidate) - before);
        Ok((units.drop(h.clone()), vec![h]))
    }
}
