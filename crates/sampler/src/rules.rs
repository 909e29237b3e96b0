//! All that captions must be, in one place.

mod completion;
mod conflict;

pub use conflict::{Conflict, Rule};

use crate::{
    BadEndings, BlockImmediateRepeats, Constraint, ForbiddenWords, Limits, MinimumLength,
    NoRepeatedNgram, Prefix, RequiredWords,
};

/// All that captions must be, in the ids of a vocabulary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Words of the vocabulary, the end token among them.
    pub vocab: usize,
    /// Longest caption in words, the end token included; a longer one is cut off.
    pub max_length: usize,
    /// Words that are never decoded, whatever the rules: the unknown word.
    pub unspoken: Vec<u32>,
    /// Shortest caption in words, the end token not counted.
    pub minimum_length: usize,
    /// Order of the n-grams that no caption holds twice.
    pub no_repeat_ngram: Option<usize>,
    /// Whether a word may not follow itself.
    pub block_immediate_repeats: bool,
    /// Words that no caption ends with.
    pub bad_endings: Vec<u32>,
    /// Words that no caption holds.
    pub forbidden_words: Vec<u32>,
    /// Words that every caption holds.
    pub required_words: Vec<u32>,
    /// Words that every caption begins with.
    pub prefix: Vec<u32>,
}

impl Rules {
    /// As limits of a search.
    pub fn limits(&self) -> Limits {
        let mut constraints: Vec<Box<dyn Constraint>> = Vec::new();
        if !self.unspoken.is_empty() {
            constraints.push(Box::new(ForbiddenWords(self.unspoken.clone())));
        }
        if self.minimum_length > 0 {
            constraints.push(Box::new(MinimumLength(self.minimum_length)));
        }
        if let Some(order) = self.no_repeat_ngram {
            constraints.push(Box::new(NoRepeatedNgram(order)));
        }
        if self.block_immediate_repeats {
            constraints.push(Box::new(BlockImmediateRepeats));
        }
        if !self.bad_endings.is_empty() {
            constraints.push(Box::new(BadEndings(self.bad_endings.clone())));
        }
        if !self.forbidden_words.is_empty() {
            constraints.push(Box::new(ForbiddenWords(self.forbidden_words.clone())));
        }
        if !self.required_words.is_empty() {
            constraints.push(Box::new(RequiredWords {
                words: self.required_words.clone(),
                bad_endings: self.bad_endings.clone(),
            }));
        }
        if !self.prefix.is_empty() {
            constraints.push(Box::new(Prefix(self.prefix.clone())));
        }
        Limits {
            max_length: self.max_length,
            constraints,
        }
    }
}

#[cfg(test)]
mod tests;
