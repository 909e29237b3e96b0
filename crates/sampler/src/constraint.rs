//! What captions may be: how long, and which words may follow which.

mod ending;
mod ngram;
mod words;

use std::fmt::Debug;

pub use ending::{BadEndings, MinimumLength};
pub use ngram::{BlockImmediateRepeats, NoRepeatedNgram};
pub use words::{ForbiddenWords, Prefix, RequiredWords};

use crate::{END, Hypothesis};

/// A rule for the next word, given the caption so far.
pub trait Constraint: Debug + Send + Sync {
    /// Sets the scores, `[vocab]`, of all words that may not follow `caption` to `-inf`.
    ///
    /// `left`: how many words the caption can still take, the next one among them and the end token
    /// counted; 1 or more.
    fn forbid(&self, caption: &[u32], left: usize, scores: &mut [f32]);

    /// The words that it forbids, where it forbids the same ones whatever the caption.
    fn forbids_always(&self) -> Option<&[u32]> {
        None
    }

    /// Words that the caption still has to take; a beam compares captions that lack equally many.
    fn missing(&self, _caption: &[u32]) -> Vec<u32> {
        Vec::new()
    }

    /// Whether a whole caption keeps the rule; `words` are those before the end token.
    fn holds(&self, words: &[u32]) -> bool;

    /// Its name, that of its key in configurations.
    fn name(&self) -> &'static str;
}

/// What the captions of a search may be.
///
/// A caption that nothing may follow, because constraints forbid every word, ends: it takes the end
/// token, whatever forbids that. In a beam it gives way to captions that can go on, as long as there
/// are any. What such a dead end breaks stands in [`Hypothesis::broken`](crate::Hypothesis::broken).
#[derive(Debug, Default)]
pub struct Limits {
    /// Longest caption in words, the end token included; a longer one is cut off.
    pub max_length: usize,
    /// All hold at once.
    pub constraints: Vec<Box<dyn Constraint>>,
}

impl Limits {
    /// A maximum length and no constraints.
    pub fn length(max_length: usize) -> Self {
        Self {
            max_length,
            constraints: Vec::new(),
        }
    }

    /// Applies all constraints; whether a word is left.
    pub(crate) fn forbid(&self, caption: &[u32], scores: &mut [f32]) -> bool {
        let left = self.max_length.saturating_sub(caption.len());
        for constraint in &self.constraints {
            constraint.forbid(caption, left, scores);
        }
        self.constraints.is_empty() || scores.iter().any(|&score| score != f32::NEG_INFINITY)
    }

    /// The words that are forbidden, where all constraints forbid the same ones whatever the caption.
    #[cfg(feature = "cube")]
    pub(crate) fn forbid_always(&self) -> Option<Vec<u32>> {
        let each = self.constraints.iter().map(|c| c.forbids_always());
        let each: Option<Vec<&[u32]>> = each.collect();
        each.map(|words| words.concat())
    }

    /// Sets the scores, `[vocab]`, of all words that may not follow `caption` to `-inf`; where no word is left there is
    /// the end token.
    ///
    /// `false` if the model rules that out too: then nothing can follow.
    #[must_use]
    pub fn forbid_or_end(&self, caption: &[u32], scores: &mut [f32]) -> bool {
        let end = scores.get(END as usize).copied();
        let possible = self.forbid(caption, scores);
        match (possible, end) {
            (true, _) => true,
            (false, Some(end)) => {
                scores[END as usize] = end;
                end != f32::NEG_INFINITY
            }
            (false, None) => false,
        }
    }

    /// The names of the constraints that a whole caption breaks: none unless it ended where no word was left.
    pub fn broken(&self, caption: &[u32]) -> Vec<&'static str> {
        let words = caption.strip_suffix(&[END]).unwrap_or(caption);
        let broken = self.constraints.iter().filter(|c| !c.holds(words));
        broken.map(|c| c.name()).collect()
    }

    /// A caption with its log-probability, and what it breaks.
    pub fn judge(&self, words: Vec<u32>, log_probability: f64) -> Hypothesis {
        Hypothesis {
            broken: self.broken(&words),
            words,
            log_probability,
        }
    }

    /// Words that the caption still has to take.
    pub(crate) fn missing(&self, caption: &[u32]) -> Vec<u32> {
        let missing = self.constraints.iter();
        missing.flat_map(|c| c.missing(caption)).collect()
    }
}

/// Forbids one word, if there is such a word.
fn forbid_word(word: u32, scores: &mut [f32]) {
    if let Some(score) = scores.get_mut(word as usize) {
        *score = f32::NEG_INFINITY;
    }
}

/// Forbids all words but those for which `allowed` holds.
fn forbid_others(scores: &mut [f32], allowed: impl Fn(u32) -> bool) {
    for (word, score) in (0..).zip(scores) {
        if !allowed(word) {
            *score = f32::NEG_INFINITY;
        }
    }
}

#[cfg(test)]
mod tests;
