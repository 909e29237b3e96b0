//! Words of two: `isn't`, `it's`, `cannot`, `'tis`.

use super::character::{apostrophe_end, byte, is_letter_or_digit_at};
use super::piece::Piece;

/// The ending with an apostrophe at `at`, and where it ends: `'s 'm 'd 'll 're 've`.
pub(super) fn ending(text: &str, at: usize) -> Option<(Piece<'static>, usize)> {
    let letters = apostrophe_end(text, at)?;
    let lower = |offset| byte(text, letters + offset).to_ascii_lowercase();
    let (token, length) = match (lower(0), lower(1)) {
        (b's', _) => ("'s", 1),
        (b'm', _) => ("'m", 1),
        (b'd', _) => ("'d", 1),
        (b'l', b'l') => ("'ll", 2),
        (b'r', b'e') => ("'re", 2),
        (b'v', b'e') => ("'ve", 2),
        _ => return None,
    };
    let end = letters + length;
    (!is_letter_or_digit_at(text, end)).then_some((Piece::Fixed(token), end))
}

/// Where `'t` ends that begins at `at`, after the `n` of `n't`.
pub(super) fn negation_end(text: &str, at: usize) -> Option<usize> {
    let letter = apostrophe_end(text, at)?;
    let holds =
        byte(text, letter).eq_ignore_ascii_case(&b't') && !is_letter_or_digit_at(text, letter + 1);
    holds.then_some(letter + 1)
}

/// The length of the first part of a word that is written as one and tokenised as two.
pub(super) fn split(word: &[u8]) -> Option<usize> {
    let parts: &[(&[u8], usize)] = match word {
        [b'c' | b'C', _, _, _, _, _] => &[(b"cannot", 3)],
        [_, _, _, _, _] => &[
            (b"gonna", 3),
            (b"wanna", 3),
            (b"gotta", 3),
            (b"lemme", 3),
            (b"gimme", 3),
        ],
        _ => return None,
    };
    let part = parts
        .iter()
        .find(|(whole, _)| word.eq_ignore_ascii_case(whole));
    part.map(|&(_, first)| first)
}

/// The second part of `'tis` and `'twas`, whose letters begin at `at`.
pub(super) fn tis(text: &str, at: usize) -> Option<&str> {
    let holds = |word: &str| {
        let found = text.as_bytes().get(at..at + word.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
            && !is_letter_or_digit_at(text, at + word.len())
    };
    let word = ["tis", "twas"].into_iter().find(|word| holds(word))?;
    Some(&text[at + 1..at + word.len()])
}

/// Where `y'all` ends that begins at `at`, and its second part.
pub(super) fn you_all(text: &str, at: usize) -> Option<(usize, &str)> {
    if !byte(text, at).eq_ignore_ascii_case(&b'y') {
        return None;
    }
    let all = apostrophe_end(text, at + 1)?;
    let end = all + b"all".len();
    let found = text.as_bytes().get(all..end)?;
    let holds = found.eq_ignore_ascii_case(b"all") && !is_letter_or_digit_at(text, end);
    holds.then(|| (end, &text[all..end]))
}

#[cfg(test)]
mod tests {
    use crate::ptb::tokenize;

    #[test]
    fn not_is_split_off_when_it_is_contracted() {
        assert_eq!(
            tokenize("It isn't; DON'T, can’t, won't"),
            "it is n't do n't ca n't wo n't"
        );
        assert_eq!(tokenize("there is n't a don 't"), "there is n't a don t");
        assert_eq!(tokenize("won't've and"), "wo n't 've and");
        assert_eq!(tokenize("won't've"), "wo n't ve");
    }

    #[test]
    fn endings_are_split_off_when_they_follow_a_word() {
        assert_eq!(
            tokenize("I'm sure he'd've gone, she'll stay, we're late"),
            "i 'm sure he 'd 've gone she 'll stay we 're late"
        );
        assert_eq!(
            tokenize("they’re the man’S 1970's M&M's U.S.'s"),
            "they 're the man 's 1970 's m&m 's u.s. 's"
        );
        assert_eq!(tokenize("a man 's hat"), "a man 's hat");
        assert_eq!(tokenize("it'sx"), "it sx");
    }

    #[test]
    fn words_are_split_when_they_are_two_written_as_one() {
        assert_eq!(
            tokenize("Cannot Gonna wanna gotta lemme gimme canned"),
            "can not gon na wan na got ta lem me gim me canned"
        );
        assert_eq!(
            tokenize("'Tis ’twas y'all 'tisn"),
            "'t is 't was y' all tisn"
        );
    }
}
