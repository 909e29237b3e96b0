//! Where captions may end.

use super::{Constraint, forbid_word};
use crate::END;

/// Captions have so many words or more, the end token not counted.
#[derive(Debug, Clone)]
pub struct MinimumLength(pub usize);

impl Constraint for MinimumLength {
    fn forbid(&self, caption: &[u32], _left: usize, scores: &mut [f32]) {
        if caption.len() < self.0 {
            forbid_word(END, scores);
        }
    }

    fn holds(&self, words: &[u32]) -> bool {
        words.len() >= self.0
    }

    fn name(&self) -> &'static str {
        "minimum_length"
    }
}

/// No caption ends with one of these words, neither before the end token nor where it is cut off.
#[derive(Debug, Clone)]
pub struct BadEndings(pub Vec<u32>);

impl Constraint for BadEndings {
    fn forbid(&self, caption: &[u32], left: usize, scores: &mut [f32]) {
        if caption.last().is_some_and(|last| self.0.contains(last)) {
            forbid_word(END, scores);
        }
        if left == 1 {
            for &word in &self.0 {
                forbid_word(word, scores);
            }
        }
    }

    fn holds(&self, words: &[u32]) -> bool {
        words.last().is_none_or(|last| !self.0.contains(last))
    }

    fn name(&self) -> &'static str {
        "bad_endings"
    }
}
