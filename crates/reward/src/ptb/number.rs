//! Numbers, with what may stand inside them.

use super::character::{SOFT_HYPHEN, byte, bytes_end, character, characters_end, is_digit, is_gap};

/// Where digits from `at` on end, with soft hyphens before them.
fn digits_end(text: &str, at: usize) -> usize {
    let mut end = at;
    loop {
        let next = characters_end(text, end, |next| next == SOFT_HYPHEN);
        let digits = characters_end(text, next, is_digit);
        if digits == next {
            return end;
        }
        end = digits;
    }
}

/// Where `least` to `most` digits from `at` on end, as many as there are.
fn few_digits_end(text: &str, at: usize, least: usize, most: usize) -> Option<usize> {
    let mut end = at;
    let mut count = 0;
    while count < most
        && let Some(next) = character(text, end).filter(|&next| is_digit(next))
    {
        end += next.len_utf8();
        count += 1;
    }
    (count >= least).then_some(end)
}

/// Where the sign inside of a number ends that begins at `at`: a full stop, comma or colon, or an Arabic one.
fn inner_sign_end(text: &str, at: usize) -> Option<usize> {
    match character(text, at)? {
        '.' | ',' | ':' => Some(at + 1),
        '\u{66b}' | '\u{66c}' => Some(at + 2),
        _ => None,
    }
}

/// Where the number ends that begins at `at`: `12`, `1,000.50`, `6:53`, `.5`, with or without a sign.
pub(super) fn number_end(text: &str, at: usize) -> Option<usize> {
    let start = at + usize::from(matches!(byte(text, at), b'+' | b'-'));
    let mut end = digits_end(text, start);
    let mut found = (end > start).then_some(end);
    while let Some(next) = inner_sign_end(text, end) {
        end = characters_end(text, next, is_digit);
        if end == next {
            break;
        }
        found = Some(end);
    }
    found
}

/// Where the date ends that begins at `at`: `12/25/2014`.
pub(super) fn date_end(text: &str, at: usize) -> Option<usize> {
    let part_end = |start| {
        let end = few_digits_end(text, start, 1, 2)?;
        matches!(byte(text, end), b'-' | b'/').then_some(end + 1)
    };
    let year = part_end(at).and_then(part_end)?;
    few_digits_end(text, year, 2, 4)
}

/// Where the fraction ends that begins at `at`: `3/4`, or `22 3/4` with a space, a no-break space or a hyphen.
pub(super) fn fraction_end(text: &str, at: usize) -> Option<usize> {
    let whole = few_digits_end(text, at, 1, 4)?;
    let mixed = match text.as_bytes()[whole..] {
        [b' ' | b'-', ..] => Some(whole + 1),
        [0xc2, 0xa0, ..] => Some(whole + 2),
        _ => None,
    };
    let mixed = mixed
        .and_then(|above| few_digits_end(text, above, 1, 4))
        .and_then(|above| divided_end(text, above));
    mixed.or_else(|| divided_end(text, whole))
}

/// Where the slash and what is under it end, the slash beginning at `at`.
fn divided_end(text: &str, at: usize) -> Option<usize> {
    let under = match text.as_bytes()[at..] {
        [b'/', ..] => at + 1,
        [b'\\', b'/', ..] => at + 2,
        [0xe2, 0x81, 0x84, ..] => at + 3,
        _ => return None,
    };
    few_digits_end(text, under, 1, 4)
}

/// Where the decade ends whose digits begin at `at`, after an apostrophe: `'60s`.
pub(super) fn decade_end(text: &str, at: usize) -> Option<usize> {
    matches!(text.as_bytes()[at..], [b'2'..=b'9', b'0', b's' | b'S', ..]).then_some(at + 3)
}

/// Where the year ends whose two digits begin at `at`, after an apostrophe, and how far the rule looks.
pub(super) fn short_year_end(text: &str, at: usize) -> Option<(usize, usize)> {
    let end = bytes_end(text, at, |byte| byte.is_ascii_digit());
    let next = character(text, end).filter(|&next| end == at + 2 && is_gap(next))?;
    Some((end, end + next.len_utf8()))
}

/// Where `least` to `most` ASCII digits from `at` on end, as many as there are.
fn dialled_end(text: &str, at: usize, least: usize, most: usize) -> Option<usize> {
    let end = bytes_end(text, at, |byte| byte.is_ascii_digit()).min(at + most);
    (end >= at + least).then_some(end)
}

/// Where the telephone number ends that begins at `at`: `(555) 123-4567`, `+44 20 7946 0958`.
pub(super) fn telephone_end(text: &str, at: usize) -> Option<usize> {
    if byte(text, at) == b'(' {
        let area = dialled_end(text, at + 1, 2, 3).filter(|&end| byte(text, end) == b')')?;
        let space = usize::from(byte(text, area + 1) == b' ');
        return subscriber_end(text, area + 1 + space);
    }
    let start = at + usize::from(byte(text, at) == b'+');
    let group_end = |start| dialled_end(text, start, 2, 4).and_then(|end| gap_end(text, end));
    let first = group_end(start)?;
    let second = group_end(first).and_then(|next| subscriber_end(text, next));
    subscriber_end(text, first).max(second)
}

/// Where the hyphen or space between two groups of digits ends.
fn gap_end(text: &str, at: usize) -> Option<usize> {
    match text.as_bytes()[at..] {
        [b' ' | b'-', ..] => Some(at + 1),
        [0xc2, 0xa0, ..] => Some(at + 2),
        _ => None,
    }
}

/// Where the last two groups of a telephone number end, which nothing need separate.
fn subscriber_end(text: &str, at: usize) -> Option<usize> {
    let with = |digits| {
        let end = dialled_end(text, at, digits, digits)?;
        dialled_end(text, gap_end(text, end).unwrap_or(end), 3, 5)
    };
    with(3).max(with(4))
}

#[cfg(test)]
mod tests {
    use crate::ptb::{tokenize, tokens};

    #[test]
    fn numbers_stay_whole_when_digits_surround_the_sign() {
        for whole in [
            "1,000,000.50",
            "12,34",
            "24/7",
            "12/25/2014",
            "2014-12-25",
            "20-30",
            "6:53",
            ".5",
            "+9",
            "-9",
        ] {
            assert_eq!(tokenize(whole), whole);
        }
        assert_eq!(tokenize("11.01.2009 23:58."), "11.01.2009 23:58");
        assert_eq!(tokenize("5-3=2, 1. 2:"), "5-3 = 2 1 2");
    }

    #[test]
    fn units_stay_attached_when_no_sign_is_in_the_number() {
        assert_eq!(
            tokenize("5kg 2pm 1st 1990s 747-400 7-Eleven"),
            "5kg 2pm 1st 1990s 747-400 7-eleven"
        );
        assert_eq!(tokenize("6:40PM, 12:42pm"), "6:40 pm 12:42 pm");
        assert_eq!(
            tokenize("50% of $3.69 or #41, 2+ seats"),
            "50 % of $ 3.69 or # 41 2 + seats"
        );
    }

    #[test]
    fn mixed_fractions_are_one_token_when_a_space_is_inside() {
        assert_eq!(tokens("22 3/4 St"), ["22\u{a0}3/4", "st"]);
        assert_eq!(tokens("1 1/2"), ["1\u{a0}1/2"]);
        assert_eq!(tokens("8 12/25/2014"), ["8\u{a0}12/25", "/", "2014"]);
        assert_eq!(tokens("1/2 cup, ½ ¼"), ["1/2", "cup", ",", "1/2", "1/4"]);
    }

    #[test]
    fn years_keep_their_apostrophe_when_they_are_short() {
        assert_eq!(
            tokenize("in '09 . the '60s and the 80's"),
            "in '09 the '60s and the 80 's"
        );
        assert_eq!(
            tokens("the 5'10\" man, '2'"),
            ["the", "5", "'", "10", "''", "man", ",", "'", "2", "'"]
        );
    }
}
