//! sacrebleu's tokenizers: each puts spaces where words part.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::interner::{is_python_space, python_words};

/// How sacrebleu makes words of raw text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum SacrebleuTokenizer {
    /// That of WMT, mteval-v13a: ASCII punctuation apart, numbers whole.
    #[default]
    #[serde(rename = "13a")]
    V13a,
    /// mteval-v14 for all scripts: Unicode punctuation and symbols apart, numbers whole.
    #[serde(rename = "intl")]
    Intl,
    /// Every character that is not white space is a word.
    #[serde(rename = "char")]
    Char,
    /// Words between white space, as they stand.
    #[serde(rename = "none")]
    None,
}

impl SacrebleuTokenizer {
    /// Its name, as sacrebleu's.
    pub fn key(self) -> &'static str {
        match self {
            Self::V13a => "13a",
            Self::Intl => "intl",
            Self::Char => "char",
            Self::None => "none",
        }
    }

    /// The text with white space between words.
    pub fn tokenize(self, text: &str) -> Cow<'_, str> {
        let text = text.trim_end_matches(is_python_space);
        match self {
            Self::V13a => v13a(text).into(),
            Self::Intl => international(text).into(),
            Self::Char => text.chars().flat_map(|c| [c, ' ']).collect(),
            Self::None => text.into(),
        }
    }
}

/// The words of text that was tokenised.
pub(super) fn words(tokenized: &str) -> impl Iterator<Item = &str> {
    python_words(tokenized)
}

/// Characters that always stand alone in 13a: ASCII symbols and punctuation but for `'`, `,`, `-` and `.`.
fn is_western_symbol(character: char) -> bool {
    matches!(character, '{'..='~' | '['..='`' | ' '..='&' | '('..='+' | ':'..='@' | '/')
}

fn v13a(text: &str) -> String {
    let mut line = text
        .replace("<skipped>", "")
        .replace("-\n", "")
        .replace('\n', " ");
    if line.contains('&') {
        for (entity, character) in [
            ("&quot;", "\""),
            ("&amp;", "&"),
            ("&lt;", "<"),
            ("&gt;", ">"),
        ] {
            line = line.replace(entity, character);
        }
    }
    let line: String = [" ", &line, " "].concat();
    let line = each(&line, |c| {
        is_western_symbol(c).then(|| [' ', c, ' '].iter().collect())
    });
    let is_digit = |c: char| c.is_ascii_digit();
    let is_stop = |c: char| matches!(c, '.' | ',');
    // A period or comma stands alone unless a digit precedes it, and then unless a digit follows it.
    let line = pairs(
        &line,
        |a, b| !is_digit(a) && is_stop(b),
        |a, b| [a, ' ', b, ' '],
    );
    let line = pairs(
        &line,
        |a, b| is_stop(a) && !is_digit(b),
        |a, b| [' ', a, ' ', b],
    );
    // A dash stands alone when a digit precedes it.
    pairs(
        &line,
        |a, b| is_digit(a) && b == '-',
        |a, b| [a, ' ', b, ' '],
    )
}

fn international(text: &str) -> String {
    let is = |c: char, group| c.general_category_group() == group;
    let is_number = |c: char| is(c, GeneralCategoryGroup::Number);
    let is_mark = |c: char| is(c, GeneralCategoryGroup::Punctuation);
    let line = pairs(
        text,
        |a, b| !is_number(a) && is_mark(b),
        |a, b| [a, ' ', b, ' '],
    );
    let line = pairs(
        &line,
        |a, b| is_mark(a) && !is_number(b),
        |a, b| [' ', a, ' ', b],
    );
    each(&line, |c| {
        is(c, GeneralCategoryGroup::Symbol).then(|| [' ', c, ' '].iter().collect())
    })
}

/// Replaces characters one by one.
fn each(line: &str, replaced: impl Fn(char) -> Option<String>) -> String {
    let mut output = String::with_capacity(line.len() + line.len() / 4);
    for character in line.chars() {
        match replaced(character) {
            Some(text) => output.push_str(&text),
            None => output.push(character),
        }
    }
    output
}

/// Replaces pairs of characters from left to right as `re.sub` does: those of a replaced pair are not looked at again.
fn pairs(
    line: &str,
    matches: impl Fn(char, char) -> bool,
    replaced: impl Fn(char, char) -> [char; 4],
) -> String {
    let mut output = String::with_capacity(line.len() + line.len() / 4);
    let mut characters = line.chars().peekable();
    while let Some(first) = characters.next() {
        match characters.next_if(|&second| matches(first, second)) {
            Some(second) => output.extend(replaced(first, second)),
            None => output.push(first),
        }
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tokenizer: SacrebleuTokenizer, text: &str, expected: &str) {
        let tokenized = tokenizer.tokenize(text);
        let found: Vec<_> = words(&tokenized).collect();
        assert_eq!(found.join(" "), expected, "{tokenizer:?} {text:?}");
    }

    #[test]
    fn words_part_as_each_tokenizer_says_when_text_has_punctuation() {
        let text = "It's 1,000.5 km (3-4 days), \"so\"... na\u{ef}ve\u{2014}y\u{bf}x\u{20ac}5";
        check(
            SacrebleuTokenizer::V13a,
            text,
            "It's 1,000.5 km ( 3 - 4 days ) , \" so \" . . . na\u{ef}ve\u{2014}y\u{bf}x\u{20ac}5",
        );
        check(
            SacrebleuTokenizer::Intl,
            text,
            "It ' s 1,000.5 km ( 3-4 days ) , \" so \" . . . na\u{ef}ve \u{2014} y \u{bf} x \u{20ac} 5",
        );
        check(SacrebleuTokenizer::Char, "a b\u{e9}\n", "a b \u{e9}");
        check(SacrebleuTokenizer::None, "(a) b,", "(a) b,");
    }

    #[test]
    fn entities_become_characters_when_13a_reads_them() {
        check(
            SacrebleuTokenizer::V13a,
            "a&amp;lt;b <skipped>c-\nd",
            "a < b cd",
        );
        check(SacrebleuTokenizer::Intl, "&gt;", "& gt ;");
    }
}
