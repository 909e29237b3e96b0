//! Where words end: hyphens, slashes, inner full stops.

use super::abbreviation::acronym_end;
use super::character::{
    SOFT_HYPHEN, byte, bytes_end, character, characters_end, class, holds_at, inner_apostrophe_end,
    is_letter_or_digit, is_space, is_word_inside, is_word_start,
};
use super::class::Class;

/// Where the entity of an accented vowel ends that begins at `at`, which stands in words as a letter does: `&eacute;`.
pub(super) fn vowel_entity_end(text: &str, at: usize) -> Option<usize> {
    if byte(text, at) != b'&' || !b"aeiou".contains(&byte(text, at + 1).to_ascii_lowercase()) {
        return None;
    }
    let end = |accent: &&str| at + 2 + accent.len();
    let accent = ["acute;", "grave;", "uml;"].into_iter().find(|accent| {
        let found = text.as_bytes().get(at + 2..end(accent));
        found.is_some_and(|found| found.eq_ignore_ascii_case(accent.as_bytes()))
    })?;
    Some(end(&accent))
}

/// Where the word ends that begins at `at`: letters, marks and digits, no digit first.
pub(super) fn word_end(text: &str, at: usize) -> usize {
    let mut end = if holds_at(text, at, is_word_start) {
        characters_end(text, at, is_word_inside)
    } else {
        at
    };
    while let Some(entity) = vowel_entity_end(text, end) {
        end = characters_end(text, entity, is_word_inside);
    }
    end
}

/// Where words end that full stops, exclamation or question marks join: `airport.A`, `file.txt`.
pub(super) fn joined_words_end(text: &str, at: usize, first: usize) -> Option<usize> {
    let mut end = first;
    while end > at && matches!(byte(text, end), b'.' | b'!' | b'?') {
        let next = word_end(text, end + 1);
        if next == end + 1 {
            break;
        }
        end = next;
    }
    (end > first).then_some(end)
}

/// Where letters and digits from `at` on end.
fn segment_end(text: &str, at: usize) -> usize {
    characters_end(text, at, is_letter_or_digit)
}

/// Where the character ends that joins segments, if one begins at `at`.
fn hyphen_end(text: &str, at: usize) -> Option<usize> {
    match character(text, at)? {
        '-' | '_' => Some(at + 1),
        next if class(next) == Class::Hyphen => Some(at + next.len_utf8()),
        _ => None,
    }
}

/// Where segments end that single hyphens or underscores join: `t-shirt`, `7-Eleven`, `IMG_1234`, `O'Brien-Smith`.
pub(super) fn hyphenated_end(text: &str, at: usize) -> usize {
    let mut end = named_segment_end(text, at);
    while end > at
        && let Some(next) = hyphen_end(text, end)
    {
        let segment = named_segment_end(text, next);
        if segment == next {
            break;
        }
        end = segment;
    }
    end
}

/// Where the segment ends that begins at `at`, a name such as `O'Brien` or letters and digits.
fn named_segment_end(text: &str, at: usize) -> usize {
    name_end(text, at).unwrap_or_else(|| segment_end(text, at))
}

/// Where a name with one letter before its apostrophe ends: `d'Angelo`, `l'amour`, `o'clock`.
fn name_end(text: &str, at: usize) -> Option<usize> {
    if !b"dlo".contains(&byte(text, at).to_ascii_lowercase()) {
        return None;
    }
    let first = inner_apostrophe_end(text, at + 1)?;
    let end = segment_end(text, first);
    text[first..end].chars().nth(1).map(|_| end)
}

/// Runs that many words may begin in and that only their end decides, with what is known of those around the current
/// place: without memory every word of a run would search it again.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// Where the run of ASCII letters, digits, full stops and commas ends that was found last.
    pointed_end: usize,
    /// Where the run of words joined by full stops ends that was found last.
    dotted_end: usize,
    /// The last ending of a file's name in that run: its full stop and its end, and how far the rule looks.
    file: Option<(usize, usize, usize)>,
}

/// What stands in hyphenated words of ASCII.
fn is_pointed(next: char) -> bool {
    next.is_ascii_alphanumeric() || next == SOFT_HYPHEN
}

/// The endings of files' names.
const FILE_ENDINGS: [&str; 35] = [
    "bat", "bmp", "bz2", "c", "class", "cgi", "cpp", "dll", "doc", "docx", "exe", "gif", "gz", "h",
    "htm", "html", "jar", "java", "jpeg", "jpg", "mov", "mp3", "pdf", "php", "pl", "png", "ppt",
    "ps", "py", "sql", "tar", "txt", "wav", "x", "xml",
];

impl Runs {
    /// Where ASCII letters, digits, full stops and commas that a hyphen follows, and what it joins to them, end:
    /// `U.S.-made`.
    pub(super) fn hyphenated_end(&mut self, text: &str, at: usize) -> Option<usize> {
        if !byte(text, at).is_ascii_alphanumeric() {
            return None;
        }
        if at >= self.pointed_end {
            let is_inside = |next| is_pointed(next) || matches!(next, '.' | ',');
            self.pointed_end = characters_end(text, at, is_inside);
        }
        let first = self.pointed_end;
        let mut end = first;
        while byte(text, end) == b'-' {
            let acronym = acronym_end(text, end + 1);
            let next = acronym.unwrap_or_else(|| characters_end(text, end + 1, is_pointed));
            if next == end + 1 {
                break;
            }
            end = next;
        }
        Some(end).filter(|&end| end > first)
    }

    /// Where the name of a file ends that begins at `at`, and how far the rule looks: `3.txt`.
    pub(super) fn file_end(&mut self, text: &str, at: usize) -> Option<(usize, usize)> {
        if at >= self.dotted_end {
            self.find_file(text, at);
        }
        let (stop, end, reach) = self.file?;
        (stop > at).then_some((end, reach))
    }

    fn find_file(&mut self, text: &str, at: usize) {
        self.file = None;
        let mut stop = characters_end(text, at, is_word_inside);
        while stop > at && byte(text, stop) == b'.' {
            let end = characters_end(text, stop + 1, is_word_inside);
            if end == stop + 1 {
                break;
            }
            let ending = &text[stop + 1..end];
            let is_known = FILE_ENDINGS
                .iter()
                .any(|known| ending.eq_ignore_ascii_case(known));
            let next = character(text, end);
            let next = next.filter(|&next| is_space(next) || matches!(next, '.' | ',' | '!' | '?'));
            if let Some(next) = next.filter(|_| is_known) {
                self.file = Some((stop, end, end + next.len_utf8()));
            }
            stop = end;
        }
        self.dotted_end = stop.max(at + 1);
    }
}

/// Where words end that slashes join, two or three of them: `and/or`, `AC/DC`, `1/2-inch`. Only for ASCII.
pub(super) fn slashed_end(text: &str, at: usize) -> Option<usize> {
    let part_end = |start| {
        let mut end = bytes_end(text, start, |byte| byte.is_ascii_alphanumeric());
        for _ in 0..2 {
            if end == start || byte(text, end) != b'-' {
                break;
            }
            let next = bytes_end(text, end + 1, |byte| byte.is_ascii_alphabetic());
            if next == end + 1 {
                break;
            }
            end = next;
        }
        end
    };
    let first = part_end(at);
    let mut end = first;
    for _ in 0..2 {
        let slash = end + usize::from(byte(text, end) == b'\\');
        let next = slash + 1;
        if end == at || byte(text, slash) != b'/' || part_end(next) == next {
            break;
        }
        end = part_end(next);
    }
    (end > first).then_some(end)
}

/// Where capitals joined by ampersands or plus signs end: `AT&T`.
pub(super) fn ampersands_end(text: &str, at: usize) -> Option<usize> {
    let capitals_end = |start| bytes_end(text, start, |byte| byte.is_ascii_uppercase());
    let first = capitals_end(at);
    let mut end = first;
    while end > at {
        let entity = match text.as_bytes()[end..] {
            [b'&', b'a', b'm', b'p', b';', ..] | [b'&', b'A', b'M', b'P', b';', ..] => 5,
            [b'&' | b'+', ..] => 1,
            _ => break,
        };
        let signs = [end + entity, end + 1];
        let Some(sign) = signs.into_iter().find(|&sign| capitals_end(sign) > sign) else {
            break;
        };
        end = capitals_end(sign);
    }
    (end > first).then_some(end)
}

/// Where a prefix ends that keeps its hyphen though nothing follows it.
pub(super) fn prefix_end(text: &str, at: usize, letters: usize) -> Option<usize> {
    let word = &text[at..letters];
    let holds = word.eq_ignore_ascii_case("pro") || word.eq_ignore_ascii_case("anti");
    (holds && byte(text, letters) == b'-').then_some(letters + 1)
}

/// Where the abbreviation of savings and loan associations ends.
pub(super) fn associations_end(text: &str, at: usize) -> Option<usize> {
    let found = text.as_bytes().get(at..at + 4)?;
    found.eq_ignore_ascii_case(b"s&ls").then_some(at + 4)
}

/// Where a word with a sign for its name ends: `C++`, `c#`, `F#`.
pub(super) fn sharp_end(text: &str, at: usize) -> Option<usize> {
    match text.as_bytes()[at..] {
        [b'c' | b'C', b'+', b'+', ..] => Some(at + 3),
        [b'c' | b'C' | b'f' | b'F', b'#', ..] => Some(at + 2),
        _ => None,
    }
}

/// Where a currency with its country ends: `US$`, `A$`.
pub(super) fn currency_end(text: &str, at: usize) -> Option<usize> {
    let end = bytes_end(text, at, |byte| byte.is_ascii_uppercase());
    (end > at && byte(text, end) == b'$').then_some(end + 1)
}

/// Where the full stop at `end` ends and how far the rule looks, if it stays because other punctuation follows: `can.;`
pub(super) fn kept_full_stop_end(text: &str, end: usize) -> Option<(usize, usize)> {
    if byte(text, end) != b'.' {
        return None;
    }
    let next = character(text, end + 1).filter(|next| matches!(next, ',' | ';' | ':' | '、'))?;
    Some((end + 1, end + 1 + next.len_utf8()))
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
        assert_eq!(tokens("a_ b__-c"), ["a", "_", "b", "__", "-", "c"]);
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
