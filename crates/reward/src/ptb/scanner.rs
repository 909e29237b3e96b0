//! The pass over the text: of all rules that match at a place, the one that looks furthest makes the token.

use super::abbreviation::{
    Abbreviation, abbreviation, acronym_end, beginning_end, digit_end, doctorate_end, starter_end,
};
use super::address::{Addresses, url_end};
use super::character::{
    apostrophe_end, byte, character, class, is_letter_or_digit, is_word_start, spaces_end,
};
use super::class::Class;
use super::contraction;
use super::number::{
    date_end, decade_end, fraction_end, number_end, short_year_end, telephone_end,
};
use super::piece::Piece;
use super::symbol;
use super::tag::tag_end;
use super::word::{self, Runs};

/// What becomes of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A part of the text as it stands.
    Text,
    /// A part of the text without soft hyphens.
    Word,
    /// A token that reads otherwise than the text.
    Fixed(&'static str),
    /// A part of the text with no-break spaces.
    Spaced,
    /// The same with named brackets.
    Named,
    /// A part of the text with decoded ampersands.
    Ampersands,
    /// Quotes, each written for itself.
    Quotes,
    /// A word whose full stop is read once more, as a token of its own.
    Ends,
    /// No token.
    Nothing,
}

/// The match that looks furthest so far; the first of those that look equally far.
#[derive(Debug, Clone, Copy)]
struct Match {
    kind: Kind,
    /// Where the token ends.
    end: usize,
    /// Where what the rule looks at ends, which may be after the token.
    reach: usize,
}

impl Match {
    /// No token at all where `first` begins at `at`.
    fn nothing(at: usize, first: char) -> Self {
        Self {
            kind: Kind::Nothing,
            end: at + first.len_utf8(),
            reach: at,
        }
    }

    fn offer(&mut self, kind: Kind, end: Option<usize>) {
        self.offer_reaching(kind, end.map(|end| (end, end)));
    }

    fn offer_reaching(&mut self, kind: Kind, found: Option<(usize, usize)>) {
        if let Some((end, reach)) = found.filter(|&(_, reach)| reach > self.reach) {
            *self = Self { kind, end, reach };
        }
    }
}

/// Iterates over the tokens of a text.
///
/// Every rule looks either at a bounded number of characters, or at a run that it then takes or that [`Addresses`] or
/// [`Runs`] remembers. So time is linear in the text.
#[derive(Debug)]
pub(super) struct Scanner<'text> {
    text: &'text str,
    at: usize,
    addresses: Addresses,
    runs: Runs,
}

impl<'text> Iterator for Scanner<'text> {
    type Item = Piece<'text>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if byte(self.text, self.at) == b' ' {
                self.at += 1;
                if !byte(self.text, self.at).is_ascii_alphabetic() {
                    self.at = spaces_end(self.text, self.at);
                }
            }
            if let Some(end) = self.plain_word_end() {
                return Some(Piece::Text(self.take(end)));
            }
            let first = character(self.text, self.at)?;
            if first.is_ascii_whitespace() {
                self.at += 1;
            } else if let Some(piece) = self.token(first) {
                return Some(piece);
            }
        }
    }
}

impl<'text> Scanner<'text> {
    /// A scanner at the beginning of `text`.
    pub(super) fn new(text: &'text str) -> Self {
        Self {
            text,
            at: 0,
            addresses: Addresses::default(),
            runs: Runs::default(),
        }
    }

    /// Moves to `end`; the text passed.
    fn take(&mut self, end: usize) -> &'text str {
        let passed = &self.text[self.at..end];
        self.at = end;
        passed
    }

    /// The fast path: where ASCII letters end that are one token by what follows them, which is most words.
    fn plain_word_end(&self) -> Option<usize> {
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest
            .iter()
            .position(|byte| !byte.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(length);
        let ends = match after {
            [] | [b' ' | b'"' | b'\n' | b'\t' | b'(' | b')', ..] | [b',', b' ', ..] => length > 0,
            [b'.'] | [b'.', b' ' | b'\n', ..] => length > 1 && abbreviation(word).is_none(),
            _ => false,
        };
        (ends && contraction::split(word).is_none()).then_some(self.at + length)
    }

    /// The token that begins with `first` here; none if it is left out.
    fn token(&mut self, first: char) -> Option<Piece<'text>> {
        let mut best = if first.is_ascii_alphanumeric() {
            Match::nothing(self.at, first)
        } else {
            self.symbol(first)
        };
        if is_letter_or_digit(first) || is_word_start(first) || first == '&' {
            self.offer_words(&mut best);
        }
        best.offer(Kind::Text, self.addresses.located_end(self.text, self.at));
        let Match { kind, end, .. } = best;
        let passed = self.take(end);
        Some(match kind {
            Kind::Text => Piece::Text(passed),
            Kind::Word => Piece::Word(passed),
            Kind::Fixed(token) => Piece::Fixed(token),
            Kind::Spaced => Piece::Spaced(passed),
            Kind::Named => Piece::Named(passed),
            Kind::Ampersands => Piece::Ampersands(passed),
            Kind::Quotes => Piece::Quotes(passed),
            Kind::Ends => {
                self.at -= 1;
                Piece::Text(passed)
            }
            Kind::Nothing => return None,
        })
    }

    /// What all the rules for words and numbers make of the text from here.
    fn offer_words(&mut self, best: &mut Match) {
        let (text, at) = (self.text, self.at);
        let letters = word::word_end(text, at);
        self.offer_contractions(best, letters);
        best.offer(Kind::Text, url_end(text, at));
        let joined = word::joined_words_end(text, at, letters);
        if let Some(end) = joined {
            best.offer_reaching(
                Kind::Word,
                contraction::ending_end(text, end).map(|reach| (end, reach)),
            );
            best.offer(Kind::Word, Some(end));
        }
        best.offer(Kind::Text, self.addresses.www_end(text, at));
        best.offer(Kind::Text, self.addresses.mail_end(text, at));
        best.offer(Kind::Word, date_end(text, at));
        best.offer(Kind::Word, number_end(text, at));
        best.offer(Kind::Spaced, fraction_end(text, at));
        best.offer(Kind::Named, telephone_end(text, at));
        self.offer_abbreviations(best, letters);
        let ampersands = word::ampersands_end(text, at);
        best.offer(Kind::Ampersands, ampersands);
        best.offer(Kind::Word, word::associations_end(text, at));
        best.offer(Kind::Word, word::sharp_end(text, at));
        best.offer(Kind::Word, word::prefix_end(text, at, letters));
        best.offer(Kind::Word, word::currency_end(text, at));
        best.offer_reaching(Kind::Word, self.runs.file_end(text, at));
        best.offer(Kind::Word, contraction::whole_end(text, at, letters));
        let pointed = self.runs.hyphenated_end(text, at);
        best.offer(Kind::Word, pointed);
        best.offer(Kind::Word, word::slashed_end(text, at));
        best.offer(Kind::Text, symbol::face_end(text, at));
        best.offer(Kind::Word, Some(letters));
        let hyphenated = word::hyphenated_end(text, at);
        best.offer(Kind::Word, Some(hyphenated));
        for end in [Some(letters), joined, ampersands, pointed, Some(hyphenated)]
            .into_iter()
            .flatten()
        {
            if end > at {
                best.offer_reaching(Kind::Word, word::kept_full_stop_end(text, end));
            }
        }
        if let Some((end, reach)) = contraction::elision_end(text, at) {
            best.offer_reaching(Kind::Word, Some((end, reach)));
        }
    }

    /// Words before an ending or `n't`, those that are two, and `n't` itself.
    fn offer_contractions(&self, best: &mut Match, letters: usize) {
        let (text, at) = (self.text, self.at);
        if letters > at {
            let ending = contraction::ending_end(text, letters).map(|reach| (letters, reach));
            best.offer_reaching(Kind::Word, ending);
            best.offer_reaching(Kind::Word, contraction::negated(text, at, letters));
            if let Some(first) = contraction::split(&text.as_bytes()[at..letters]) {
                best.offer_reaching(Kind::Text, Some((at + first, letters)));
            }
        }
        if let Some((token, end)) = contraction::negation(text, at) {
            best.offer(Kind::Fixed(token), Some(end));
        }
    }

    /// Words that keep their full stop.
    fn offer_abbreviations(&self, best: &mut Match, letters: usize) {
        let (text, at) = (self.text, self.at);
        if letters == at || byte(text, letters) != b'.' {
            return;
        }
        let end = letters + 1;
        match abbreviation(&text.as_bytes()[at..letters]) {
            Some(Abbreviation::Keeps) => best.offer(Kind::Text, Some(end)),
            Some(Abbreviation::KeepsAndEnds) => self.offer_ending(best, end),
            Some(Abbreviation::BeforeNumber) => {
                best.offer_reaching(Kind::Text, digit_end(text, end).map(|reach| (end, reach)));
            }
            None => {}
        }
        if let Some(end) = doctorate_end(text, at) {
            self.offer_ending(best, end);
        }
        if let Some(end) = acronym_end(text, at) {
            best.offer_reaching(Kind::Ends, starter_end(text, end).map(|reach| (end, reach)));
            best.offer(Kind::Text, Some(end));
        }
        if letters == at + 1 && byte(text, at).is_ascii_alphabetic() {
            best.offer_reaching(
                Kind::Text,
                starter_end(text, end).map(|reach| (letters, reach)),
            );
            best.offer(Kind::Text, Some(end));
        }
    }

    /// A word with a full stop before `end` that may end a sentence.
    fn offer_ending(&self, best: &mut Match, end: usize) {
        let text = self.text;
        best.offer_reaching(
            Kind::Ends,
            beginning_end(text, end).map(|reach| (end, reach)),
        );
        let two = text[end..].char_indices().nth(1);
        let two = two.map(|(second, next)| end + second + next.len_utf8());
        best.offer_reaching(Kind::Text, two.map(|reach| (end, reach)));
        let closes = !matches!(byte(text, end), b',' | b';' | b':');
        best.offer(if closes { Kind::Ends } else { Kind::Text }, Some(end));
    }

    /// What the rules for what is no word make of the text from here, which begins with `first`.
    fn symbol(&mut self, first: char) -> Match {
        let (text, at) = (self.text, self.at);
        let next = at + first.len_utf8();
        let mut best = Match::nothing(at, first);
        if matches!(class(first), Class::Symbol | Class::Repeated) {
            best.kind = Kind::Text;
        }
        match first {
            '\'' | '&' | '\u{2019}' | '\u{92}' => self.offer_apostrophes(&mut best, first),
            '.' | '+' | '-' | ',' | ':' | '\u{66b}' | '\u{66c}' => {
                self.offer_signs(&mut best, first);
            }
            '(' => {
                best.offer(Kind::Named, telephone_end(text, at));
                best.offer(Kind::Named, symbol::face_end(text, at));
            }
            '"' => {
                let opens = byte(text, next).is_ascii_alphanumeric() || byte(text, next) == b'$';
                let token = if opens { "``" } else { "''" };
                best.offer(Kind::Fixed(token), Some(next));
            }
            '<' => {
                best.offer(Kind::Spaced, tag_end(text, at));
                best.offer(Kind::Text, self.addresses.mail_end(text, at));
            }
            '@' => best.offer(Kind::Text, symbol::user_end(text, at)),
            '#' => best.offer(Kind::Text, symbol::hashtag_end(text, at)),
            '!' | '?' => {
                let marks = text[at..]
                    .bytes()
                    .take_while(|byte| matches!(byte, b'!' | b'?'))
                    .count();
                best.offer(Kind::Text, Some(at + marks));
            }
            '\\' if matches!(byte(text, next), b'*' | b'/') && byte(text, next) == b'*' => {
                best.offer(Kind::Text, Some(next + 1));
            }
            _ => {}
        }
        self.offer_figures(&mut best, first);
        let quotes = symbol::quotes_end(text, at);
        best.offer(Kind::Quotes, Some(quotes));
        if let Some(token) = symbol::fixed(first) {
            best.offer(Kind::Fixed(token), Some(next));
        }
        if best.kind == Kind::Text {
            best.offer(Kind::Text, Some(next));
        }
        best
    }

    /// Smileys, faces and what is repeated.
    fn offer_figures(&self, best: &mut Match, first: char) {
        let (text, at) = (self.text, self.at);
        if matches!(first, '<' | '>' | ':' | ';' | '=') {
            best.offer_reaching(Kind::Named, symbol::smiley_end(text, at));
        }
        if matches!(first, '*' | '#' | '_' | '@' | '⁺' | '⁻' | '₊' | '₋')
            || class(first) == Class::Repeated
        {
            best.offer(Kind::Text, Some(symbol::repeated_end(text, at, first)));
        }
        if matches!(first, '<' | '>') && byte(text, at + 1) == byte(text, at) {
            best.offer(Kind::Text, Some(at + 2));
        }
        if matches!(first, '=' | '-' | '\'' | '^' | '<' | '>' | '~') {
            best.offer(Kind::Text, symbol::face_end(text, at));
        }
    }

    /// What begins with an apostrophe, or is an entity.
    fn offer_apostrophes(&self, best: &mut Match, first: char) {
        let (text, at) = (self.text, self.at);
        if let Some(letters) = apostrophe_end(text, at) {
            best.offer_reaching(
                Kind::Text,
                contraction::tis_end(text, at).map(|reach| (at + 2, reach)),
            );
            let ending = contraction::ending(text, at);
            if let Some((token, end, reach)) = ending.filter(|&(_, end, reach)| reach > end) {
                best.offer_reaching(Kind::Fixed(token), Some((end, reach)));
            }
            best.offer(Kind::Text, decade_end(text, letters));
            best.offer_reaching(Kind::Text, short_year_end(text, letters));
            best.offer(Kind::Text, contraction::clipped_end(text, at));
            if first == '\'' {
                let opens = contraction::opens_quotation(text, letters);
                best.offer_reaching(Kind::Fixed("`"), opens.map(|reach| (letters, reach)));
            }
            if let Some((token, end, _)) = ending {
                best.offer(Kind::Fixed(token), Some(end));
            }
            if text[at..].starts_with("''") {
                best.offer(Kind::Fixed("''"), Some(at + 2));
            }
            best.offer(Kind::Fixed("'"), Some(letters));
        }
        if text[at..].starts_with("&quot;") {
            let opens = byte(text, at + 6).is_ascii_alphanumeric() || byte(text, at + 6) == b'$';
            best.offer(Kind::Fixed(if opens { "``" } else { "''" }), Some(at + 6));
        }
        if let Some((written, end)) = symbol::entity(text, at).filter(|_| first == '&') {
            let kind = match written {
                Some(" ") => Kind::Nothing,
                Some(token) => Kind::Fixed(token),
                None => Kind::Text,
            };
            best.offer(kind, Some(end));
        }
    }

    /// What begins with a full stop, a sign of a number or a hyphen: a number, dots, a dash.
    fn offer_signs(&self, best: &mut Match, first: char) {
        let (text, at) = (self.text, self.at);
        best.offer(Kind::Word, number_end(text, at));
        match first {
            '.' => {
                if let Some(end) = symbol::ellipsis_end(text, at) {
                    best.offer(Kind::Fixed("..."), Some(end));
                }
            }
            '+' => best.offer(Kind::Named, telephone_end(text, at)),
            '-' => {
                best.offer(Kind::Text, symbol::named_bracket_end(text, at));
                let end = symbol::repeated_end(text, at, '-');
                let is_dash = (2..symbol::RULE).contains(&(end - at));
                let kind = if is_dash {
                    Kind::Fixed("--")
                } else {
                    Kind::Text
                };
                best.offer(kind, Some(end));
            }
            _ => {}
        }
    }
}
