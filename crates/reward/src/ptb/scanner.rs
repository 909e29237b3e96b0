//! The pass over the text: of all rules that match at a place, the longest match makes the token.

use super::abbreviation::{
    Abbreviation, abbreviation, doctorate_end, sentence_ends, sentence_starts,
};
use super::address::{Addresses, url_end, www_end};
use super::character::{
    apostrophe_end, byte, bytes_end, character, is_letter_or_digit_at, is_space, spaces_end,
};
use super::contraction;
use super::number::{decade_end, mixed_fraction_end, number_end, short_year_end};
use super::piece::Piece;
use super::symbol;
use super::word;

/// What the last token allows to follow it directly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Follow {
    /// No ending.
    Nothing,
    /// An ending such as `'s`.
    Ending,
    /// After `n't`: an ending, or a quote and a word where the text ends.
    EndingBeforeMore,
}

/// What was recognised at the beginning of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// May be contracted or split.
    Word,
    /// May have an ending after it.
    Joined,
    /// Letters and full stops in turn.
    Acronym,
    /// A word that keeps its full stop.
    Abbreviation(Abbreviation),
    /// A letter and a full stop.
    Initial,
    /// A number with white space inside.
    Fraction,
    /// Stays as it is.
    Whole,
}

/// The longest match so far; the first of equally long ones.
#[derive(Debug, Clone, Copy)]
struct Match {
    kind: Kind,
    end: usize,
}

impl Match {
    fn offer(&mut self, kind: Kind, end: Option<usize>) {
        if let Some(end) = end.filter(|&end| end > self.end) {
            *self = Self { kind, end };
        }
    }
}

/// Iterates over the tokens of a text.
///
/// Every rule looks either at a bounded number of characters, or at a run that it then takes or that [`Addresses`]
/// remembers, or at one that ends before the next place where the rule can begin. So time is linear in the text.
#[derive(Debug)]
pub(super) struct Scanner<'text> {
    text: &'text str,
    at: usize,
    /// The second token of a place that gave two.
    pending: Option<Piece<'text>>,
    follow: Follow,
    addresses: Addresses,
}

impl<'text> Iterator for Scanner<'text> {
    type Item = Piece<'text>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.pending.is_some() {
            return self.pending.take();
        }
        if self.follow != Follow::Nothing
            && let Some(piece) = self.ending()
        {
            return Some(piece);
        }
        self.follow = Follow::Nothing;
        loop {
            while byte(self.text, self.at) == b' ' {
                self.at += 1;
            }
            if let Some(end) = self.plain_word_end() {
                return Some(Piece::Text(self.take(end)));
            }
            let first = character(self.text, self.at)?;
            if is_space(first) {
                self.at = spaces_end(self.text, self.at);
            } else if is_letter_or_digit_at(self.text, self.at) {
                return Some(self.word());
            } else if let Some(piece) = self.symbol(first) {
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
            pending: None,
            follow: Follow::Nothing,
            addresses: Addresses::default(),
        }
    }

    /// Moves to `end`; the text passed.
    fn take(&mut self, end: usize) -> &'text str {
        let passed = &self.text[self.at..end];
        self.at = end;
        passed
    }

    /// The ending directly after a word.
    fn ending(&mut self) -> Option<Piece<'text>> {
        let (piece, end) = contraction::ending(self.text, self.at)?;
        if self.follow == Follow::EndingBeforeMore && end == self.text.len() {
            let letters = apostrophe_end(self.text, self.at)?;
            self.follow = Follow::Nothing;
            self.at = letters;
            return Some(Piece::Fixed(symbol::single_quote(self.text, letters)));
        }
        self.follow = Follow::Ending;
        self.at = end;
        Some(piece)
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
            [] | [b' ' | b',' | b';' | b'"' | b'\n' | b'\t' | b'(' | b')', ..] => length > 0,
            [b'.'] | [b'.', b' ' | b'\n', ..] => length > 1 && abbreviation(word).is_none(),
            _ => false,
        };
        (ends && contraction::split(word).is_none()).then_some(self.at + length)
    }

    /// The token that begins with a letter or a digit.
    fn word(&mut self) -> Piece<'text> {
        if let Some((end, second)) = contraction::you_all(self.text, self.at) {
            self.at = end;
            self.pending = Some(Piece::Text(second));
            return Piece::Fixed("y'");
        }
        let Match { kind, end } = self.longest_word();
        let token = self.take(end);
        match kind {
            Kind::Word => return self.divided(token),
            Kind::Fraction => {
                self.follow = Follow::Ending;
                return Piece::Spaced(token);
            }
            Kind::Joined => self.follow = Follow::Ending,
            Kind::Acronym => {
                self.follow = Follow::Ending;
                if sentence_starts(self.text, end) {
                    self.pending = Some(Piece::Fixed("."));
                }
            }
            Kind::Abbreviation(Abbreviation::KeepsAndEnds) if sentence_ends(self.text, end) => {
                self.pending = Some(Piece::Fixed("."));
            }
            Kind::Initial if self.initial_ends(end) => {
                self.pending = Some(Piece::Fixed("."));
                return Piece::Text(&token[..token.len() - 1]);
            }
            Kind::Abbreviation(_) | Kind::Initial | Kind::Whole => {}
        }
        Piece::Text(token)
    }

    /// What all the rules for words make of the text from here.
    fn longest_word(&mut self) -> Match {
        let (text, at) = (self.text, self.at);
        if let Some(end) = mixed_fraction_end(text, at) {
            return Match {
                kind: Kind::Fraction,
                end,
            };
        }
        let letters = word::letters_end(text, at);
        let mut best = Match {
            kind: Kind::Whole,
            end: at,
        };
        best.offer(Kind::Whole, url_end(text, at));
        best.offer(Kind::Whole, www_end(text, at));
        best.offer(Kind::Whole, self.addresses.mail_end(text, at));
        best.offer(Kind::Joined, self.addresses.domain_end(text, at));
        best.offer(Kind::Joined, word::ampersands_end(text, at));
        best.offer(Kind::Joined, number_end(text, at));
        best.offer(Kind::Acronym, word::acronym_end(text, at));
        best.offer(Kind::Joined, word::dotted_end(text, at));
        if let Some((kind, end)) = Self::abbreviated(text, at, letters) {
            best.offer(kind, Some(end));
        }
        best.offer(Kind::Whole, doctorate_end(text, at));
        if letters > at && word::keeps_full_stop(text, letters) {
            best.offer(Kind::Whole, Some(letters + 1));
        }
        best.offer(Kind::Whole, word::dropped_g_end(text, at));
        best.offer(Kind::Joined, word::inner_apostrophe_end(text, at));
        best.offer(Kind::Word, Some(word::word_end(text, at)));
        if letters > at {
            best.offer(Kind::Whole, word::exclaimed_end(text, letters));
        }
        best.offer(Kind::Whole, word::currency_end(text, at));
        best
    }

    /// The abbreviation or initial whose letters begin at `at` and end at `letters`.
    fn abbreviated(text: &str, at: usize, letters: usize) -> Option<(Kind, usize)> {
        if letters == at || byte(text, letters) != b'.' {
            return None;
        }
        let end = letters + 1;
        let goes_on = byte(text, end).is_ascii_alphanumeric();
        match abbreviation(&text.as_bytes()[at..letters]) {
            Some(Abbreviation::BeforeNumber) => {
                let number = byte(text, spaces_end(text, end)).is_ascii_digit();
                number.then_some((Kind::Whole, end))
            }
            Some(found) => (!goes_on).then_some((Kind::Abbreviation(found), end)),
            None => {
                let is_initial = letters == at + 1 && !goes_on;
                is_initial.then_some((Kind::Initial, end))
            }
        }
    }

    /// Whether the initial before `end` ends a sentence, so that its full stop stands alone.
    fn initial_ends(&self, end: usize) -> bool {
        let next = byte(self.text, spaces_end(self.text, end));
        matches!(next, b'"' | b'\'' | b')') || sentence_starts(self.text, end)
    }

    /// A word as one token or the first of two; `token` has been passed.
    fn divided(&mut self, token: &'text str) -> Piece<'text> {
        let negated = token.ends_with(['n', 'N']) && !token.contains('/');
        if negated && let Some(end) = contraction::negation_end(self.text, self.at) {
            self.at = end;
            self.follow = Follow::EndingBeforeMore;
            let verb = &token[..token.len() - 1];
            if verb.is_empty() {
                return Piece::Fixed("n't");
            }
            self.pending = Some(Piece::Fixed("n't"));
            return Piece::Text(verb);
        }
        if let Some(first) = contraction::split(token.as_bytes()) {
            let (first, second) = token.split_at(first);
            self.pending = Some(Piece::Text(second));
            return Piece::Text(first);
        }
        self.follow = Follow::Ending;
        Piece::Text(token)
    }

    /// The token that begins with `first`, which begins no word; none if it is deleted.
    fn symbol(&mut self, first: char) -> Option<Piece<'text>> {
        let (text, at) = (self.text, self.at);
        let next = at + first.len_utf8();
        let text_to = |end| (Some(Piece::Text(&text[at..end])), end);
        let fixed = |token, end| (Some(Piece::Fixed(token)), end);
        let smiley = |end| (Some(Piece::Smiley(&text[at..end])), end);
        let (piece, end) = match first {
            '.' | '+' | '-' => return Some(self.sign(first)),
            '\'' | '\u{2019}' | '\u{92}' | '\u{2018}' | '\u{91}' => {
                return Some(self.apostrophe(first));
            }
            '"' => fixed(symbol::double_quote(text, next), next),
            '`' if byte(text, next) == b'`' => fixed("``", next + 1),
            '<' if let Some(end) = symbol::tag_end(text, at) => {
                (Some(Piece::Spaced(&text[at..end])), end)
            }
            '<' | '>' | ':' | ';' | '=' | '^' => {
                symbol::smiley_end(text, at).map_or_else(|| text_to(next), smiley)
            }
            '@' if byte(text, next).is_ascii_alphabetic() || byte(text, next) == b'_' => {
                text_to(word::name_end(text, next))
            }
            '#' if byte(text, next).is_ascii_alphabetic() => text_to(word::name_end(text, next)),
            '!' | '?' => text_to(bytes_end(text, at, |byte| byte == b'!' || byte == b'?')),
            _ => match symbol::fixed(first) {
                Some(token) => fixed(token, next),
                None if symbol::is_deleted(first) => (None, next),
                None => text_to(next),
            },
        };
        self.at = end;
        piece
    }

    /// The token that begins with a full stop, a plus or a hyphen: a number, dots, a dash.
    fn sign(&mut self, first: char) -> Piece<'text> {
        let (text, at) = (self.text, self.at);
        if let Some(end) = number_end(text, at) {
            self.follow = Follow::Ending;
            return Piece::Text(self.take(end));
        }
        if first == '.' {
            if let Some(end) = symbol::ellipsis_end(text, at) {
                self.at = end;
                return Piece::Fixed("...");
            }
        } else if let Some(end) = symbol::smiley_end(text, at) {
            return Piece::Text(self.take(end));
        } else if first == '-' {
            let hyphens = symbol::hyphens_end(text, at);
            let token = self.take(hyphens);
            let is_dash = (2..symbol::RULE).contains(&token.len());
            return if is_dash {
                Piece::Fixed("--")
            } else {
                Piece::Text(token)
            };
        }
        Piece::Text(self.take(at + 1))
    }

    /// The token that begins with an apostrophe or an opening quote after which no word goes on.
    fn apostrophe(&mut self, first: char) -> Piece<'text> {
        let (text, at) = (self.text, self.at);
        let next = at + first.len_utf8();
        if apostrophe_end(text, at).is_some() {
            let after_word = at > 0 && text.as_bytes()[at - 1].is_ascii_alphanumeric();
            let year = || short_year_end(text, next).filter(|_| !after_word);
            let clipped = || word::clipped_end(text, next);
            if let Some(end) = decade_end(text, next).or_else(year).or_else(clipped) {
                return Piece::Text(self.take(end));
            }
            if text[at..].starts_with("''") {
                self.at = at + 2;
                return Piece::Fixed("''");
            }
        }
        if let Some(second) = contraction::tis(text, next) {
            self.at = next + 1 + second.len();
            self.pending = Some(Piece::Text(second));
            return Piece::Fixed("'t");
        }
        if let Some((piece, end)) = contraction::ending(text, at) {
            self.at = end;
            return piece;
        }
        self.at = next;
        Piece::Fixed(symbol::fixed(first).unwrap_or_else(|| symbol::single_quote(text, next)))
    }
}
