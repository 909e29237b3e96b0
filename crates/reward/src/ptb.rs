//! Raw captions to words, as coco-caption makes them before any metric sees them.
//!
//! The reference runs Stanford's PTBTokenizer 3.4.1 with `-preserveLines -lowerCase` and drops 17 punctuation strings.
//! This is a scanner written from pairs of its inputs and outputs, one pass over the text: of all rules that match at a
//! place, the one that looks furthest makes the token.
//!
//! ```text
//! A man's dog isn't here (again).  ->  a man 's dog is n't here -lrb- again -rrb-
//! ```
//!
//! | file | what is there |
//! |---|---|
//! | `scanner` | the pass over the text, which asks the others in turn |
//! | `word` | words, hyphens, slashes, inner full stops, names of files |
//! | `contraction` | `n't`, `'s` and the like, `cannot`, `'tis`, apostrophes that stay inside |
//! | `abbreviation` | words that keep their full stop, and what begins a sentence |
//! | `number` | numbers, dates, fractions, telephone numbers |
//! | `address` | URLs, mail addresses, domains |
//! | `symbol` | quotes, brackets, dashes, dots, currencies, entities, smileys |
//! | `tag` | tags: `<b>` |
//! | `piece` | a token before it is lower-cased |
//! | `class` | classes of characters |
//! | `character` | the class of a character, and looking at a place in a text |
//! | `classes` | the table of these classes, written by `scripts/ptb_classes.py` from what the reference prints for every character of the Basic Multilingual Plane |
//!
//! `tests/ptb_java` holds it against the reference.
//!
//! # Differences from the reference
//! - Each caption is tokenised on its own. The reference puts all captions into one file, where a single letter with a
//!   full stop at the end of a caption looks at the first letter of the next one.
//! - Characters that break lines are spaces. In the reference those other than `\n` shift all later captions by one.
//! - A tag is no longer than 1,000 bytes.
//! - Small letters are those of this program's Unicode version, where the reference's depend on that of its Java; and
//!   where Σ is written as ς in a word that mixes letters, digits and scripts.

mod abbreviation;
mod address;
mod character;
mod class;
mod classes;
mod contraction;
mod number;
mod piece;
mod scanner;
mod symbol;
mod tag;
mod word;

use scanner::Scanner;

/// The punctuation that the metrics do not see.
///
/// coco-caption lists 17 strings, but `-LRB-`, `-RRB-`, `-LCB-` and `-RCB-` are among them in capitals, and the
/// tokenizer's output is in small letters. So brackets arrive as `-lrb-` and the like, match nothing and stay words.
/// Published scores have them, so they stay here too, and only these 13 can match. The most frequent come first.
pub const DROPPED: [&str; 13] = [
    ".", ",", "-", ":", ";", "''", "``", "...", "'", "`", "?", "!", "--",
];

/// The length of the longest string of [`DROPPED`].
const LONGEST_DROPPED: usize = 3;

/// All tokens of a caption, punctuation included.
pub fn tokens(raw: &str) -> Vec<String> {
    let token = |piece: piece::Piece| {
        let mut token = String::new();
        piece.write_into(&mut token);
        token
    };
    Scanner::new(raw).map(token).collect()
}

/// The words of a caption that metrics see, joined by single spaces.
pub fn tokenize(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len() + raw.len() / 8);
    tokenize_into(raw, &mut out);
    out
}

/// Appends to `out` what [`tokenize`] returns.
///
/// Allocates only where `out` must grow, and for words with soft hyphens.
pub fn tokenize_into(raw: &str, out: &mut String) {
    let first = out.len();
    for piece in Scanner::new(raw) {
        let before = out.len();
        if before > first {
            out.push(' ');
        }
        let start = out.len();
        piece.write_into(out);
        if is_dropped(&out[start..]) {
            out.truncate(before);
        }
    }
}

/// Whether the metrics never see this token.
fn is_dropped(token: &str) -> bool {
    let first = token.as_bytes().first();
    token.len() <= LONGEST_DROPPED
        && first.is_some_and(u8::is_ascii_punctuation)
        && DROPPED.contains(&token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_is_dropped_when_metrics_look() {
        assert_eq!(tokens("A dog, a cat."), ["a", "dog", ",", "a", "cat", "."]);
        assert_eq!(tokenize("A dog, a cat."), "a dog a cat");
        for dropped in DROPPED {
            assert_eq!(tokenize(dropped), "", "{dropped}");
        }
        assert_eq!(
            tokenize("wait... what?; \"no\" - 'yes' -- `so`: go!"),
            "wait what no yes so go"
        );
    }

    #[test]
    fn punctuation_stays_when_it_is_not_among_the_seventeen() {
        assert_eq!(
            tokenize("(a) [b] {c} & % $ # / * ?! !!"),
            "-lrb- a -rrb- -lsb- b -rsb- -lcb- c -rcb- & % $ # / * ?! !!"
        );
    }

    #[test]
    fn nothing_is_returned_when_there_are_no_words() {
        assert_eq!(tokenize(""), "");
        assert_eq!(tokenize(" \t\n"), "");
        assert_eq!(tokenize(" . "), "");
        assert_eq!(tokens(" "), Vec::<String>::new());
    }

    #[test]
    fn words_are_appended_when_the_buffer_holds_text() {
        let mut out = String::from("before|");
        tokenize_into("... A man's dog.", &mut out);
        assert_eq!(out, "before|a man 's dog");
    }
}
