//! When the captions of a captioner have become degenerate: rules over a few numbers, with no run around them.
//!
//! Every rule compares captions with what the references of the same sources offer, so that drawn scenes, of which many
//! are described alike, are held to less than photographs. Good captioners are far from the bounds: of 1,000 photographs
//! of Flickr8k, whose references offer nearly as many different captions, they find 230 to 820, hardly one is cut off,
//! and their mean length of 8 to 10 words lies well within the 6 to 18 of most references.

use std::{collections::BTreeSet, fmt, mem::discriminant};

use serde::{Deserialize, Serialize};

/// Fewer different captions than one in so many that the references offer are few.
const FEW: usize = 20;
/// Share of captions without an end from which on they are most.
const MOST: f64 = 0.5;
/// Share of the references that are left out at either end of their lengths.
const TAIL: f64 = 0.05;
/// Words by which a mean length may lie outside of those of the references.
const MARGIN: f64 = 1.0;
/// So few sources tell nothing of shares and means.
const LEAST_SOURCES: usize = 20;
/// What is said of lengths alone.
const OF_LENGTH: &str = "words on average, expected about as many as references have";

/// The captions of some sources, one each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CaptionStatistics {
    /// How many there are.
    pub sources: usize,
    /// How many of them differ.
    pub distinct: usize,
    /// Share of captions that reached the maximum length without ending, 0 to 1.
    pub cut_off_share: f64,
    /// Mean length in words, the end token not counted.
    pub mean_length: f64,
}

/// The references of the same sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferenceStatistics {
    /// How many different captions there would be if every source had its first reference.
    pub distinct: usize,
    /// 19 of 20 references have at least so many words.
    pub shortest: usize,
    /// 19 of 20 references have at most so many words.
    pub longest: usize,
}

impl ReferenceStatistics {
    /// Those of sources with these references, words joined by single spaces; longer ones count as if they were cut after
    /// `max_length` words.
    pub fn of<'a>(sources: impl IntoIterator<Item = &'a [String]>, max_length: usize) -> Self {
        let mut first = BTreeSet::new();
        let mut lengths = Vec::new();
        for references in sources {
            first.extend(references.first());
            lengths.extend(references.iter().map(|text| words(text).min(max_length)));
        }
        lengths.sort_unstable();
        let tail = (lengths.len() as f64 * TAIL) as usize;
        let at = |k: Option<usize>| k.and_then(|k| lengths.get(k)).copied().unwrap_or(0);
        Self {
            distinct: first.len(),
            shortest: at(Some(tail)),
            longest: at(lengths.len().checked_sub(tail + 1)),
        }
    }
}

fn words(text: &str) -> usize {
    text.split_ascii_whitespace().count()
}

/// What captions have become.
///
/// `Display` gives one clause: what was found, what was expected, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Collapse {
    /// Nearly the same caption for all sources.
    FewDistinct {
        /// Different captions.
        found: usize,
        /// Sources.
        // Checkpoints know it by this name.
        #[serde(rename = "images")]
        sources: usize,
        /// Different captions that the references offer.
        offered: usize,
    },
    /// Most captions do not end.
    CutOff {
        /// Their share, 0 to 1.
        share: f64,
    },
    /// Captions are shorter than nearly all references.
    TooShort {
        /// Their mean length in words.
        found: f64,
        /// Words of a short reference.
        shortest: usize,
    },
    /// Captions are longer than nearly all references.
    TooLong {
        /// Their mean length in words.
        found: f64,
        /// Words of a long reference.
        longest: usize,
    },
}

impl Collapse {
    /// Whether a sentence tells captions that are too short or too long, as it stands in the log of a run.
    pub(crate) fn is_of_length(sentence: &str) -> bool {
        sentence.contains(OF_LENGTH)
    }

    /// Whether both are the same finding, whatever their numbers.
    pub fn is_like(&self, other: &Self) -> bool {
        discriminant(self) == discriminant(other)
    }
}

impl fmt::Display for Collapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewDistinct {
                found,
                sources,
                offered,
            } => write!(
                f,
                "found {found} different caption{} for {sources} validation sources, expected more of references that \
                 offer {offered}: the captioner hardly tells sources apart; lower the learning rate or train for longer \
                 (in an `scst` stage `entropy_bonus` and `kl_weight` keep captions various)",
                if *found == 1 { "" } else { "s" }
            ),
            Self::CutOff { share } => write!(
                f,
                "found {:.0} % of the captions of validation sources cut off at the maximum length, expected captions \
                 that end: raise `data.max_length` if references are longer, and see whether rewards count the end token \
                 (`reward_end_token`) and favour long captions",
                100.0 * share
            ),
            Self::TooShort { found, shortest } => write!(
                f,
                "found captions of {found:.1} {OF_LENGTH}, {shortest} or more in 19 of 20: see whether the reward favours \
                 short captions"
            ),
            Self::TooLong { found, longest } => write!(
                f,
                "found captions of {found:.1} {OF_LENGTH}, {longest} or fewer in 19 of 20: see whether the reward favours \
                 long captions"
            ),
        }
    }
}

/// All that the captions of some sources have become.
pub fn collapses(captions: &CaptionStatistics, references: &ReferenceStatistics) -> Vec<Collapse> {
    let mut found = Vec::new();
    let &CaptionStatistics {
        sources,
        distinct,
        cut_off_share,
        mean_length,
    } = captions;
    if distinct * FEW < references.distinct {
        found.push(Collapse::FewDistinct {
            found: distinct,
            sources,
            offered: references.distinct,
        });
    }
    if sources < LEAST_SOURCES {
        return found;
    }
    if cut_off_share > MOST {
        found.push(Collapse::CutOff {
            share: cut_off_share,
        });
    }
    let &ReferenceStatistics {
        shortest, longest, ..
    } = references;
    if mean_length < shortest as f64 - MARGIN {
        found.push(Collapse::TooShort {
            found: mean_length,
            shortest,
        });
    }
    if mean_length > longest as f64 + MARGIN {
        found.push(Collapse::TooLong {
            found: mean_length,
            longest,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// References as those of 1,000 images of Flickr8k.
    const PHOTOGRAPHS: ReferenceStatistics = ReferenceStatistics {
        distinct: 990,
        shortest: 6,
        longest: 18,
    };

    /// The names of what is found.
    fn found(captions: [f64; 4], references: &ReferenceStatistics) -> Vec<&'static str> {
        let [sources, distinct, cut_off_share, mean_length] = captions;
        let captions = CaptionStatistics {
            sources: sources as usize,
            distinct: distinct as usize,
            cut_off_share,
            mean_length,
        };
        let name = |collapse: Collapse| match collapse {
            Collapse::FewDistinct { .. } => "few",
            Collapse::CutOff { .. } => "cut off",
            Collapse::TooShort { .. } => "short",
            Collapse::TooLong { .. } => "long",
        };
        let found = collapses(&captions, references).into_iter();
        found.map(name).collect()
    }

    #[test]
    fn good_captioners_are_left_in_peace() {
        for captions in [
            [1000.0, 818.0, 0.0, 10.0],
            [1000.0, 232.0, 0.01, 8.0],
            [1000.0, 317.0, 0.02, 7.5],
        ] {
            assert_eq!(found(captions, &PHOTOGRAPHS), [""; 0], "{captions:?}");
        }
        let scenes = ReferenceStatistics {
            distinct: 30,
            shortest: 5,
            longest: 11,
        };
        // Few scenes differ, and few captions need to.
        assert_eq!(found([180.0, 2.0, 0.0, 7.0], &scenes), [""; 0]);
        assert_eq!(found([180.0, 1.0, 0.0, 7.0], &scenes), ["few"]);
        // Nothing is known of so few sources.
        assert_eq!(found([12.0, 1.0, 1.0, 1.0], &PHOTOGRAPHS), ["few"]);
        let twelve = ReferenceStatistics {
            distinct: 12,
            ..PHOTOGRAPHS
        };
        assert_eq!(found([12.0, 1.0, 1.0, 1.0], &twelve), [""; 0]);
    }

    #[test]
    fn degenerate_captions_are_found() {
        for (captions, expected) in [
            ([1000.0, 12.0, 0.0, 8.0], &["few"][..]),
            ([1000.0, 400.0, 0.7, 12.0], &["cut off"]),
            ([1000.0, 400.0, 0.0, 3.0], &["short"]),
            ([1000.0, 400.0, 0.3, 19.5], &["long"]),
            ([1000.0, 1.0, 1.0, 20.0], &["few", "cut off", "long"]),
        ] {
            assert_eq!(found(captions, &PHOTOGRAPHS), expected, "{captions:?}");
        }
    }

    #[test]
    fn sentences_of_lengths_are_known_again() {
        let (found, shortest, longest) = (3.0, 5, 9);
        for collapse in [
            Collapse::TooShort { found, shortest },
            Collapse::TooLong { found, longest },
        ] {
            assert!(Collapse::is_of_length(&collapse.to_string()), "{collapse}");
        }
        let cut_off = Collapse::CutOff { share: 0.9 }.to_string();
        assert!(!Collapse::is_of_length(&cut_off));
    }

    #[test]
    fn references_tell_what_captions_could_be() {
        let source = |texts: &[&str]| texts.iter().map(|&t| t.to_owned()).collect::<Vec<_>>();
        let sources = [
            source(&["a dog", "a brown dog runs over grass"]),
            source(&["a dog", "two cats"]),
            source(&["one bird", "a bird on a wire"]),
        ];
        let of =
            |max_length| ReferenceStatistics::of(sources.iter().map(Vec::as_slice), max_length);
        let expected = ReferenceStatistics {
            distinct: 2,
            shortest: 2,
            longest: 6,
        };
        assert_eq!(of(16), expected);
        assert_eq!(of(4).longest, 4);
        // One reference in twenty is left out at either end.
        let lengths: Vec<String> = (1..=20).map(|n| vec!["a"; n].join(" ")).collect();
        let found = ReferenceStatistics::of([lengths.as_slice()], 100);
        assert_eq!((found.shortest, found.longest), (2, 19));
        let none = ReferenceStatistics::of([], 16);
        assert_eq!((none.distinct, none.shortest, none.longest), (0, 0, 0));
    }
}
