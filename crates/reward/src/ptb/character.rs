//! The class of a character, and looking at a place in a text.

use super::class::Class;
use super::classes::STARTS;

/// The classes of the Basic Multilingual Plane.
static CLASSES: [Class; 0x1_0000] = expanded();

#[expect(clippy::large_stack_arrays, reason = "only the compiler calls it")]
const fn expanded() -> [Class; 0x1_0000] {
    let mut classes = [Class::Symbol; 0x1_0000];
    let mut code = 0;
    while code < 0x80 {
        classes[code] = match code as u8 {
            b'\t'..=b'\r' | b' ' => Class::Space,
            b'A'..=b'Z' | b'a'..=b'z' => Class::Letter,
            b'0'..=b'9' => Class::Digit,
            0x21..=0x7e => Class::Symbol,
            _ => Class::Dropped,
        };
        code += 1;
    }
    let mut start = 0;
    while start < STARTS.len() {
        let (first, class) = STARTS[start];
        let end = if start + 1 < STARTS.len() {
            STARTS[start + 1].0 as usize
        } else {
            classes.len()
        };
        let mut code = first as usize;
        while code < end {
            classes[code] = class;
            code += 1;
        }
        start += 1;
    }
    classes[SOFT_HYPHEN as usize] = Class::Mark;
    classes
}

/// Stands in words as a mark does, and is left out when they are written.
pub(super) const SOFT_HYPHEN: char = '\u{ad}';

/// The class of a character; the reference knows none beyond the Basic Multilingual Plane.
#[inline]
pub(super) fn class(character: char) -> Class {
    let class = CLASSES.get(character as usize);
    class.copied().unwrap_or(Class::Dropped)
}

/// The byte at `at`, 0 after the end.
#[inline]
pub(super) fn byte(text: &str, at: usize) -> u8 {
    text.as_bytes().get(at).copied().unwrap_or(0)
}

/// The character that begins at `at`; none after the end and inside of another.
#[inline]
pub(super) fn character(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

/// Whether a character fulfils `holds` that begins at `at`.
#[inline]
pub(super) fn holds_at(text: &str, at: usize, holds: impl Fn(char) -> bool) -> bool {
    character(text, at).is_some_and(holds)
}

/// What separates tokens.
#[inline]
pub(super) fn is_space(character: char) -> bool {
    class(character) == Class::Space
}

/// What separates words where a sentence may end; U+0085, an ellipsis elsewhere, is white space here.
#[inline]
pub(super) fn is_gap(next: char) -> bool {
    is_space(next) || next == '\u{85}'
}

/// Letters of any script.
#[inline]
pub(super) fn is_letter(character: char) -> bool {
    class(character) == Class::Letter
}

/// Digits of any script.
#[inline]
pub(super) fn is_digit(character: char) -> bool {
    class(character) == Class::Digit
}

/// Letters and digits.
#[inline]
pub(super) fn is_letter_or_digit(character: char) -> bool {
    matches!(class(character), Class::Letter | Class::Digit)
}

/// What a word begins with.
#[inline]
pub(super) fn is_word_start(character: char) -> bool {
    matches!(class(character), Class::Letter | Class::Mark)
}

/// What a word goes on with.
#[inline]
pub(super) fn is_word_inside(character: char) -> bool {
    matches!(class(character), Class::Letter | Class::Mark | Class::Digit)
}

/// Where the bytes from `at` on that fulfil `holds` end. Only for classes of ASCII.
#[inline]
pub(super) fn bytes_end(text: &str, at: usize, holds: impl Fn(u8) -> bool) -> usize {
    let rest = &text.as_bytes()[at..];
    let length = rest.iter().position(|&byte| !holds(byte));
    at + length.unwrap_or(rest.len())
}

/// Where the characters from `at` on that fulfil `holds` end.
#[inline]
pub(super) fn characters_end(text: &str, at: usize, holds: impl Fn(char) -> bool) -> usize {
    at + text[at..]
        .find(|character| !holds(character))
        .unwrap_or(text.len() - at)
}

/// Where white space from `at` on ends.
pub(super) fn spaces_end(text: &str, at: usize) -> usize {
    characters_end(text, at, is_space)
}

/// Where the apostrophe ends that begins at `at`: `'`, U+2019, its Windows code U+0092 or its entity.
#[inline]
pub(super) fn apostrophe_end(text: &str, at: usize) -> Option<usize> {
    match text.as_bytes().get(at..)? {
        [b'\'', ..] => Some(at + 1),
        [0xe2, 0x80, 0x99, ..] => Some(at + 3),
        [0xc2, 0x92, ..] => Some(at + 2),
        [b'&', b'a', b'p', b'o', b's', b';', ..] => Some(at + 6),
        _ => None,
    }
}

/// Where an apostrophe ends that begins at `at`, or a quote that is taken for one inside of words.
pub(super) fn inner_apostrophe_end(text: &str, at: usize) -> Option<usize> {
    match text.as_bytes().get(at..)? {
        [b'`', ..] => Some(at + 1),
        [0xe2, 0x80, 0x98 | 0x9b, ..] => Some(at + 3),
        [0xc2, 0x91, ..] => Some(at + 2),
        _ => apostrophe_end(text, at),
    }
}
