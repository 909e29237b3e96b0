//! Words of samples that are made less probable, whatever their reward.

use scst_data::{Vocabulary, vocabulary::UNKNOWN_ID};
use scst_sampler::END;

use crate::config::UnlikelihoodConfig;

impl UnlikelihoodConfig {
    /// Which words of a caption are unwanted, `[T]`: those of its list, and all words of an n-gram that the caption had whole
    /// before (Welleck et al. 2020, section 5.2). Its end is never among them.
    pub(super) fn unwanted(&self, caption: &[u32], vocabulary: &Vocabulary) -> Vec<bool> {
        let words = caption.strip_suffix(&[END]).unwrap_or(caption);
        let banned: Vec<u32> = self
            .words
            .iter()
            .map(|word| vocabulary.id(word))
            .filter(|&id| id != UNKNOWN_ID)
            .collect();
        let mut unwanted: Vec<bool> = words.iter().map(|word| banned.contains(word)).collect();
        if let Some(order) = self.repeated_ngram {
            for start in order..=words.len().saturating_sub(order) {
                let ngram = &words[start..start + order];
                if words[..start].windows(order).any(|before| before == ngram) {
                    unwanted[start..start + order].fill(true);
                }
            }
        }
        unwanted.resize(caption.len(), false);
        unwanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unwanted(order: Option<usize>, words: &[&str], caption: &[u32]) -> Vec<usize> {
        let all: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        let vocabulary = Vocabulary::build([all.as_slice()].into_iter(), 1);
        let config = UnlikelihoodConfig {
            weight: 1.0,
            repeated_ngram: order,
            words: words.iter().map(|&word| word.to_owned()).collect(),
        };
        let found = config.unwanted(caption, &vocabulary);
        assert_eq!(found.len(), caption.len());
        (0..found.len()).filter(|&t| found[t]).collect()
    }

    #[test]
    fn words_of_repeated_ngrams_are_unwanted() {
        let caption = [2, 3, 4, 2, 3, 3, END];
        assert_eq!(unwanted(Some(1), &[], &caption), [3, 4, 5]);
        assert_eq!(unwanted(Some(2), &[], &caption), [3, 4]);
        assert_eq!(unwanted(Some(3), &[], &caption), [0usize; 0]);
        // What overlaps its first occurrence is not yet a repetition of it.
        assert_eq!(unwanted(Some(2), &[], &[2, 2, 2]), [0usize; 0]);
        assert_eq!(unwanted(Some(2), &[], &[2, 2, 2, 2]), [2, 3]);
        assert_eq!(unwanted(Some(9), &[], &[2, 3]), [0usize; 0]);
    }

    #[test]
    fn listed_words_are_unwanted_and_the_end_never_is() {
        assert_eq!(unwanted(None, &["b", "z"], &[2, 3, 3, END]), [1, 2]);
        assert_eq!(unwanted(Some(1), &["a"], &[END]), [0usize; 0]);
        // The unknown word stands for many, of which no list is.
        assert_eq!(unwanted(None, &["z"], &[UNKNOWN_ID, END]), [0usize; 0]);
    }
}
