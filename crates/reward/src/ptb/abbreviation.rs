//! Words that keep their full stop, and what begins a sentence after one.

use super::character::{byte, characters_end, is_letter, spaces_end};

/// What follows an abbreviation in the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Abbreviation {
    /// Keeps its full stop: `st.`
    Keeps,
    /// Keeps it, and gives the sentence another where it ends one: `blvd. .`
    KeepsAndEnds,
    /// Keeps it before a number: `no. 5`
    BeforeNumber,
}

/// Words that begin a sentence where a name would not follow an initial.
const STARTERS: [&str; 27] = [
    "The", "A", "An", "He", "She", "It", "There", "They", "This", "These", "That", "In", "On",
    "At", "And", "We", "I", "But", "For", "If", "As", "When", "While", "You", "No", "Some",
    "After",
];

/// The length of the longest listed abbreviation.
const LONGEST: usize = 6;

/// Whether `word`, all of its letters, is abbreviated when a full stop follows.
pub(super) fn abbreviation(word: &[u8]) -> Option<Abbreviation> {
    let mut buffer = [0; LONGEST];
    let lower = buffer.get_mut(..word.len())?;
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    match &*lower {
        b"inc" | b"co" | b"corp" | b"ltd" | b"blvd" | b"etc" => Some(Abbreviation::KeepsAndEnds),
        b"mr" | b"mrs" | b"ms" | b"messrs" | b"dr" | b"drs" | b"prof" | b"profs" | b"st"
        | b"ste" | b"jr" | b"sr" | b"gov" | b"sen" | b"rep" | b"gen" | b"lt" | b"col" | b"capt"
        | b"cpl" | b"sgt" | b"maj" | b"adm" | b"pres" | b"rev" | b"hon" | b"mt" | b"ft"
        | b"ave" | b"rd" | b"ct" | b"bldg" | b"dept" | b"univ" | b"vs" | b"v" | b"bros"
        | b"est" => Some(Abbreviation::Keeps),
        b"no" | b"fig" => Some(Abbreviation::BeforeNumber),
        _ if is_capitalised_abbreviation(word) => Some(Abbreviation::Keeps),
        _ => None,
    }
}

/// Months, days and states are abbreviated only with a capital.
fn is_capitalised_abbreviation(word: &[u8]) -> bool {
    matches!(
        word,
        b"Jan"
            | b"Feb"
            | b"Mar"
            | b"Apr"
            | b"Jun"
            | b"Jul"
            | b"Aug"
            | b"Sep"
            | b"Sept"
            | b"Oct"
            | b"Nov"
            | b"Dec"
            | b"Mon"
            | b"Tue"
            | b"Tues"
            | b"Wed"
            | b"Thur"
            | b"Thurs"
            | b"Fri"
            | b"Calif"
            | b"Fla"
            | b"Mass"
            | b"Tex"
            | b"Minn"
            | b"Wash"
            | b"Penn"
            | b"Conn"
            | b"Mich"
            | b"Ill"
            | b"Ariz"
            | b"Okla"
    )
}

/// Where `Ph.D.` ends that begins at `at`.
pub(super) fn doctorate_end(text: &str, at: usize) -> Option<usize> {
    let end = at + b"ph.d.".len();
    let found = text.as_bytes().get(at..end)?;
    let holds = found.eq_ignore_ascii_case(b"ph.d.") && !byte(text, end).is_ascii_alphanumeric();
    holds.then_some(end)
}

/// Whether a word that begins a sentence comes after white space at `at`.
pub(super) fn sentence_starts(text: &str, at: usize) -> bool {
    let start = spaces_end(text, at);
    let is_inside = |next: char| is_letter(next) || next.is_ascii_digit() || next == '_';
    let end = characters_end(text, start, is_inside);
    start > at && STARTERS.contains(&&text[start..end])
}

/// Whether a sentence ends at `at`: nothing follows but quotes, or a capital after white space does.
pub(super) fn sentence_ends(text: &str, at: usize) -> bool {
    let quotes = if byte(text, at) == b'"' { at + 1 } else { at };
    let next = spaces_end(text, quotes);
    next == text.len() || (next > at && byte(text, next).is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use crate::ptb::{tokenize, tokens};

    #[test]
    fn full_stops_stay_when_the_word_is_an_abbreviation() {
        assert_eq!(
            tokenize("Mr. and Mrs. Smith at St. Louis vs. 8th AVE."),
            "mr. and mrs. smith at st. louis vs. 8th ave."
        );
        assert_eq!(tokenize("on Jan. 5, in a jan."), "on jan. 5 in a jan");
        assert_eq!(
            tokenize("no. 5, a no. of dogs, fig.2"),
            "no. 5 a no of dogs fig. 2"
        );
        assert_eq!(tokenize("a Ph.D. student"), "a ph.d. student");
    }

    #[test]
    fn a_second_full_stop_is_added_when_a_company_or_street_ends_the_sentence() {
        assert_eq!(tokens("on Sunset Blvd."), ["on", "sunset", "blvd.", "."]);
        assert_eq!(
            tokens("\"Monica Blvd.\""),
            ["``", "monica", "blvd.", ".", "''"]
        );
        assert_eq!(tokens("at First St."), ["at", "first", "st."]);
        assert_eq!(tokens("5 p.m. The dog"), ["5", "p.m.", ".", "the", "dog"]);
    }

    #[test]
    fn initials_keep_their_full_stop_when_no_sentence_starts() {
        assert_eq!(tokenize("the letter K."), "the letter k.");
        assert_eq!(tokenize("J. R. Tolkien"), "j. r. tolkien");
        assert_eq!(tokenize("vitamin C. it is"), "vitamin c. it is");
        assert_eq!(tokenize("vitamin C. The dog"), "vitamin c the dog");
        assert_eq!(tokenize("plan B. Theodore"), "plan b. theodore");
        assert_eq!(tokenize("\"plan B.\""), "plan b");
    }

    #[test]
    fn acronyms_stay_whole_when_letters_and_full_stops_alternate() {
        assert_eq!(
            tokenize("the U.S. and the U.S.A."),
            "the u.s. and the u.s.a."
        );
        assert_eq!(tokenize("a t.v. in a s.u.v"), "a t.v. in a s.u.v");
        assert_eq!(tokenize("i.e., a U.S.-made car"), "i.e. a u.s.-made car");
    }
}
