//! Where words end: hyphens, slashes, inner full stops and apostrophes.

use super::character::{apostrophe_end, byte, bytes_end, character, characters_end, is_letter};
use super::contraction;

/// Where letters from `at` on end.
pub(super) fn letters_end(text: &str, at: usize) -> usize {
    characters_end(text, at, is_letter)
}

/// Whether a letter begins at `at`.
fn is_letter_at(text: &str, at: usize) -> bool {
    character(text, at).is_some_and(is_letter)
}

/// Where letters joined by single hyphens end that begin at `at`.
fn hyphenated_end(text: &str, at: usize) -> usize {
    let mut end = letters_end(text, at);
    while end > at && byte(text, end) == b'-' && is_letter_at(text, end + 1) {
        end = letters_end(text, end + 1);
    }
    end
}

/// Where letters, digits and underscores end that begin at `at`, without final underscores.
fn segment_end(text: &str, at: usize) -> usize {
    let is_inside = |next: char| next.is_ascii_digit() || next == '_' || is_letter(next);
    let end = characters_end(text, at, is_inside);
    at + text[at..end].trim_end_matches('_').len()
}

/// Where the hyphen (also the no-break one) or slash at `at` ends.
fn joint_end(text: &str, at: usize) -> Option<usize> {
    match text.as_bytes()[at..] {
        [b'-' | b'/', ..] => Some(at + 1),
        [0xe2, 0x80, 0x91, ..] => Some(at + 3),
        _ => None,
    }
}

/// Where the word ends that begins at `at`: letters and digits, joined by hyphens and slashes; `c++` and `c#`.
pub(super) fn word_end(text: &str, at: usize) -> usize {
    let mut end = segment_end(text, at);
    while let Some(joint) = joint_end(text, end) {
        let next = segment_end(text, joint);
        if next == joint {
            break;
        }
        end = next;
    }
    match text.as_bytes()[end..] {
        [b'+', b'+', ..] => end + 2,
        [b'#', next, ..] if next.is_ascii_alphanumeric() => end,
        [b'#', ..] => end + 1,
        _ => end,
    }
}

/// Where words joined by full stops end: `airport.A`, `file.txt`.
pub(super) fn dotted_end(text: &str, at: usize) -> Option<usize> {
    let first = hyphenated_end(text, at);
    let mut end = first;
    while byte(text, end) == b'.' && is_letter_at(text, end + 1) {
        end = letters_end(text, end + 1);
    }
    (end > first && first > at).then_some(end)
}

/// Where an acronym ends: two or more letters, each with its full stop, and a word after a hyphen.
pub(super) fn acronym_end(text: &str, at: usize) -> Option<usize> {
    let mut end = at;
    while byte(text, end).is_ascii_alphabetic() && byte(text, end + 1) == b'.' {
        end += 2;
    }
    if end < at + 4 || byte(text, end).is_ascii_alphabetic() {
        return None;
    }
    if byte(text, end) == b'-' && is_letter_at(text, end + 1) {
        end = hyphenated_end(text, end + 1);
    }
    Some(end)
}

/// Where capitals joined by ampersands end: `AT&T`.
pub(super) fn ampersands_end(text: &str, at: usize) -> Option<usize> {
    let capitals_end = |start| bytes_end(text, start, |byte| byte.is_ascii_uppercase());
    let first = capitals_end(at);
    let mut end = first;
    while byte(text, end) == b'&' && byte(text, end + 1).is_ascii_uppercase() {
        end = capitals_end(end + 1);
    }
    (end > first && first > at).then_some(end)
}

/// Where a word with an apostrophe inside ends: `o'clock`, `O'Brien`, `d'oeuvre`, `ma'am`.
///
/// One letter stands before the apostrophe, or a vowel-like one does; after it stand two or more that are no ending
/// of their own.
pub(super) fn inner_apostrophe_end(text: &str, at: usize) -> Option<usize> {
    let before = bytes_end(text, at, |byte| byte.is_ascii_alphabetic());
    let is_open =
        before == at + 1 || (before > at && b"aeiouyhlqr".contains(&byte(text, before - 1)));
    if !is_open || contraction::ending(text, before).is_some() {
        return None;
    }
    let after = apostrophe_end(text, before)?;
    let second = after
        + character(text, after)
            .filter(|&next| is_letter(next))?
            .len_utf8();
    (is_letter_at(text, second) || byte(text, second) == b'-' && is_letter_at(text, second + 1))
        .then(|| hyphenated_end(text, after))
}

/// Where a word ends whose last `g` became an apostrophe, among the few that keep it.
pub(super) fn dropped_g_end(text: &str, at: usize) -> Option<usize> {
    let words = ["somethin'", "nothin'", "anythin'", "dunkin'"];
    let holds = |word: &&&str| {
        let found = text.as_bytes().get(at..at + word.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
    };
    words.iter().find(holds).map(|word| at + word.len())
}

/// Where two words end that an exclamation or question mark joins, the first of which ends at `letters`.
pub(super) fn exclaimed_end(text: &str, letters: usize) -> Option<usize> {
    let joins = matches!(byte(text, letters), b'!' | b'?') && is_letter_at(text, letters + 1);
    joins.then(|| letters_end(text, letters + 1))
}

/// Where a currency with its country ends: `US$`.
pub(super) fn currency_end(text: &str, at: usize) -> Option<usize> {
    let names = ["US$", "A$", "C$", "HK$", "NZ$"];
    let name = names
        .into_iter()
        .find(|name| text[at..].starts_with(name))?;
    Some(at + name.len())
}

/// Where a name with a sign before it ends, the name beginning at `at`: `@home`, `#fun`.
pub(super) fn name_end(text: &str, at: usize) -> usize {
    bytes_end(text, at, |byte| {
        byte.is_ascii_alphanumeric() || byte == b'_'
    })
}

/// Where an apostrophe and a word that begins with one end, the word beginning at `at`: `'em`, `'n'`.
pub(super) fn clipped_end(text: &str, at: usize) -> Option<usize> {
    if byte(text, at).eq_ignore_ascii_case(&b'n')
        && let Some(end) = apostrophe_end(text, at + 1)
    {
        return Some(end);
    }
    let end = bytes_end(text, at, |byte| byte.is_ascii_alphabetic());
    let word = &text.as_bytes()[at..end];
    let words: [&[u8]; 5] = [b"em", b"cause", b"til", b"till", b"n"];
    words
        .iter()
        .any(|clipped| word.eq_ignore_ascii_case(clipped))
        .then_some(end)
}

/// Whether letters end at `at` in a full stop that other punctuation follows, and keep it: `can.;`
pub(super) fn keeps_full_stop(text: &str, at: usize) -> bool {
    byte(text, at) == b'.' && matches!(byte(text, at + 1), b',' | b';' | b':')
}

#[cfg(test)]
mod tests {
    use crate::ptb::{tokenize, tokens};

    #[test]
    fn words_stay_whole_when_hyphens_or_slashes_join_them() {
        assert_eq!(
            tokenize("A well-known t-shirt-clad man, AC/DC and/or vis-à-vis."),
            "a well-known t-shirt-clad man ac/dc and/or vis-à-vis"
        );
        assert_eq!(
            tokenize("non\u{2011}breaking Connect_Anywhere C++ c#"),
            "non\u{2011}breaking connect_anywhere c++ c#"
        );
        assert_eq!(
            tokens("-start and end- pizza/"),
            ["-", "start", "and", "end", "-", "pizza", "/"]
        );
        assert_eq!(tokens("a_ b__-c"), ["a", "_", "b", "_", "_", "-", "c"]);
    }

    #[test]
    fn words_stay_whole_when_a_full_stop_is_inside() {
        assert_eq!(
            tokenize("at the airport.A man on a fie.d"),
            "at the airport.a man on a fie.d"
        );
        assert_eq!(tokenize("in bed.+9 IMG_1234.JPG"), "in bed +9 img_1234 jpg");
        assert_eq!(tokenize("trash can.; a dog"), "trash can. a dog");
    }

    #[test]
    fn apostrophes_stay_inside_when_the_word_has_one_of_its_own() {
        let whole = "o'brien d'angelo l'amour o'clock ma'am e'er hors d'oeuvre";
        assert_eq!(tokenize(whole), whole);
        assert_eq!(
            tokenize("O’Brien rock 'n' roll get 'em dunkin' it"),
            "o’brien rock 'n' roll get 'em dunkin' it"
        );
        assert_eq!(tokens("black'blue"), ["black", "`", "blue"]);
    }

    #[test]
    fn signs_stay_attached_when_names_need_them() {
        assert_eq!(
            tokenize("AT&T R&B M&Ms a&b @home #fun #1 US$5"),
            "at&t r&b m&m s a & b @home #fun # 1 us$ 5"
        );
    }

    #[test]
    fn words_are_separated_when_other_signs_join_them() {
        assert_eq!(
            tokenize("woman*s i=on a+b sail(?)in"),
            "woman * s i = on a + b sail -lrb- -rrb- in"
        );
        assert_eq!(tokenize("hello,world x² H₂O"), "hello world x ² h ₂ o");
        assert_eq!(tokenize("中文，句子。"), "中文 ， 句子 。");
    }
}
