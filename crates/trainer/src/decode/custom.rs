//! Searches of other crates.

use std::error::Error;

use rand::Rng;
use scst_model::ModelError;
use scst_sampler::{END, Held, HeldError, Hypothesis, Limits, StepModel};

use crate::custom::{Addition, CustomError, Named};

/// A captioner, or an ensemble of them, at work on a batch.
pub type SearchModel<'a> = dyn StepModel<State = (), Error = HeldError<ModelError>> + 'a;

/// A search for captions.
pub trait CustomSearch: Send + Sync {
    /// One caption or more of each of `sources` sources, the open captions of which are the model's rows at the start, in
    /// that order, with their log-probabilities by the model.
    ///
    /// Which of a source's captions is taken the decoder's `rerank` and `length_normalisation` say. Draws come from `rng`
    /// alone, in the order of the sources.
    ///
    /// # Errors
    /// Whatever keeps it from searching.
    fn search(
        &self,
        model: &mut SearchModel<'_>,
        sources: usize,
        limits: &Limits,
        rng: &mut dyn Rng,
    ) -> Result<Vec<Vec<Hypothesis>>, Box<dyn Error + Send + Sync>>;
}

impl Addition for dyn CustomSearch {
    const KIND: &'static str = "search";
}

impl Named<dyn CustomSearch> {
    /// The captions of every source, one or more, of up to the longest that there may be, and what they break.
    ///
    /// # Errors
    /// [`CustomError`] when it gives others, or fails.
    pub(super) fn hypotheses<M: StepModel<Error = ModelError>>(
        &self,
        model: &mut M,
        state: M::State,
        sources: usize,
        limits: &Limits,
        (vocab, rng): (usize, &mut dyn Rng),
    ) -> Result<Vec<Vec<Hypothesis>>, CustomError> {
        let mut held = Held::new(model, state);
        let found = self.get().search(&mut held, sources, limits, rng);
        let mut found = found.map_err(|source| self.failed(source))?;
        if found.len() != sources {
            let given = format!("captions of {} sources", found.len());
            return Err(self.gave(given, format!("those of {sources}")));
        }
        if let Some(empty) = found.iter().position(Vec::is_empty) {
            let given = format!("no caption of source {empty}");
            return Err(self.gave(given, "one or more".to_owned()));
        }
        for hypothesis in found.iter_mut().flatten() {
            let words = &hypothesis.words;
            let inner = words.split_last().map_or(&[][..], |(_, before)| before);
            let longest = limits.max_length;
            if words.is_empty() || words.len() > longest {
                let given = format!("a caption of {} words", words.len());
                return Err(self.gave(given, format!("1 to {longest}, the end token counted")));
            }
            if inner.contains(&END) {
                let given = "a caption with words behind its end token".to_owned();
                return Err(self.gave(given, "none".to_owned()));
            }
            if let Some(word) = words.iter().find(|&&word| word as usize >= vocab) {
                let given = format!("the word {word}");
                return Err(self.gave(given, format!("words below {vocab}")));
            }
            if !hypothesis.log_probability.is_finite() {
                let given = format!("the log-probability {}", hypothesis.log_probability);
                return Err(self.gave(given, "a finite number".to_owned()));
            }
            hypothesis.broken = limits.broken(words);
        }
        Ok(found)
    }
}
