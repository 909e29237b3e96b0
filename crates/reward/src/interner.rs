//! Words to token ids, for text that has no vocabulary of its own.

use rustc_hash::FxHashMap;

/// Gives every distinct word an id, counting from 0 in order of appearance.
#[derive(Debug, Default)]
pub struct Interner<'text> {
    /// Words of less than 8 bytes, by their bytes and a 1 behind: most words, which are hashed and compared at once.
    short: FxHashMap<u64, u32>,
    long: FxHashMap<&'text str, u32>,
    /// By id.
    words: Vec<&'text str>,
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
        if word.len() < 8 {
            let letters = word.bytes().rev();
            let key = letters.fold(1, |key, letter| key << 8 | u64::from(letter));
            return self.short_id(key, word);
        }
        let next = self.words.len() as u32;
        let id = *self.long.entry(word).or_insert(next);
        if id == next {
            self.words.push(word);
        }
        id
    }

    fn short_id(&mut self, key: u64, word: &'text str) -> u32 {
        let next = self.words.len() as u32;
        let id = *self.short.entry(key).or_insert(next);
        if id == next {
            self.words.push(word);
        }
        id
    }

    /// All words, by id.
    pub fn into_words(self) -> Vec<String> {
        self.words.into_iter().map(str::to_owned).collect()
    }

    /// The ids of the words of `text`, split where Python's `str.split()` splits.
    pub fn words(&mut self, text: &'text str) -> Vec<u32> {
        // A word and a space have five letters or so.
        let mut ids = Vec::with_capacity(text.len() / 4 + 1);
        let mut rest = text;
        loop {
            if let Some((key, length)) = short_word(rest) {
                ids.push(self.short_id(key, &rest[..length]));
                rest = &rest[length + 1..];
                continue;
            }
            let word = rest.trim_start_matches(is_python_space);
            let (word, behind) = word.split_at(word_length(word));
            if word.is_empty() {
                return ids;
            }
            ids.push(self.id(word));
            rest = behind;
        }
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
        self.words.len()
    }

    /// Whether no word was seen.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

/// Unicode white space plus the four separators U+001C to U+001F, which Python counts and Unicode does not.
pub(crate) fn is_python_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// The words of `text`, split where Python's `str.split()` splits.
pub fn python_words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(is_python_space);
        let (word, behind) = rest.split_at(word_length(rest));
        rest = behind;
        (!word.is_empty()).then_some(word)
    })
}

/// The bytes before the first space. Captions are ASCII for the most part, and a byte is tested faster than a character.
fn word_length(text: &str) -> usize {
    let of_ascii = text
        .bytes()
        .position(|byte| !byte.is_ascii_graphic())
        .unwrap_or(text.len());
    let rest = &text[of_ascii..];
    of_ascii + rest.find(is_python_space).unwrap_or(rest.len())
}

/// The key and the length of the word at the beginning of a text, if it is short, of ASCII and ends with a space: all eight
/// bytes looked at at once.
fn short_word(text: &str) -> Option<(u64, usize)> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * ONES;
    let letters = u64::from_le_bytes(*text.as_bytes().first_chunk()?);
    // The high bits of bytes up to that of the space; exact up to the first of them.
    let ends = letters.wrapping_sub(0x21 * ONES) & !letters & HIGH;
    let length = ends.trailing_zeros() as usize / 8;
    if length == 0 || length == 8 || text.as_bytes()[length] != b' ' {
        return None;
    }
    let behind = 1 << (8 * length);
    let word = letters & (behind - 1);
    (word & HIGH == 0).then_some((word | behind, length))
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
    fn words_are_those_of_python_whatever_their_lengths_and_letters() {
        let alphabet = [
            "a", "b", " ", " ", "\0", "\u{1f}", "\u{7f}", "é", "\u{a0}", "\n", "!",
        ];
        let mut state = 1u32;
        for length in (0..40).chain(0..40).chain(0..40) {
            let mut text = String::new();
            for _ in 0..length {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                text.push_str(alphabet[(state >> 16) as usize % alphabet.len()]);
            }
            let mut interner = Interner::default();
            let ids = interner.words(&text);
            let words: Vec<&str> = python_words(&text).collect();
            let again: Vec<u32> = words.iter().map(|word| interner.id(word)).collect();
            assert_eq!(ids, again, "{text:?}");
            let names = interner.into_words();
            let named: Vec<&str> = ids.iter().map(|&id| &*names[id as usize]).collect();
            assert_eq!(named, words, "{text:?}");
        }
    }

    #[test]
    fn pieces_hold_empty_words_when_spaces_double() {
        let mut interner = Interner::default();
        assert_eq!(interner.pieces("a  b\u{a0}c"), [0, 1, 2]);
        assert_eq!(interner.pieces(""), [1]);
    }
}
