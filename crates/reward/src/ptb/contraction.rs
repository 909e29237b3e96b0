//! Words of two, and words with an apostrophe inside: `isn't`, `it's`, `cannot`, `'tis`, `Hawai'i`.

use super::character::{
    SOFT_HYPHEN, apostrophe_end, byte, bytes_end, character, characters_end, holds_at,
    inner_apostrophe_end, is_letter, is_space,
};

/// The lower-case ending whose letters begin at `at`, with the apostrophe it is written with, and its length.
fn ending_letters(text: &str, at: usize) -> Option<(&'static str, usize)> {
    let lower = |offset| byte(text, at + offset).to_ascii_lowercase();
    match (lower(0), lower(1)) {
        (b's', _) => Some(("'s", 1)),
        (b'm', _) => Some(("'m", 1)),
        (b'd', _) => Some(("'d", 1)),
        (b'l', b'l') => Some(("'ll", 2)),
        (b'r', b'e') => Some(("'re", 2)),
        (b'v', b'e') => Some(("'ve", 2)),
        _ => None,
    }
}

/// Where an ending ends that begins with the apostrophe at `at`, whatever follows it.
pub(super) fn ending_end(text: &str, at: usize) -> Option<usize> {
    let letters = apostrophe_end(text, at)?;
    ending_letters(text, letters).map(|(_, length)| letters + length)
}

/// The ending at `at` as a token, where it ends and how far the rule looks: `'s 'm 'd 'll 're 've`.
///
/// It looks further where no letter of the alphabet follows.
pub(super) fn ending(text: &str, at: usize) -> Option<(&'static str, usize, usize)> {
    let letters = apostrophe_end(text, at)?;
    let (token, length) = ending_letters(text, letters)?;
    let end = letters + length;
    let next = character(text, end).filter(|next| !next.is_ascii_alphabetic());
    Some((token, end, end + next.map_or(0, char::len_utf8)))
}

/// `n't` at `at`, and where it ends; a quote may stand for the apostrophe.
pub(super) fn negation(text: &str, at: usize) -> Option<(&'static str, usize)> {
    if !byte(text, at).eq_ignore_ascii_case(&b'n') {
        return None;
    }
    let letter = inner_apostrophe_end(text, at + 1)?;
    let token = if apostrophe_end(text, at + 1).is_some() {
        "n't"
    } else {
        "n`t"
    };
    byte(text, letter)
        .eq_ignore_ascii_case(&b't')
        .then_some((token, letter + 1))
}

/// Where the verb before `n't` ends, and the `n't`, if `at` is where it begins and `letters` where its letters end.
pub(super) fn negated(text: &str, at: usize, letters: usize) -> Option<(usize, usize)> {
    let verb = letters.checked_sub(1).filter(|&verb| verb > at)?;
    let (_, end) = negation(text, verb)?;
    let is_inside = |next: char| next.is_ascii_alphabetic() || next == SOFT_HYPHEN;
    let stem = text[at..verb].trim_end_matches(SOFT_HYPHEN);
    let holds = text[at..verb].chars().all(is_inside)
        && stem.ends_with(|last: char| !matches!(last, 'n' | 'N' | SOFT_HYPHEN));
    holds.then_some((verb, end))
}

/// The length of the first part of a word that is written as one and tokenised as two.
pub(super) fn split(word: &[u8]) -> Option<usize> {
    let parts: &[&[u8]] = match word.len() {
        5 => &[b"gonna", b"wanna", b"gotta", b"lemme", b"gimme"],
        6 => &[b"cannot"],
        _ => return None,
    };
    parts
        .iter()
        .any(|whole| word.eq_ignore_ascii_case(whole))
        .then_some(3)
}

/// Whether `is` or `was` follows the `'t` that begins at `at`, and where it ends.
pub(super) fn tis_end(text: &str, at: usize) -> Option<usize> {
    let rest = text.as_bytes().get(at..)?;
    let holds = |word: &[u8]| {
        rest.get(..word.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(word))
    };
    if holds(b"'tis") {
        Some(at + 4)
    } else {
        holds(b"'twas").then_some(at + 5)
    }
}

/// Where an article or pronoun ends that is joined to the next word: `d'`, `j'`, `l'`, and `y'` before a letter.
///
/// The second value is how far the rule looks.
pub(super) fn elision_end(text: &str, at: usize) -> Option<(usize, usize)> {
    let end = apostrophe_end(text, at + 1)?;
    match byte(text, at).to_ascii_lowercase() {
        b'd' | b'j' | b'l' => Some((end, end)),
        b'y' => character(text, end)
            .filter(|&next| is_letter(next))
            .map(|next| (end, end + next.len_utf8())),
        _ => None,
    }
}

/// Words with an apostrophe that no rule describes.
const LISTED: [&str; 11] = [
    "o'o",
    "e'er",
    "li'l",
    "ev'ry",
    "cap'n",
    "nat'l",
    "c'est",
    "c'mon",
    "ol'",
    "somethin'",
    "dunkin'",
];

/// Where one of the listed words ends that begins at `at`.
fn listed_end(text: &str, at: usize) -> Option<usize> {
    let end = |word: &&str| {
        let mut end = at;
        for letter in word.bytes() {
            end = if letter == b'\'' {
                apostrophe_end(text, end)?
            } else {
                Some(end + 1).filter(|_| byte(text, end).eq_ignore_ascii_case(&letter))?
            };
        }
        Some(end)
    };
    let smores = text
        .as_bytes()
        .get(at..at + 7)
        .filter(|found| found.eq_ignore_ascii_case(b"s'mores"));
    LISTED
        .iter()
        .filter_map(end)
        .next()
        .or(smores.map(|_| at + 7))
}

/// Where a word with an apostrophe inside ends: `ma'am`, `Hawai'i`, `K'ung`, `n'est`.
///
/// A single capital or `n`, or a word with a vowel at its end, stands before the apostrophe; `letters` is where it ends.
pub(super) fn whole_end(text: &str, at: usize, letters: usize) -> Option<usize> {
    let listed = listed_end(text, at);
    if letters == at {
        return listed;
    }
    let Some(second) = inner_apostrophe_end(text, letters) else {
        return listed;
    };
    let last = byte(text, letters - 1);
    let found = if letters == at + 1 {
        let is_name = last == b'n' || last.is_ascii_uppercase() && !b"IY".contains(&last);
        let first = character(text, second).filter(|&next| is_letter(next));
        first.filter(|_| is_name).and_then(|first| {
            let rest = second + first.len_utf8();
            Some(characters_end(text, rest, is_letter)).filter(|&end| end > rest)
        })
    } else {
        let next = byte(text, second);
        let joins = b"aeiouy".contains(&last.to_ascii_lowercase())
            && (b"aeiou".contains(&next) || next.is_ascii_uppercase())
            && text[at..letters].chars().all(is_letter);
        joins.then(|| characters_end(text, second, is_letter))
    };
    found.max(listed)
}

/// Where an apostrophe and a word that begins with one end, the apostrophe beginning at `at`: `'em`, `'n'`.
pub(super) fn clipped_end(text: &str, at: usize) -> Option<usize> {
    let letters = apostrophe_end(text, at)?;
    let rest = text.as_bytes().get(letters..)?;
    let starts = |word: &[u8]| {
        rest.get(..word.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(word))
    };
    let words: [&[u8]; 4] = [b"till", b"til", b"em", b"cause"];
    if let Some(word) = words.iter().find(|word| starts(word)) {
        return Some(letters + word.len());
    }
    if !starts(b"n") {
        return None;
    }
    Some(apostrophe_end(text, letters + 1).unwrap_or(letters + 1))
}

/// Whether the apostrophe before `next` opens a quotation: a letter follows it, and no space that.
pub(super) fn opens_quotation(text: &str, next: usize) -> Option<usize> {
    let second = bytes_end(text, next, |byte| byte.is_ascii_alphabetic()).min(next + 1);
    let holds = second > next
        && holds_at(text, second, |second| {
            !second.is_ascii() || !is_space(second)
        });
    holds.then(|| second + character(text, second).map_or(0, char::len_utf8))
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
            "'t is twas y' all 't isn"
        );
    }
}
