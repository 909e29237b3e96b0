//! A token before it is lower-cased.

use super::{character::is_space, symbol};

/// A token, as a part of the text where it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'text> {
    /// A part of the text, to be lower-cased.
    Text(&'text str),
    /// A token that reads otherwise than the text.
    Fixed(&'static str),
    /// A part of the text whose white space becomes no-break spaces, so that it stays one token.
    Spaced(&'text str),
    /// A smiley, whose brackets are named.
    Smiley(&'text str),
}

/// U+00A0.
const NO_BREAK_SPACE: char = '\u{a0}';

/// Σ, which is lower-cased by its place in the word.
const CAPITAL_SIGMA: char = 'Σ';

impl Piece<'_> {
    /// Appends the token.
    #[inline]
    pub(super) fn write_into(self, out: &mut String) {
        match self {
            Self::Text(text) => push_lower_case(text, out),
            Self::Fixed(token) => out.push_str(token),
            Self::Spaced(text) => push_spaced(text, out),
            Self::Smiley(text) => push_smiley(text, out),
        }
    }
}

fn push_lower_case(text: &str, out: &mut String) {
    let start = out.len();
    if text.is_ascii() {
        out.push_str(text);
        out[start..].make_ascii_lowercase();
    } else if text.contains(CAPITAL_SIGMA) {
        out.extend(text.to_lowercase().chars().map(plain_apostrophe));
    } else {
        let lower = text.chars().flat_map(char::to_lowercase);
        out.extend(lower.map(plain_apostrophe));
    }
}

/// The Windows code of an apostrophe is a control character, which no token holds.
fn plain_apostrophe(character: char) -> char {
    if character == '\u{92}' {
        '\''
    } else {
        character
    }
}

fn push_spaced(text: &str, out: &mut String) {
    let is_gap = |character: char| is_space(character) || character.is_control();
    let words = text.split(is_gap).filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(NO_BREAK_SPACE);
        }
        push_lower_case(word, out);
    }
}

fn push_smiley(text: &str, out: &mut String) {
    for character in text.chars() {
        match symbol::bracket(character) {
            Some(name) => out.push_str(name),
            None => out.push(character.to_ascii_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ptb::tokenize;

    #[test]
    fn capitals_become_small_when_they_are_not_ascii() {
        assert_eq!(tokenize("CAFÉ Ελληνικά ΣΑΣ"), "café ελληνικά σας");
        assert_eq!(tokenize("İstanbul ISTANBUL"), "i\u{307}stanbul istanbul");
    }

    #[test]
    fn tags_stay_one_token_when_they_hold_spaces() {
        assert_eq!(tokenize("a <UNK> b"), "a <unk> b");
        assert_eq!(tokenize("a <B  c\n> d"), "a <b\u{a0}c\u{a0}> d");
        assert_eq!(tokenize("3 < 4 > 2 <3"), "3 < 4 > 2 < 3");
    }
}
