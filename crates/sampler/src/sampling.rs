//! Captions drawn from a distribution that is sharper, flatter or shorter than the model's.

use rand::{Rng, RngExt};
use schemars::JsonSchema;
use scst_kernels::softmax::draw;
use serde::{Deserialize, Serialize};

use crate::{
    Hypothesis, Limits, OptionProblem, SamplerError, StepModel,
    error::{refuse, require},
    gumbel::gumbel_max,
    step::{decode, log_z, read},
    truncation::{min_p, temperature, top_k, top_p},
};

/// How words are drawn. With the defaults, from the model's own distribution.
///
/// Temperature comes first, then `top_k`, `top_p` of what is left, and `min_p`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SamplingOptions {
    /// Scores are divided by it.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub temperature: f64,
    /// Only so many of the most probable words are drawn from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1), extend("examples" = [50]))]
    pub top_k: Option<usize>,
    /// Only the most probable words that together have this probability are drawn from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0), extend("examples" = [0.9]))]
    pub top_p: Option<f64>,
    /// Only words with at least this share of the largest probability are drawn from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0), extend("examples" = [0.1]))]
    pub min_p: Option<f64>,
    /// The method.
    pub draw: Draw,
}

/// How a word is drawn from a distribution: different words, equal frequencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Draw {
    /// By inverting the cumulative distribution at a uniform number.
    Inversion,
    /// By adding Gumbel noise: a word keeps its noise whatever the options.
    GumbelMax,
}

impl Default for SamplingOptions {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_k: None,
            top_p: None,
            min_p: None,
            draw: Draw::Inversion,
        }
    }
}

impl SamplingOptions {
    /// What is out of range.
    pub fn problems(&self) -> Vec<OptionProblem> {
        let mut problems = Vec::new();
        let t = self.temperature;
        let positive = "a finite number above 0";
        require(
            &mut problems,
            t > 0.0 && t.is_finite(),
            "temperature",
            t,
            positive,
        );
        let k = self.top_k.unwrap_or(1);
        require(&mut problems, k >= 1, "top_k", k, "1 or more");
        for (option, share) in [("top_p", self.top_p), ("min_p", self.min_p)] {
            let share = share.unwrap_or(1.0);
            let inside = share > 0.0 && share <= 1.0;
            require(&mut problems, inside, option, share, "above 0, at most 1");
        }
        problems
    }

    fn word(&self, scores: &mut [f32], uniform: f64) -> Option<u32> {
        self.reshape(scores);
        self.drawn(scores, uniform)
    }

    /// Makes of the model's scores those of the distribution that is drawn from.
    pub(crate) fn reshape(&self, scores: &mut [f32]) {
        temperature(self.temperature, scores);
        if let Some(k) = self.top_k {
            top_k(k, scores);
        }
        if let Some(p) = self.top_p {
            top_p(p, scores);
        }
        if let Some(share) = self.min_p {
            min_p(share, scores);
        }
    }

    /// A word of the distribution that the scores are of.
    pub(crate) fn drawn(&self, scores: &mut [f32], uniform: f64) -> Option<u32> {
        match self.draw {
            Draw::Inversion => draw(scores.len(), scores, &[uniform]).pop().flatten(),
            Draw::GumbelMax => gumbel_max(scores, uniform),
        }
    }
}

/// Captions drawn as `options` say, within `limits`, which come before them.
///
/// The log-probabilities are the model's own, those of temperature 1 and all words: not those of the
/// distribution that was drawn from, so that a gradient with them would not be on-policy.
///
/// One number per caption and step is drawn beforehand, caption by caption: a caption depends
/// neither on the others nor on how captions are divided into batches that share `rng`.
///
/// # Errors
/// [`SamplerError`] when the model fails, its scores are no distribution, constraints leave nothing,
/// or an option is out of range.
pub fn sample_with<M: StepModel>(
    model: &mut M,
    state: M::State,
    rows: usize,
    options: &SamplingOptions,
    limits: &Limits,
    rng: &mut impl Rng,
) -> Result<Vec<Hypothesis>, SamplerError<M::Error>> {
    refuse(options.problems())?;
    let length = limits.max_length;
    let uniforms: Vec<f64> = (0..rows * length).map(|_| rng.random()).collect();
    let mut log_probabilities = vec![0.0; rows];
    let captions = decode(model, state, rows, length, |scores, open| {
        let [_, vocab] = scores.dims();
        let step = open.step;
        let mut scores = read(scores, step)?;
        let rows = open.rows.iter().zip(scores.chunks_mut(vocab));
        rows.map(|(&row, scores)| {
            let log_z = log_z(scores).ok_or(SamplerError::NoDistribution { row, step })?;
            let own = scores.to_vec();
            if !limits.forbid_or_end(&open.captions[row], scores) {
                return Err(SamplerError::NothingAllowed { row, step });
            }
            let word = options
                .word(scores, uniforms[row * length + step])
                .ok_or(SamplerError::NoDistribution { row, step })?;
            log_probabilities[row] += f64::from(own[word as usize]) - log_z;
            Ok(word)
        })
        .collect()
    })?;
    let hypotheses = captions.into_iter().zip(log_probabilities);
    Ok(hypotheses
        .map(|(words, log_probability)| limits.judge(words, log_probability))
        .collect())
}

#[cfg(test)]
mod tests;
