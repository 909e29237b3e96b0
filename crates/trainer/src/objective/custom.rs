//! Sequence objectives of other crates.

use std::error::Error;

use crate::custom::{Addition, CustomError, Named};

/// What becomes of the rewards of the captions that were sampled for a source: the weight `c` of every word in
/// `c (p - 1_w)`, the gradient at the softmax inputs.
pub trait CustomObjective: Send + Sync {
    /// The weight of every word of every sample of one source. All that is read is detached.
    ///
    /// # Errors
    /// Whatever keeps it from weighing; the run ends with it.
    fn weights(
        &self,
        samples: &[JudgedSample<'_>],
    ) -> Result<Vec<Vec<f64>>, Box<dyn Error + Send + Sync>>;
}

impl Addition for dyn CustomObjective {
    const KIND: &'static str = "objective";
}

/// A caption that was sampled and judged. Lists have an entry for every word.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct JudgedSample<'a> {
    /// Its word ids, up to and including the end token if it has one.
    pub words: &'a [u32],
    /// Its reward.
    pub reward: f64,
    /// Its reward over its baseline, as `baseline`, `advantage_scale` and `credit` say.
    pub advantages: &'a [f64],
    /// Log-probabilities of the words by the model as it is, nats.
    pub log_probabilities: &'a [f64],
    /// The same where the sample was drawn: another number in later updates on the same samples, and with `sampling`.
    pub drawn: &'a [f64],
}

impl Named<dyn CustomObjective> {
    /// The weights of the samples of one source, a finite one of every word.
    ///
    /// # Errors
    /// [`CustomError`] when it gives others, or fails.
    pub(crate) fn weights(
        &self,
        samples: &[JudgedSample<'_>],
    ) -> Result<Vec<Vec<f64>>, CustomError> {
        let weights = self
            .get()
            .weights(samples)
            .map_err(|source| self.failed(source))?;
        if weights.len() != samples.len() {
            let found = format!("weights of {} of a source's samples", weights.len());
            return Err(self.gave(found, format!("those of {}", samples.len())));
        }
        for (n, (own, sample)) in weights.iter().zip(samples).enumerate() {
            if own.len() != sample.words.len() {
                let found = format!("{} weights of sample {n} of a source", own.len());
                let expected = format!("{}, one of every word", sample.words.len());
                return Err(self.gave(found, expected));
            }
            if let Some(weight) = own.iter().find(|weight| !weight.is_finite()) {
                let found = format!("the weight {weight} of sample {n} of a source");
                return Err(self.gave(found, "finite ones".to_owned()));
            }
        }
        Ok(weights)
    }
}
