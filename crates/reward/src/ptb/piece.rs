//! A token before it is lower-cased.

use super::character::{SOFT_HYPHEN, is_word_inside};
use super::symbol;

/// A token, as a part of the text where it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'text> {
    /// A part of the text, to be lower-cased.
    Text(&'text str),
    /// A part of the text, without soft hyphens.
    Word(&'text str),
    /// A token that reads otherwise than the text.
    Fixed(&'static str),
    /// A part of the text whose white space becomes no-break spaces, so that it stays one token.
    Spaced(&'text str),
    /// The same with round brackets by their names: a telephone number, a smiley.
    Named(&'text str),
    /// A part of the text in which `&amp;` stands for `&`.
    Ampersands(&'text str),
    /// Quotes, each written for itself.
    Quotes(&'text str),
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
            Self::Word(text) => push_word(text, out),
            Self::Fixed(token) => out.push_str(token),
            Self::Spaced(text) => push_spaced(text, out),
            Self::Named(text) => push_named(text, out),
            Self::Ampersands(text) => push_ampersands(text, out),
            Self::Quotes(text) => push_quotes(text, out),
        }
    }
}

fn push_lower_case(text: &str, out: &mut String) {
    let start = out.len();
    if text.is_ascii() {
        out.push_str(text);
        out[start..].make_ascii_lowercase();
    } else if text.contains(CAPITAL_SIGMA) {
        push_with_sigma(text, out);
    } else {
        out.extend(text.chars().flat_map(char::to_lowercase));
    }
}

/// As Java does it: Σ is ς after a letter that has cases when none comes after it in the word.
fn push_with_sigma(text: &str, out: &mut String) {
    let mut follows_cased = false;
    for (at, next) in text.char_indices() {
        if next == CAPITAL_SIGMA && follows_cased && is_final(&text[at + next.len_utf8()..]) {
            out.push('ς');
        } else {
            out.extend(next.to_lowercase());
        }
        follows_cased = is_cased(next) || follows_cased && is_inside_word(next);
    }
}

/// Small letters and capitals, and titles such as `ǅ`, which are neither.
fn is_cased(next: char) -> bool {
    next.is_lowercase() || next.is_uppercase() || next.to_lowercase().ne([next])
}

/// What is between the boundaries of words, for which every ideograph is a word.
fn is_inside_word(next: char) -> bool {
    let is_ideograph = matches!(next, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}');
    matches!(next, '-' | '.' | '\'') || is_word_inside(next) && !is_ideograph
}

/// Whether no letter that has cases comes before the next boundary of words.
fn is_final(after: &str) -> bool {
    let word = after.chars().take_while(|&next| is_inside_word(next));
    !word.into_iter().any(is_cased)
}

/// Soft hyphens alone are a hyphen.
fn push_word(text: &str, out: &mut String) {
    if text.is_ascii() || !text.contains(SOFT_HYPHEN) {
        return push_lower_case(text, out);
    }
    let word: String = text.chars().filter(|&next| next != SOFT_HYPHEN).collect();
    if word.is_empty() {
        out.push('-');
    } else {
        push_lower_case(&word, out);
    }
}

/// The white space that becomes a no-break space.
fn is_inner_space(character: char) -> bool {
    matches!(character, ' ' | '\n' | NO_BREAK_SPACE)
}

fn push_spaced(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(space) = rest.find(is_inner_space) {
        push_lower_case(&rest[..space], out);
        out.push(NO_BREAK_SPACE);
        let width = rest[space..].chars().next().map_or(0, char::len_utf8);
        rest = &rest[space + width..];
    }
    push_lower_case(rest, out);
}

fn push_named(text: &str, out: &mut String) {
    for character in text.chars() {
        match symbol::round_bracket(character) {
            Some(name) => out.push_str(name),
            None if is_inner_space(character) => out.push(NO_BREAK_SPACE),
            None => out.extend(character.to_lowercase()),
        }
    }
}

/// What is before and after the first `&amp;`.
fn split_ampersand(text: &str) -> Option<(&str, &str)> {
    text.split_once("&amp;")
        .or_else(|| text.split_once("&AMP;"))
}

fn push_ampersands(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some((before, after)) = split_ampersand(rest) {
        push_lower_case(before, out);
        out.push('&');
        rest = after;
    }
    push_lower_case(rest, out);
}

fn push_quotes(text: &str, out: &mut String) {
    for character in text.chars() {
        match symbol::quote(character) {
            Some(written) => out.push_str(written),
            None => out.push(character),
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
        assert_eq!(tokenize("a <B  c\n> d"), "a <b\u{a0}\u{a0}c\u{a0}> d");
        assert_eq!(tokenize("3 < 4 > 2 <3"), "3 < 4 > 2 < 3");
    }
}
