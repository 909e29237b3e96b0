//! Words that keep their full stop, and what begins a sentence after one.

use super::character::{byte, bytes_end, character, characters_end, class, is_digit, is_gap};
use super::class::Class;
use super::tag::tag_end;

/// When a word keeps its full stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Abbreviation {
    /// Always: `dr.`
    Keeps,
    /// Always, and the sentence gets another full stop where it ends there: `blvd. .`
    KeepsAndEnds,
    /// Before a number: `no. 5`
    BeforeNumber,
}

/// How a word may be written to be an abbreviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Any,
    /// With a capital at least: `Mass.`, for `mass.` is a word.
    Capital,
    /// Not in capitals only.
    NotUpper,
}

/// The length of the longest listed abbreviation.
const LONGEST: usize = 7;

/// Words that begin a sentence where a name would not follow an initial; also in capitals.
const STARTERS: [&[u8]; 44] = [
    b"A",
    b"About",
    b"According",
    b"Additionally",
    b"After",
    b"An",
    b"As",
    b"At",
    b"But",
    b"Earlier",
    b"He",
    b"Her",
    b"Here",
    b"However",
    b"If",
    b"In",
    b"It",
    b"Last",
    b"Many",
    b"More",
    b"Now",
    b"Once",
    b"One",
    b"Other",
    b"Our",
    b"She",
    b"Since",
    b"So",
    b"Some",
    b"Such",
    b"That",
    b"The",
    b"Their",
    b"Then",
    b"There",
    b"These",
    b"They",
    b"This",
    b"We",
    b"What",
    b"When",
    b"While",
    b"Yet",
    b"You",
];

/// Whether `word` is abbreviated when a full stop follows.
pub(super) fn abbreviation(word: &[u8]) -> Option<Abbreviation> {
    let mut buffer = [0; LONGEST];
    let lower = buffer.get_mut(..word.len())?;
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    let (found, case) = listed(lower)?;
    let holds = match case {
        Case::Any => true,
        Case::Capital => word[0].is_ascii_uppercase(),
        Case::NotUpper => !word.iter().all(u8::is_ascii_uppercase),
    };
    holds.then_some(found)
}

fn listed(lower: &[u8]) -> Option<(Abbreviation, Case)> {
    Some(match lower {
        b"adj" | b"adm" | b"adv" | b"alex" | b"assoc" | b"asst" | b"atty" | b"attys" | b"ave"
        | b"brig" | b"capt" | b"cf" | b"cie" | b"cmdr" | b"col" | b"comdr" | b"cpl" | b"dept"
        | b"det" | b"dr" | b"drs" | b"elec" | b"ens" | b"ft" | b"gen" | b"gov" | b"govs"
        | b"hon" | b"insp" | b"invt" | b"jos" | b"lieut" | b"lt" | b"maj" | b"messrs" | b"mlle"
        | b"mme" | b"mr" | b"mrs" | b"ms" | b"msgr" | b"mt" | b"natl" | b"pfc" | b"ph"
        | b"pres" | b"prof" | b"profs" | b"pvt" | b"rep" | b"reps" | b"rev" | b"sen" | b"sens"
        | b"sfc" | b"sgt" | b"spc" | b"st" | b"ste" | b"supt" | b"treas" | b"vs" | b"wm" => {
            (Abbreviation::Keeps, Case::Any)
        }
        b"mfg" | b"mtg" => (Abbreviation::Keeps, Case::NotUpper),
        b"al" | b"ala" | b"apr" | b"ariz" | b"assn" | b"aug" | b"bancorp" | b"bhd" | b"bldg"
        | b"blvd" | b"bros" | b"calif" | b"co" | b"colo" | b"conn" | b"corp" | b"cos" | b"ct"
        | b"dak" | b"dec" | b"esq" | b"est" | b"etc" | b"ext" | b"feb" | b"fla" | b"fri"
        | b"ga" | b"inc" | b"ind" | b"intl" | b"jan" | b"jr" | b"jul" | b"jun" | b"kan"
        | b"kans" | b"ky" | b"ltd" | b"mar" | b"md" | b"mich" | b"minn" | b"mo" | b"mon"
        | b"mont" | b"neb" | b"nev" | b"nov" | b"oct" | b"okla" | b"penn" | b"plc" | b"rd"
        | b"rt" | b"sep" | b"sept" | b"seq" | b"sq" | b"sr" | b"sys" | b"tel" | b"tenn"
        | b"thu" | b"thurs" | b"tue" | b"tues" | b"univ" | b"va" | b"vt" | b"wed" | b"wis"
        | b"wisc" | b"wyo" => (Abbreviation::KeepsAndEnds, Case::Any),
        b"ark" | b"az" | b"del" | b"ill" | b"la" | b"mass" | b"miss" | b"ore" | b"pa" | b"tex"
        | b"wash" => (Abbreviation::KeepsAndEnds, Case::Capital),
        b"ppte" | b"ppty" | b"pte" | b"ptes" | b"pty" | b"ptys" => {
            (Abbreviation::KeepsAndEnds, Case::NotUpper)
        }
        b"art" | b"ca" | b"fig" | b"figs" | b"no" | b"nos" | b"op" | b"pp" | b"prop" => {
            (Abbreviation::BeforeNumber, Case::Any)
        }
        _ => return None,
    })
}

/// Where an acronym ends: two or more letters, each with its full stop.
pub(super) fn acronym_end(text: &str, at: usize) -> Option<usize> {
    let mut end = at;
    while byte(text, end).is_ascii_alphabetic() && byte(text, end + 1) == b'.' {
        end += 2;
    }
    (end >= at + 4).then_some(end)
}

/// Where `Ph.D.` ends that begins at `at`.
pub(super) fn doctorate_end(text: &str, at: usize) -> Option<usize> {
    let end = at + b"ph.d.".len();
    let found = text.as_bytes().get(at..end)?;
    found.eq_ignore_ascii_case(b"ph.d.").then_some(end)
}

/// Where white space, a word or a tag that begins a sentence, and white space end that begin at `at`.
pub(super) fn starter_end(text: &str, at: usize) -> Option<usize> {
    let start = characters_end(text, at, is_gap);
    if start == at {
        return None;
    }
    let letters = bytes_end(text, start, |byte| byte.is_ascii_alphabetic());
    let word = &text.as_bytes()[start..letters];
    let is_starter = |starter: &&[u8]| {
        word == *starter
            || word.eq_ignore_ascii_case(starter) && word.iter().all(u8::is_ascii_uppercase)
    };
    let is_title = matches!(word, b"Mr" | b"MR" | b"Ms" | b"MS") && byte(text, letters) == b'.';
    let end = if STARTERS.iter().any(is_starter) {
        letters
    } else if is_title {
        letters + 1
    } else {
        tag_end(text, start)?
    };
    let space = character(text, end).filter(|&next| is_gap(next))?;
    Some(end + space.len_utf8())
}

/// Capitals, but for the Cherokee ones, which were not yet.
fn is_capital(next: char) -> bool {
    let is_known = class(next) != Class::Dropped || matches!(next, '\u{2160}'..='\u{216f}');
    next.is_uppercase() && is_known && !matches!(next, '\u{13a0}'..='\u{13ff}')
}

/// Where white space, and what begins a sentence after it, end that begin at `at`: a capital, a tag or more white space.
pub(super) fn beginning_end(text: &str, at: usize) -> Option<usize> {
    let first = character(text, at).filter(|&next| is_gap(next))?;
    let start = characters_end(text, at, is_gap);
    let capital = character(text, start).filter(|&next| is_capital(next));
    capital
        .map(|capital| start + capital.len_utf8())
        .or_else(|| tag_end(text, start))
        .or_else(|| Some(start).filter(|_| start > at + first.len_utf8()))
}

/// Where a digit, and one space before it, ends that begins at `at`.
pub(super) fn digit_end(text: &str, at: usize) -> Option<usize> {
    let space = character(text, at).filter(|&next| is_gap(next));
    let start = at + space.map_or(0, char::len_utf8);
    let digit = character(text, start).filter(|&next| is_digit(next))?;
    Some(start + digit.len_utf8())
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
        assert_eq!(tokenize("on Jan. 5, in a jan."), "on jan. 5 in a jan.");
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
        assert_eq!(tokens("in Jan. The"), ["in", "jan.", ".", "the"]);
        assert_eq!(tokens("in Jan. the"), ["in", "jan.", "the"]);
        assert_eq!(tokens("at First St."), ["at", "first", "st."]);
        assert_eq!(tokens("5 p.m. The dog"), ["5", "p.m.", ".", "the", "dog"]);
        assert_eq!(tokens("5 p.m. Dogs"), ["5", "p.m.", "dogs"]);
    }

    #[test]
    fn initials_keep_their_full_stop_when_no_sentence_starts() {
        assert_eq!(tokenize("the letter K."), "the letter k.");
        assert_eq!(tokenize("J. R. Tolkien"), "j. r. tolkien");
        assert_eq!(tokenize("vitamin C. it is"), "vitamin c. it is");
        assert_eq!(tokenize("vitamin C. The dog"), "vitamin c the dog");
        assert_eq!(tokenize("plan B. Theodore"), "plan b. theodore");
        assert_eq!(tokenize("\"plan B.\""), "plan b.");
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
