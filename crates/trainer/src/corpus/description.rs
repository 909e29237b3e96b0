//! What the data of a run are: numbers that everybody looks for first, from one pass over the captions.

use scst_data::{Example, vocabulary::UNKNOWN_ID};

/// Sources, captions and words of a data set, as training finds them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataDescription {
    /// Training sources.
    pub train_sources: usize,
    /// Validation sources.
    pub val_sources: usize,
    /// Test sources.
    pub test_sources: usize,
    /// Training captions.
    pub train_captions: usize,
    /// Captions of all splits that were left out because they hold no word.
    pub wordless: usize,
    /// Words in the vocabulary, the end token and the unknown word included.
    pub vocabulary: usize,
    /// Words of the training captions, every occurrence counted.
    pub words: u64,
    /// Those of them that the vocabulary lacks: the captioner reads the unknown word instead.
    pub unknown_words: u64,
    /// The first word that is unknown, if one is.
    pub unknown_example: Option<String>,
    /// Longest caption that is trained on or decoded, in words, the end token included.
    pub max_length: usize,
    /// Training captions that are longer, and are cut there.
    pub cut_captions: usize,
    /// Words of the longest training caption, the end token included.
    pub longest_caption: usize,
}

impl DataDescription {
    /// Share of the words of the training captions that are unknown.
    pub fn unknown_share(&self) -> f64 {
        self.unknown_words as f64 / self.words.max(1) as f64
    }

    /// Share of the training captions that are cut.
    pub fn cut_share(&self) -> f64 {
        self.cut_captions as f64 / self.train_captions.max(1) as f64
    }

    /// Training sources that no batch of an epoch holds, where a batch has `sources_per_batch`: others in every epoch.
    pub fn left_out(&self, sources_per_batch: usize) -> usize {
        self.train_sources
            .checked_rem(sources_per_batch)
            .unwrap_or(self.train_sources)
    }

    /// Counts a training caption: its words as ids, the end token last, and as text.
    fn count(&mut self, ids: &[u32], text: &str) {
        let length = ids.len();
        self.train_captions += 1;
        self.cut_captions += usize::from(length > self.max_length);
        self.longest_caption = self.longest_caption.max(length);
        self.words += length.saturating_sub(1) as u64;
        let words = ids.iter().zip(text.split(' '));
        for (_, word) in words.filter(|&(&id, _)| id == UNKNOWN_ID) {
            self.unknown_words += 1;
            self.unknown_example.get_or_insert_with(|| word.to_owned());
        }
    }
}

/// Describes training sources, and counts those of the other splits.
///
/// `splits`: training, validation and test sources; `vocabulary`: its size; `max_length`: in words, the end token
/// included.
pub fn describe(
    splits: [&[Example]; 3],
    vocabulary: usize,
    max_length: usize,
    wordless: usize,
) -> DataDescription {
    let [train, val, test] = splits;
    let mut description = DataDescription {
        train_sources: train.len(),
        val_sources: val.len(),
        test_sources: test.len(),
        vocabulary,
        max_length,
        wordless,
        ..DataDescription::default()
    };
    for example in train {
        for (ids, text) in example.captions().zip(example.references()) {
            description.count(ids, text);
        }
    }
    description
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_captions_are_counted() {
        let mut found = DataDescription {
            max_length: 4,
            train_sources: 3,
            ..DataDescription::default()
        };
        found.count(&[2, 3, 0], "a dog");
        // Three words and the end token still fit.
        found.count(&[2, 3, 4, 0], "a dog runs");
        found.count(&[2, 1, 1, 3, 0], "a tiny brown dog");
        let expected = DataDescription {
            max_length: 4,
            train_sources: 3,
            train_captions: 3,
            words: 9,
            unknown_words: 2,
            unknown_example: Some("tiny".to_owned()),
            cut_captions: 1,
            longest_caption: 5,
            ..DataDescription::default()
        };
        assert_eq!(found, expected);
        assert_eq!((found.left_out(3), found.left_out(2)), (0, 1));
    }

    #[test]
    fn nothing_is_divided_by_nothing() {
        let nothing = describe([&[], &[], &[]], 2, 16, 0);
        assert_eq!((nothing.unknown_share(), nothing.cut_share()), (0.0, 0.0));
        assert_eq!(nothing.left_out(0), 0);
    }
}
