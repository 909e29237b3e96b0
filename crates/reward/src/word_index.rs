//! The words of references as ids, for candidates that come later.

use rustc_hash::FxHashMap;

/// The id of every word that no reference holds; no reference's word has it.
pub(crate) const UNSEEN: u32 = u32::MAX;

/// Numbers words in order of appearance, and owns them.
#[derive(Debug, Clone, Default)]
pub(crate) struct WordIndex {
    ids: FxHashMap<String, u32>,
}

impl WordIndex {
    /// The ids of a reference's words, new ones for new words.
    pub(crate) fn insert<'a>(&mut self, words: impl Iterator<Item = &'a str>) -> Vec<u32> {
        words
            .map(|word| {
                if let Some(&id) = self.ids.get(word) {
                    return id;
                }
                let id = self.ids.len() as u32;
                self.ids.insert(word.to_owned(), id);
                id
            })
            .collect()
    }

    /// The ids of a candidate's words, [`UNSEEN`] where no reference has the word.
    pub(crate) fn find<'a>(&self, words: impl Iterator<Item = &'a str>) -> Vec<u32> {
        words
            .map(|word| self.ids.get(word).copied().unwrap_or(UNSEEN))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unseen_when_no_reference_holds_them() {
        let mut index = WordIndex::default();
        assert_eq!(index.insert(["a", "b", "a"].into_iter()), [0, 1, 0]);
        assert_eq!(index.find(["b", "c", "d"].into_iter()), [1, UNSEEN, UNSEEN]);
    }
}
