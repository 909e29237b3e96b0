//! Words to token ids, for text that has no vocabulary of its own.

use rustc_hash::FxHashMap;

/// Gives every distinct word an id, counting from 0 in order of appearance.
#[derive(Debug, Default)]
pub struct Interner<'text> {
    ids: FxHashMap<&'text str, u32>,
}

impl<'text> Interner<'text> {
    /// Ids of words that are numbered already, from 0; later words are numbered on.
    pub fn of_words(words: &'text [String]) -> Self {
        let mut interner = Self::default();
        for word in words {
            interner.id(word);
        }
        interner
    }

    /// The id of `word`, a new one if it was never seen.
    pub fn id(&mut self, word: &'text str) -> u32 {
        let next = self.ids.len() as u32;
        *self.ids.entry(word).or_insert(next)
    }

    /// All words, by id.
    pub fn into_words(self) -> Vec<String> {
        let mut words: Vec<(u32, &str)> =
            self.ids.into_iter().map(|(word, id)| (id, word)).collect();
        words.sort_unstable();
        words.into_iter().map(|(_, word)| word.to_owned()).collect()
    }

    /// The ids of the words of `text`, split where Python's `str.split()` splits.
    pub fn words(&mut self, text: &'text str) -> Vec<u32> {
        python_words(text).map(|word| self.id(word)).collect()
    }

    /// The ids of the pieces between single spaces, as Python's `str.split(" ")` gives them: empty text is one empty
    /// piece, two spaces enclose another.
    pub fn pieces(&mut self, text: &'text str) -> Vec<u32> {
        text.split(' ').map(|piece| self.id(piece)).collect()
    }

    /// Whether [`words`](Self::words) and [`pieces`](Self::pieces) split `text` alike.
    pub(crate) fn pieces_are_words(text: &str) -> bool {
        !text.is_empty()
            && !text.starts_with(' ')
            && !text.ends_with(' ')
            && !text.contains("  ")
            && !text.contains(|character| character != ' ' && is_python_space(character))
    }

    /// How many distinct words were seen.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether no word was seen.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// Unicode white space plus the four separators U+001C to U+001F, which Python counts and Unicode does not.
pub(crate) fn is_python_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// The words of `text`, split where Python's `str.split()` splits.
pub fn python_words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_python_space).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_follow_python_when_spaces_are_unusual() {
        let mut interner = Interner::default();
        assert_eq!(interner.words("a b\u{a0}a\u{1f}c  b\n"), [0, 1, 0, 2, 1]);
        assert_eq!(interner.len(), 3);
    }

    #[test]
    fn pieces_hold_empty_words_when_spaces_double() {
        let mut interner = Interner::default();
        assert_eq!(interner.pieces("a  b\u{a0}c"), [0, 1, 2]);
        assert_eq!(interner.pieces(""), [1]);
    }
}
