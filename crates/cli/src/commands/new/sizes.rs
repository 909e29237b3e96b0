//! Sizes that follow from words and lengths.

use std::collections::HashMap;

/// The longest caption that a configuration may have.
const LONGEST: usize = 1000;
/// The least numbers of occurrences to choose from, each with the number of different words from which on it is taken.
const MINIMUM_COUNTS: [(u64, usize); 3] = [(5, 5_000), (2, 1_000), (1, 0)];
/// The share of a text that may be unknown.
const UNKNOWN: f64 = 0.05;

/// Lengths of targets, in tokens with the end token.
pub(super) struct Lengths {
    /// Enough for 99 of 100.
    pub(super) enough: usize,
    pub(super) longest: usize,
}

impl Lengths {
    pub(super) fn of(mut lengths: Vec<usize>) -> Self {
        lengths.sort_unstable();
        let last = (lengths.len() * 99).div_ceil(100).saturating_sub(1);
        let enough = lengths.get(last).copied().unwrap_or(2);
        Self {
            enough: enough.clamp(2, LONGEST),
            longest: lengths.last().copied().unwrap_or(2),
        }
    }
}

/// Words of the training captions.
pub(super) struct Words {
    /// Different ones.
    pub(super) different: usize,
    /// How often a word has to stand to be learnt.
    pub(super) minimum_count: u64,
    /// Those that do.
    pub(super) kept: usize,
    /// The share of the text that the others are.
    pub(super) unknown: f64,
}

impl Words {
    pub(super) fn of<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for word in words {
            *counts.entry(word).or_default() += 1;
        }
        let different = counts.len();
        let all: u64 = counts.values().sum();
        let with = |minimum_count| {
            let kept = counts.values().filter(|&&count| count >= minimum_count);
            let known: u64 = kept.clone().sum();
            Self {
                different,
                minimum_count,
                kept: kept.count(),
                unknown: (all - known) as f64 / all.max(1) as f64,
            }
        };
        let fitting = MINIMUM_COUNTS
            .into_iter()
            .filter(|&(_, from)| different >= from)
            .map(|(minimum_count, _)| with(minimum_count));
        let mut fitting = fitting.filter(|words| words.unknown <= UNKNOWN);
        fitting.next().unwrap_or_else(|| with(1))
    }
}

/// Targets of a source that an epoch takes: as many as sources have, five at most.
pub(super) fn targets_per_source(targets: usize, sources: usize) -> usize {
    let mean = targets as f64 / sources.max(1) as f64;
    (mean.round() as usize).clamp(1, 5)
}

/// Sources of a batch: `wanted`, or so few that an epoch has ten.
pub(super) fn batch(wanted: usize, sources: usize) -> usize {
    let mut batch = wanted;
    while batch >= 8 && batch * 10 > sources {
        batch /= 2;
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_enough_for_99_of_100() {
        let lengths = Lengths::of((1..=200).rev().collect());
        assert_eq!((lengths.enough, lengths.longest), (198, 200));
        assert_eq!(Lengths::of(vec![7]).enough, 7);
        assert_eq!(Lengths::of(vec![5000; 3]).enough, 1000);
        assert_eq!(Lengths::of(Vec::new()).enough, 2);
    }

    #[test]
    fn rare_words_go_where_there_are_many_words_and_little_is_lost() {
        let few = Words::of(["a", "a", "b"].into_iter());
        assert_eq!((few.minimum_count, few.kept, few.different), (1, 2, 2));
        // 1,500 words, of which 500 stand once in 40,500.
        let names: Vec<String> = (0..1500).map(|word| word.to_string()).collect();
        let many = (0..1500).flat_map(|word| {
            let times = if word < 1000 { 40 } else { 1 };
            std::iter::repeat_n(names[word].as_str(), times)
        });
        let many = Words::of(many);
        assert_eq!((many.minimum_count, many.kept), (2, 1000));
        assert!((many.unknown - 500.0 / 40_500.0).abs() < 1e-12);
        // All of them stand once: none is rare.
        assert_eq!(Words::of(names.iter().map(String::as_str)).minimum_count, 1);
    }

    #[test]
    fn batches_leave_ten_to_an_epoch() {
        assert_eq!(
            (batch(64, 10_000), batch(64, 100), batch(10, 40)),
            (64, 8, 5)
        );
        assert_eq!(
            (targets_per_source(9, 4), targets_per_source(90, 9)),
            (2, 5)
        );
        assert_eq!(targets_per_source(0, 0), 1);
    }
}
