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

    fn forbids_always(&self) -> Option<&[u32]> {
        Some(&self.0)
    }

    fn holds(&self, words: &[u32]) -> bool {
        words.iter().all(|word| !self.0.contains(word))
    }

    fn name(&self) -> &'static str {
        "forbidden_words"
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

    fn holds(&self, words: &[u32]) -> bool {
        words.starts_with(&self.0)
    }

    fn name(&self) -> &'static str {
        "prefix"
    }
}

/// Each of these words occurs, anywhere and in any order.
///
/// A caption does not end without them, and takes them in the last places if need be; where all of them are bad
/// endings, one place more is kept for the word after them. So that they come earlier, a beam keeps its width of
/// captions for every number of missing words, and tries the missing words at every step: grid beam search (Hokamp and
/// Liu 2017) with words for constraints.
#[derive(Debug, Clone, Default)]
pub struct RequiredWords {
    /// The words.
    pub words: Vec<u32>,
    /// Words that captions do not end with, as [`BadEndings`](super::BadEndings) has it.
    pub bad_endings: Vec<u32>,
}

impl RequiredWords {
    /// The fewest places that take these words, not a bad ending last.
    fn places(&self, missing: &[u32]) -> usize {
        let needs_ending = missing.iter().all(|word| self.bad_endings.contains(word));
        missing.len() + usize::from(needs_ending)
    }

    /// The fewest places behind the missing word `next` that take the others.
    fn places_after(&self, next: u32, missing: &[u32]) -> usize {
        match missing {
            [_] => usize::from(self.bad_endings.contains(&next)),
            _ => {
                let rest = missing.iter().copied().filter(|&word| word != next);
                self.places(&rest.collect::<Vec<_>>())
            }
        }
    }
}

impl Constraint for RequiredWords {
    fn forbid(&self, caption: &[u32], left: usize, scores: &mut [f32]) {
        let missing = self.missing(caption);
        if missing.is_empty() {
            return;
        }
        forbid_word(END, scores);
        if self.places(&missing) < left {
            return; // any word fits in before them
        }
        forbid_others(scores, |word| {
            missing.contains(&word) && self.places_after(word, &missing) < left
        });
    }

    fn missing(&self, caption: &[u32]) -> Vec<u32> {
        let words = self.words.iter().enumerate();
        words
            .filter(|&(k, word)| !caption.contains(word) && !self.words[..k].contains(word))
            .map(|(_, &word)| word)
            .collect()
    }

    fn holds(&self, words: &[u32]) -> bool {
        self.missing(words).is_empty()
    }

    fn name(&self) -> &'static str {
        "required_words"
    }
}
