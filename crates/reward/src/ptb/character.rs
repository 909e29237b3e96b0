//! Classes of characters, and looking at a place in a text.

/// The byte at `at`, 0 after the end.
#[inline]
pub(super) fn byte(text: &str, at: usize) -> u8 {
    text.as_bytes().get(at).copied().unwrap_or(0)
}

/// The character that begins at `at`, which must be a boundary.
#[inline]
pub(super) fn character(text: &str, at: usize) -> Option<char> {
    text[at..].chars().next()
}

/// What separates tokens. U+0085, white space to Unicode, is an ellipsis here.
#[inline]
pub(super) fn is_space(character: char) -> bool {
    match character {
        ' ' | '\t'..='\r' | '\u{1c}'..='\u{1f}' | '\u{200b}' | '\u{feff}' => true,
        '\u{85}' => false,
        _ => character >= '\u{80}' && character.is_whitespace(),
    }
}

/// Letters and the marks that go with them, in the scripts of which the reference makes words.
#[inline]
pub(super) fn is_letter(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphabetic();
    }
    matches!(
        character,
        'ª' | 'µ'
            | 'º'
            | '\u{c0}'..='\u{d6}'
            | '\u{d8}'..='\u{f6}'
            | '\u{f8}'..='\u{2af}'
            | '\u{300}'..='\u{36f}'
            | '\u{370}'..='\u{3ff}'
            | '\u{400}'..='\u{52f}'
            | '\u{590}'..='\u{6ff}'
            | '\u{900}'..='\u{e7f}'
            | '\u{1e00}'..='\u{1fff}'
            | '\u{3040}'..='\u{30ff}'
            | '\u{3400}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7af}'
    )
}

/// Where the bytes from `at` on that fulfil `holds` end. Only for classes of ASCII.
pub(super) fn bytes_end(text: &str, at: usize, holds: impl Fn(u8) -> bool) -> usize {
    let rest = &text.as_bytes()[at..];
    let length = rest.iter().position(|&byte| !holds(byte));
    at + length.unwrap_or(rest.len())
}

/// Where the characters from `at` on that fulfil `holds` end.
pub(super) fn characters_end(text: &str, at: usize, holds: impl Fn(char) -> bool) -> usize {
    at + text[at..]
        .find(|character| !holds(character))
        .unwrap_or(text.len() - at)
}

/// Where white space from `at` on ends.
pub(super) fn spaces_end(text: &str, at: usize) -> usize {
    characters_end(text, at, is_space)
}

/// Whether a letter or an ASCII digit begins at `at`.
pub(super) fn is_letter_or_digit_at(text: &str, at: usize) -> bool {
    character(text, at).is_some_and(|next| next.is_ascii_digit() || is_letter(next))
}

/// Where the apostrophe ends that begins at `at`: `'`, U+2019 or its Windows code U+0092.
#[inline]
pub(super) fn apostrophe_end(text: &str, at: usize) -> Option<usize> {
    match text.as_bytes().get(at..)? {
        [b'\'', ..] => Some(at + 1),
        [0xe2, 0x80, 0x99, ..] => Some(at + 3),
        [0xc2, 0x92, ..] => Some(at + 2),
        _ => None,
    }
}
