//! What is neither word nor number: quotes, brackets, dashes, dots, currencies, smileys.

use super::character::{Class, byte, bytes_end, character, characters_end, class, is_word_start};
use super::word::vowel_entity_end;

/// The name of a bracket.
pub(super) fn bracket(character: char) -> Option<&'static str> {
    Some(match character {
        '(' => "-lrb-",
        ')' => "-rrb-",
        '[' => "-lsb-",
        ']' => "-rsb-",
        '{' => "-lcb-",
        '}' => "-rcb-",
        _ => return None,
    })
}

/// The name of a round bracket.
pub(super) fn round_bracket(character: char) -> Option<&'static str> {
    matches!(character, '(' | ')')
        .then(|| bracket(character))
        .flatten()
}

/// What a quote that is not ASCII is written as.
pub(super) fn quote(character: char) -> Option<&'static str> {
    Some(match character {
        '“' | '«' | '\u{93}' => "``",
        '”' | '»' | '\u{94}' => "''",
        '‘' | '‛' | '‹' | '\u{91}' => "`",
        '’' | '›' | '\u{92}' => "'",
        _ => return None,
    })
}

/// Where quotes end that make one token, beginning at `at`: two at most.
pub(super) fn quotes_end(text: &str, at: usize) -> usize {
    let is_quote = |next: &char| quote(*next).is_some() || matches!(next, '`' | '„' | '‚' | '‟');
    let quotes = text[at..].chars().take(2).take_while(is_quote);
    at + quotes.map(char::len_utf8).sum::<usize>()
}

/// What a character is written as that stands alone and always reads the same.
pub(super) fn fixed(character: char) -> Option<&'static str> {
    Some(match character {
        '–' | '—' | '―' | '\u{96}' | '\u{97}' => "--",
        '…' | '\u{85}' => "...",
        '£' => "#",
        '€' | '₠' | '¤' | '\u{80}' => "$",
        '¢' => "cents",
        '½' => "1/2",
        '¼' => "1/4",
        '¾' => "3/4",
        '⅓' => "1/3",
        '⅔' => "2/3",
        _ => return bracket(character),
    })
}

/// An entity at `at` that is a token, what it is written as if not as it stands, and where it ends.
pub(super) fn entity(text: &str, at: usize) -> Option<(Option<&'static str>, usize)> {
    const NAMED: [(&str, &str); 6] = [
        ("amp", "&"),
        ("lt", "<"),
        ("gt", ">"),
        ("nbsp", " "),
        ("mdash", "--"),
        ("ndash", "--"),
    ];
    const KEPT: [&str; 8] = ["HT", "TL", "UR", "LR", "QC", "QL", "QR", "QUOT"];
    let name = at + 1;
    let end = bytes_end(text, name, |byte| {
        byte.is_ascii_alphanumeric() || byte == b'#'
    })
    .min(name + 8);
    if byte(text, end) != b';' {
        return None;
    }
    let name = &text[name..end];
    let written = NAMED
        .iter()
        .find(|(known, _)| name.eq_ignore_ascii_case(known));
    if let Some(&(known, written)) = written {
        let is_exact = name == known || matches!(known, "amp" | "lt" | "gt" | "mdash" | "nbsp");
        return is_exact.then_some((Some(written), end + 1));
    }
    let is_number = name.strip_prefix('#').is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    let is_kept = |kept: &&str| match kept.len() {
        2 => name.eq_ignore_ascii_case(kept),
        _ => name == *kept,
    };
    let kept = is_number || KEPT.iter().any(is_kept) || matches!(name, "odq" | "cdq");
    kept.then_some((None, end + 1))
}

/// Where dots end that make an ellipsis, beginning at `at`: three to five, or as many with one space between each.
pub(super) fn ellipsis_end(text: &str, at: usize) -> Option<usize> {
    let few = text.as_bytes()[at..].iter().take(5);
    let dots = at + few.take_while(|&&byte| byte == b'.').count();
    if dots >= at + 3 {
        return Some(dots);
    }
    let mut end = at + 1;
    let mut count = 1;
    while count < 5 {
        let space = match text.as_bytes()[end..] {
            [b' ', b'.', ..] => 1,
            [0xc2, 0xa0, b'.', ..] => 2,
            _ => break,
        };
        end += space + 1;
        count += 1;
    }
    (count >= 3).then_some(end)
}

/// From so many hyphens on, a run is a rule drawn with them and not a dash.
pub(super) const RULE: usize = 5;

/// Where the name of a bracket ends that begins at `at`: `-LRB-`.
pub(super) fn named_bracket_end(text: &str, at: usize) -> Option<usize> {
    let found = text.as_bytes().get(at..at + 5)?;
    let upper: [u8; 5] = std::array::from_fn(|index| found[index].to_ascii_uppercase());
    matches!(upper, [b'-', b'L' | b'R', b'R' | b'C' | b'S', b'B', b'-']).then_some(at + 5)
}

/// Where a run of characters ends that begins with `first` at `at`: equal ones in ASCII, else raised or lowered digits
/// with their sign.
pub(super) fn repeated_end(text: &str, at: usize, first: char) -> usize {
    let is_raised = |next| matches!(next, '²' | '³' | '¹' | '⁰' | '⁴'..='⁹');
    let is_lowered = |next| matches!(next, '₀'..='₉');
    let sign = matches!(first, '⁺' | '⁻' | '₊' | '₋');
    let start = if sign { at + first.len_utf8() } else { at };
    if first.is_ascii() {
        bytes_end(text, at, |byte| char::from(byte) == first)
    } else {
        characters_end(text, start, is_raised).max(characters_end(text, start, is_lowered))
    }
}

/// Where a smiley ends, and how far the rule looks: `:-)`, `;)`, `=D`, `>:o)`.
pub(super) fn smiley_end(text: &str, at: usize) -> Option<(usize, usize)> {
    let eyes = at + usize::from(matches!(byte(text, at), b'<' | b'>'));
    if !matches!(byte(text, eyes), b':' | b';' | b'=') {
        return None;
    }
    let nose = matches!(byte(text, eyes + 1), b'-' | b'o' | b'*' | b'\'');
    let mouth = eyes + 1 + usize::from(nose);
    let end = mouth + 1;
    if !b"()[]DPdp{@|\\O".contains(&byte(text, mouth)) {
        return None;
    }
    let next = character(text, end).filter(|next| !next.is_ascii_alphanumeric())?;
    Some((end, end + next.len_utf8()))
}

/// Where a face ends whose mouth is an underscore: `^_^`, `-_-`, in brackets or not.
pub(super) fn face_end(text: &str, at: usize) -> Option<usize> {
    let is_eye = |at| b"=x-'^<>~".contains(&byte(text, at));
    let left = at + usize::from(byte(text, at) == b'(');
    if !is_eye(left) || byte(text, left + 1) != b'_' || !is_eye(left + 2) {
        return None;
    }
    if left == at {
        return Some(left + 3);
    }
    (byte(text, left + 3) == b')').then_some(left + 4)
}

/// Where a hash and the word after it end, the hash beginning at `at`.
pub(super) fn hashtag_end(text: &str, at: usize) -> Option<usize> {
    let mut end = characters_end(text, at + 1, is_word_start);
    while let Some(entity) = vowel_entity_end(text, end) {
        end = characters_end(text, entity, is_word_start);
    }
    Some(end).filter(|&end| end > at + 1)
}

/// Where a name after `@` ends, the sign beginning at `at`.
pub(super) fn user_end(text: &str, at: usize) -> Option<usize> {
    let next = byte(text, at + 1);
    let starts = next.is_ascii_alphabetic() || next == b'_';
    starts.then(|| {
        bytes_end(text, at + 1, |byte| {
            byte.is_ascii_alphanumeric() || byte == b'_'
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::ptb::{tokenize, tokens};

    #[test]
    fn brackets_are_named_when_they_stand_alone() {
        assert_eq!(
            tokenize("(left) [a] {b}"),
            "-lrb- left -rrb- -lsb- a -rsb- -lcb- b -rcb-"
        );
    }

    #[test]
    fn quotes_open_when_a_word_follows() {
        assert_eq!(
            tokens("a \"Neon 5\" sign \" x"),
            ["a", "``", "neon", "5", "''", "sign", "''", "x"]
        );
        assert_eq!(
            tokens("a 'No Parking' sign"),
            ["a", "`", "no", "parking", "'", "sign"]
        );
        assert_eq!(
            tokens("“a” «b» ‘c’ ‹d› „e"),
            [
                "``", "a", "''", "``", "b", "''", "`", "c", "'", "`", "d", "'", "„", "e"
            ]
        );
        assert_eq!(
            tokens("``a'' `b` the boys'"),
            ["``", "a", "''", "`", "b", "`", "the", "boys", "'"]
        );
    }

    #[test]
    fn dots_become_an_ellipsis_when_there_are_three() {
        assert_eq!(
            tokens("so... b . . . c…"),
            ["so", "...", "b", "...", "c", "..."]
        );
        assert_eq!(
            tokens("so.. b . . it..... d\u{85}e"),
            ["so", ".", ".", "b", ".", ".", "it", "...", "d", "...", "e"]
        );
    }

    #[test]
    fn dashes_become_two_hyphens_when_they_are_long() {
        assert_eq!(
            tokens("a – b—c -- d---e - f"),
            ["a", "--", "b", "--", "c", "--", "d", "--", "e", "-", "f"]
        );
        assert_eq!(tokenize("a ----- b"), "a ----- b");
    }

    #[test]
    fn currencies_become_ascii_when_they_are_not() {
        assert_eq!(tokenize("£5 €6 7¢ $2.00"), "# 5 $ 6 7 cents $ 2.00");
    }

    #[test]
    fn smileys_stay_whole_when_nothing_follows() {
        assert_eq!(
            tokenize(":) :-( ;D =P <:o) -_- ^_^"),
            ":-rrb- :--lrb- ;d =p <:o-rrb- -_- ^_^"
        );
        assert_eq!(tokens("as: a :Dog"), ["as", ":", "a", ":", "dog"]);
    }

    #[test]
    fn marks_stay_together_when_there_are_several() {
        assert_eq!(tokens("so?! oh!! no!"), ["so", "?!", "oh", "!!", "no", "!"]);
    }

    #[test]
    fn characters_are_deleted_when_the_reference_has_no_token_for_them() {
        assert_eq!(tokenize("a 😀 face😀s hyphen‐ \u{1}b"), "a face s hyphen b");
        assert_eq!(tokenize("™ ® ° • ′ ´"), "™ ® ° • ′ ´");
    }
}
