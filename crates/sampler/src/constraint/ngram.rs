//! Which words may come again.

use std::collections::BTreeSet;

use super::{Constraint, forbid_word};

/// No n-gram of this order occurs twice in a caption (Paulus et al. 2017 block trigrams).
#[derive(Debug, Clone)]
pub struct NoRepeatedNgram(pub usize);

impl Constraint for NoRepeatedNgram {
    fn forbid(&self, caption: &[u32], _left: usize, scores: &mut [f32]) {
        let Some(before) = self.0.checked_sub(1) else {
            return; // n-grams of no words
        };
        let Some(begin) = caption.len().checked_sub(before) else {
            return;
        };
        let open = &caption[begin..];
        for ngram in caption.windows(self.0) {
            if &ngram[..before] == open {
                forbid_word(ngram[before], scores);
            }
        }
    }

    fn holds(&self, words: &[u32]) -> bool {
        if self.0 == 0 {
            return true;
        }
        let mut seen = BTreeSet::new();
        words.windows(self.0).all(|ngram| seen.insert(ngram))
    }

    fn name(&self) -> &'static str {
        "no_repeat_ngram"
    }
}

/// No word follows itself.
#[derive(Debug, Clone)]
pub struct BlockImmediateRepeats;

impl Constraint for BlockImmediateRepeats {
    fn forbid(&self, caption: &[u32], _left: usize, scores: &mut [f32]) {
        if let Some(&last) = caption.last() {
            forbid_word(last, scores);
        }
    }

    fn holds(&self, words: &[u32]) -> bool {
        words.windows(2).all(|pair| pair[0] != pair[1])
    }

    fn name(&self) -> &'static str {
        "block_immediate_repeats"
    }
}
