//! Words as ids, for references that are kept and captions that come later.

use rustc_hash::FxHashMap;

/// Numbers words from 0 in order of appearance, and owns them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vocabulary {
    ids: FxHashMap<String, u32>,
}

impl Vocabulary {
    /// Words that are numbered already.
    pub(crate) fn of_words(words: &[String]) -> Self {
        let ids = (0..).zip(words).map(|(id, word)| (word.clone(), id));
        Self { ids: ids.collect() }
    }

    pub(crate) fn id(&self, word: &str) -> Option<u32> {
        self.ids.get(word).copied()
    }

    /// The same with the words that were met since.
    pub(crate) fn extend(&mut self, more: FxHashMap<&str, u32>) {
        let more = more.into_iter().map(|(word, id)| (word.to_owned(), id));
        self.ids.extend(more);
    }
}

/// Numbers the words of some texts on from those of a vocabulary.
#[derive(Debug)]
pub(crate) struct Numbering<'a> {
    known: &'a Vocabulary,
    new: FxHashMap<&'a str, u32>,
}

impl<'a> Numbering<'a> {
    pub(crate) fn new(known: &'a Vocabulary) -> Self {
        let new = FxHashMap::default();
        Self { known, new }
    }

    pub(crate) fn id(&mut self, word: &'a str) -> u32 {
        let next = (self.known.ids.len() + self.new.len()) as u32;
        let known = self.known.id(word);
        known.unwrap_or_else(|| *self.new.entry(word).or_insert(next))
    }

    /// The words that the vocabulary lacks.
    pub(crate) fn into_new(self) -> FxHashMap<&'a str, u32> {
        self.new
    }
}
