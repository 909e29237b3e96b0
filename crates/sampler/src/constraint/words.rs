//! Which words captions may or must hold.

use super::{Constraint, forbid_others, forbid_word};
use crate::END;

/// These words do not occur.
#[derive(Debug, Clone)]
pub struct ForbiddenWords(pub Vec<u32>);

impl Constraint for ForbiddenWords {
    fn forbid(&self, _caption: &[u32], _left: usize, scores: &mut [f32]) {
        for &word in &self.0 {
            forbid_word(word, scores);
        }
    }
}

/// Captions begin with these words.
#[derive(Debug, Clone)]
pub struct Prefix(pub Vec<u32>);

impl Constraint for Prefix {
    fn forbid(&self, caption: &[u32], _left: usize, scores: &mut [f32]) {
        if let Some(&next) = self.0.get(caption.len()) {
            forbid_others(scores, |word| word == next);
        }
    }
}

/// Each of these words occurs, anywhere and in any order.
///
/// A caption does not end without them, and takes them in the last places if need be. So that they
/// come earlier, a beam keeps its width of captions for every number of missing words, and tries the
/// missing words at every step: grid beam search (Hokamp and Liu 2017) with words for constraints.
#[derive(Debug, Clone)]
pub struct RequiredWords(pub Vec<u32>);

impl Constraint for RequiredWords {
    fn forbid(&self, caption: &[u32], left: usize, scores: &mut [f32]) {
        let missing = self.missing(caption);
        if missing.is_empty() {
            return;
        }
        forbid_word(END, scores);
        if missing.len() >= left {
            forbid_others(scores, |word| missing.contains(&word));
        }
    }

    fn missing(&self, caption: &[u32]) -> Vec<u32> {
        let words = self.0.iter().enumerate();
        words
            .filter(|&(k, word)| !caption.contains(word) && !self.0[..k].contains(word))
            .map(|(_, &word)| word)
            .collect()
    }
}
