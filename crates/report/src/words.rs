//! What captions are like: how many different ones, which words, how long, how they end.

use std::collections::{BTreeMap, BTreeSet};

use crate::report::{Caption, Output, Report};

/// Captions and words that are shown.
const SHOWN: usize = 10;

/// What captions are like.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Words {
    pub(crate) name: String,
    pub(crate) captions: usize,
    pub(crate) distinct_captions: usize,
    /// Different words.
    pub(crate) vocabulary: usize,
    /// Different n-grams, of one word and of two, of all.
    pub(crate) distinct: [f64; 2],
    pub(crate) mean_length: f64,
    /// Share of captions of every length in words.
    pub(crate) lengths: Vec<f64>,
    pub(crate) cut_off_share: f64,
    /// Share of captions that end with a word that no caption should end with.
    pub(crate) bad_ending_share: f64,
    /// Words and how often each is there, the most frequent first.
    pub(crate) ranked: Vec<(String, usize)>,
    /// The most frequent captions.
    pub(crate) frequent: Vec<(String, usize)>,
    /// The most frequent last words.
    pub(crate) endings: Vec<(String, usize)>,
}

/// Counts in order, the largest first, and where they tie by the alphabet.
fn ranked(counts: BTreeMap<&str, usize>) -> Vec<(String, usize)> {
    let mut ranked: Vec<_> = counts.into_iter().collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let owned = ranked.into_iter();
    owned.map(|(text, n)| (text.to_owned(), n)).collect()
}

/// Whether a caption ends with one of `bad_endings`.
pub(crate) fn ends_badly(caption: &str, bad_endings: &[String]) -> bool {
    let last = caption.split_whitespace().next_back();
    last.is_some_and(|last| bad_endings.iter().any(|bad| bad == last))
}

fn share(part: usize, all: usize) -> f64 {
    part as f64 / all.max(1) as f64
}

impl Words {
    /// Those of texts; `cut_off` of them reached the maximum length without ending.
    pub(crate) fn of<'a>(
        name: String,
        texts: impl Iterator<Item = &'a str>,
        cut_off: usize,
        bad_endings: &[String],
    ) -> Self {
        let [mut words, mut captions, mut endings] = [const { BTreeMap::new() }; 3];
        let mut bigrams = BTreeSet::new();
        let mut lengths: Vec<usize> = Vec::new();
        let (mut all, mut all_words, mut all_bigrams, mut bad) = (0, 0, 0, 0);
        for text in texts {
            let of_text: Vec<&str> = text.split_whitespace().collect();
            all += 1;
            all_words += of_text.len();
            *captions.entry(text).or_insert(0) += 1;
            for &word in &of_text {
                *words.entry(word).or_insert(0) += 1;
            }
            for pair in of_text.windows(2) {
                bigrams.insert([pair[0], pair[1]]);
                all_bigrams += 1;
            }
            if let Some(&last) = of_text.last() {
                *endings.entry(last).or_insert(0) += 1;
            }
            bad += usize::from(ends_badly(text, bad_endings));
            if lengths.len() <= of_text.len() {
                lengths.resize(of_text.len() + 1, 0);
            }
            lengths[of_text.len()] += 1;
        }
        let mut frequent = ranked(captions);
        let mut endings = ranked(endings);
        let distinct_captions = frequent.len();
        frequent.truncate(SHOWN);
        endings.truncate(SHOWN);
        Self {
            name,
            captions: all,
            distinct_captions,
            vocabulary: words.len(),
            distinct: [
                share(words.len(), all_words),
                share(bigrams.len(), all_bigrams),
            ],
            mean_length: share(all_words, all),
            lengths: lengths.into_iter().map(|n| share(n, all)).collect(),
            cut_off_share: share(cut_off, all),
            bad_ending_share: share(bad, all),
            ranked: ranked(words),
            frequent,
            endings,
        }
    }

    /// Those of every output, and of the references.
    pub(crate) fn of_report(report: &Report) -> Vec<Self> {
        let of_output = |(run, output): (usize, &Output)| {
            let is_cut_off = |caption: &&Caption| caption.is_cut_off;
            Self::of(
                report.output_name(run, output),
                output.captions.iter().map(|caption| &*caption.text),
                output.captions.iter().filter(is_cut_off).count(),
                &report.bad_endings,
            )
        };
        let references = report.sources.iter();
        let references = references.flat_map(|source| source.references.iter().map(String::as_str));
        let of_references = Self::of("references".to_owned(), references, 0, &report.bad_endings);
        let outputs = report.outputs().map(of_output);
        outputs.chain([of_references]).collect()
    }
}

/// A word, and its share of all words before and after.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shift {
    pub(crate) word: String,
    pub(crate) shares: [f64; 2],
}

/// The words whose share of all words rose most, and those whose share fell most.
pub(crate) fn shifts(before: &Words, after: &Words) -> [Vec<Shift>; 2] {
    let mut shares: BTreeMap<&str, [f64; 2]> = BTreeMap::new();
    for (k, words) in [before, after].into_iter().enumerate() {
        let all = words.ranked.iter().map(|(_, n)| n).sum();
        for (word, n) in &words.ranked {
            shares.entry(word).or_default()[k] = share(*n, all);
        }
    }
    let rise = |shares: &[f64; 2]| shares[1] - shares[0];
    let mut shifts: Vec<_> = shares.into_iter().collect();
    // The sort is stable: words that tie stay in the order of the alphabet.
    shifts.sort_by(|a, b| rise(&b.1).total_cmp(&rise(&a.1)));
    let shift = |(word, shares): &(&str, [f64; 2])| Shift {
        word: (*word).to_owned(),
        shares: *shares,
    };
    let risen = shifts.iter().take_while(|(_, shares)| rise(shares) > 0.0);
    let fallen = shifts.iter().rev();
    let fallen = fallen.take_while(|(_, shares)| rise(shares) < 0.0);
    [
        risen.take(SHOWN).map(shift).collect(),
        fallen.take(SHOWN).map(shift).collect(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(texts: &[&str]) -> Words {
        let bad = ["a".to_owned(), "of".to_owned()];
        Words::of("x".to_owned(), texts.iter().copied(), 1, &bad)
    }

    #[test]
    fn captions_are_counted_by_hand() {
        let found = words(&["a dog runs", "a dog runs", "a cat on a", ""]);
        assert_eq!((found.captions, found.distinct_captions), (4, 3));
        assert_eq!(found.vocabulary, 5);
        assert_eq!(found.distinct, [5.0 / 10.0, 5.0 / 7.0]);
        assert_eq!(found.mean_length, 2.5);
        assert_eq!(found.lengths, [0.25, 0.0, 0.0, 0.5, 0.25]);
        assert_eq!((found.cut_off_share, found.bad_ending_share), (0.25, 0.25));
        assert_eq!(found.ranked[0], ("a".to_owned(), 4));
        assert_eq!(found.frequent[0], ("a dog runs".to_owned(), 2));
        assert_eq!(found.endings, [("runs".to_owned(), 2), ("a".to_owned(), 1)]);
    }

    #[test]
    fn words_that_rose_and_fell_are_told_apart_and_ties_keep_the_alphabet() {
        let [risen, fallen] = shifts(&words(&["a b c d"]), &words(&["a a b z"]));
        let names = |shifts: &[Shift]| shifts.iter().map(|s| s.word.clone()).collect::<Vec<_>>();
        assert_eq!(names(&risen), ["a", "z"]);
        assert_eq!(names(&fallen), ["d", "c"]);
        assert_eq!(risen[0].shares, [0.25, 0.5]);
    }

    #[test]
    fn nothing_is_no_problem() {
        let found = words(&[]);
        assert_eq!(found.mean_length, 0.0);
        assert_eq!(shifts(&found, &found), [vec![], vec![]]);
    }
}
