//! Numbers, with what may stand inside them.

use super::character::{byte, bytes_end, is_letter_or_digit_at};

/// Where digits from `at` on end.
fn digits_end(text: &str, at: usize) -> usize {
    bytes_end(text, at, |byte| byte.is_ascii_digit())
}

/// Where the number ends that begins at `at`: `12`, `1,000.50`, `9/11`, `6:53`, `20-30`, `.5`, with or without a sign.
pub(super) fn number_end(text: &str, at: usize) -> Option<usize> {
    let start = at + usize::from(matches!(byte(text, at), b'+' | b'-'));
    let mut end = digits_end(text, start);
    if end == start {
        let digits = start + usize::from(byte(text, start) == b'.');
        let end = digits_end(text, digits);
        return (end > digits && digits > start).then_some(end);
    }
    while matches!(byte(text, end), b'.' | b',' | b':' | b'/' | b'-') {
        let next = digits_end(text, end + 1);
        if next == end + 1 {
            break;
        }
        end = next;
    }
    Some(end)
}

/// Where the mixed fraction ends that begins at `at`: `22 3/4`, with a space or a no-break space.
pub(super) fn mixed_fraction_end(text: &str, at: usize) -> Option<usize> {
    let part_end = |start| {
        let end = digits_end(text, start);
        (start + 1..=start + 2).contains(&end).then_some(end)
    };
    let whole = Some(digits_end(text, at)).filter(|&end| end > at)?;
    let above = match text.as_bytes()[whole..] {
        [b' ', ..] => whole + 1,
        [0xc2, 0xa0, ..] => whole + 2,
        _ => return None,
    };
    let slash = part_end(above)?;
    if byte(text, slash) != b'/' {
        return None;
    }
    let end = part_end(slash + 1)?;
    let goes_on = is_letter_or_digit_at(text, end)
        || (byte(text, end).is_ascii_punctuation() && byte(text, end + 1).is_ascii_digit());
    (!goes_on).then_some(end)
}

/// Where the decade ends whose digits begin at `at`, after an apostrophe: `'60s`.
pub(super) fn decade_end(text: &str, at: usize) -> Option<usize> {
    let end = digits_end(text, at);
    let holds =
        end == at + 2 && byte(text, end) == b's' && !byte(text, end + 1).is_ascii_alphanumeric();
    holds.then_some(end + 1)
}

/// Where the year ends whose digits begin at `at`, after an apostrophe: `'09`, unless a quote or an inch sign closes it.
pub(super) fn short_year_end(text: &str, at: usize) -> Option<usize> {
    let end = digits_end(text, at);
    let is_closed = !matches!(byte(text, end), 0 | b' ' | b'\n' | b'.' | b',');
    (end == at + 2 && !is_closed).then_some(end)
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
        assert_eq!(tokens("8 12/25/2014"), ["8", "12/25/2014"]);
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
