//! What is neither word nor number: quotes, brackets, dashes, dots, currencies, smileys.

use super::character::{byte, bytes_end, is_letter_or_digit_at};

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

/// What a character is written as that stands alone and always reads the same.
pub(super) fn fixed(character: char) -> Option<&'static str> {
    Some(match character {
        '“' | '«' | '\u{93}' => "``",
        '”' | '»' | '\u{94}' => "''",
        '‘' | '‹' | '\u{91}' => "`",
        '›' => "'",
        '–' | '—' | '\u{96}' | '\u{97}' => "--",
        '…' | '\u{85}' => "...",
        '£' => "#",
        '€' => "$",
        '¢' => "cents",
        '½' => "1/2",
        '¼' => "1/4",
        '¾' => "3/4",
        '⅓' => "1/3",
        '⅔' => "2/3",
        _ => return bracket(character),
    })
}

/// Characters that the reference cannot tokenise and leaves out: emoji, the Unicode hyphen, control characters.
pub(super) fn is_deleted(character: char) -> bool {
    character == '\u{2010}' || character >= '\u{10000}' || character.is_control()
}

/// What the straight double quote before `next` becomes: an opening one before a word.
pub(super) fn double_quote(text: &str, next: usize) -> &'static str {
    if is_letter_or_digit_at(text, next) {
        "``"
    } else {
        "''"
    }
}

/// What the lone apostrophe before `next` becomes: an opening quote before a word of two letters or more.
pub(super) fn single_quote(text: &str, next: usize) -> &'static str {
    let mut letters = text[next..].chars().map(super::character::is_letter);
    if letters.next() == Some(true) && letters.next() == Some(true) {
        "`"
    } else {
        "'"
    }
}

/// Where dots end that make an ellipsis, beginning at `at`: three or more, or `. . .` and more.
pub(super) fn ellipsis_end(text: &str, at: usize) -> Option<usize> {
    let dots = bytes_end(text, at, |byte| byte == b'.');
    if dots >= at + 3 {
        return Some(dots);
    }
    let mut end = at + 1;
    while byte(text, end) == b' ' && byte(text, end + 1) == b'.' {
        end += 2;
    }
    (end >= at + 5).then_some(end)
}

/// From so many hyphens on, a run is a rule drawn with them and not a dash.
pub(super) const RULE: usize = 5;

/// Where hyphens end that begin at `at`.
pub(super) fn hyphens_end(text: &str, at: usize) -> usize {
    bytes_end(text, at, |byte| byte == b'-')
}

/// Where a smiley ends: `:-)`, `;)`, `=D`, `<:o)`, `-_-`, `^_^`.
pub(super) fn smiley_end(text: &str, at: usize) -> Option<usize> {
    if matches!(
        text.as_bytes()[at..],
        [b'-', b'_', b'-', ..] | [b'^', b'_', b'^', ..]
    ) {
        return Some(at + 3);
    }
    let eyes = at + usize::from(matches!(byte(text, at), b'<' | b'>'));
    if !matches!(byte(text, eyes), b':' | b';' | b'=') {
        return None;
    }
    let nose = matches!(byte(text, eyes + 1), b'-' | b'o' | b'*' | b'\'');
    let mouth = eyes + 1 + usize::from(nose);
    let holds =
        b"()[]DPdpO".contains(&byte(text, mouth)) && !byte(text, mouth + 1).is_ascii_alphanumeric();
    holds.then_some(mouth + 1)
}

/// Where a tag ends that begins with the `<` at `at`: `<UNK>`, `</b>`.
pub(super) fn tag_end(text: &str, at: usize) -> Option<usize> {
    let name = at + 1 + usize::from(byte(text, at + 1) == b'/');
    if !byte(text, name).is_ascii_alphabetic() && byte(text, name) != b'!' {
        return None;
    }
    let end = bytes_end(text, name, |byte| byte != b'<' && byte != b'>');
    (byte(text, end) == b'>').then_some(end + 1)
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
