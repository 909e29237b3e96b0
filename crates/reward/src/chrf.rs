//! chrF and chrF++ of sacrebleu.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::interner::{is_python_space, python_words};
use crate::ngram_overlap::{NgramOverlap, Overlap};
use crate::text_scorer::{TextScorer, case_name, cased, whole, yes_no};
use crate::word_index::WordIndex;
use crate::{Item, RewardError};

/// The longest n-grams that may be asked for.
const LARGEST_ORDER: usize = 16;
/// Recall alone decides long before.
const LARGEST_BETA: f64 = 1e6;
/// What sacrebleu puts in place of 0, with epsilon smoothing.
const EPSILON: f64 = 1e-16;

/// The choices of chrF; the default is sacrebleu's, `word_order = 2` makes it chrF++.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChrfOptions {
    /// The longest n-gram of characters, 1 to 16.
    #[schemars(range(min = 1, max = LARGEST_ORDER))]
    pub char_order: usize,
    /// The longest n-gram of words, 0 to 16: 0 for chrF, 2 for chrF++.
    #[schemars(range(min = 0, max = LARGEST_ORDER))]
    pub word_order: usize,
    /// How much recall weighs against precision; 0 or more.
    #[schemars(range(min = 0.0, max = LARGEST_BETA))]
    pub beta: f64,
    /// Whether both sides are brought to lower case first.
    pub lowercase: bool,
    /// Whether white space counts as characters.
    pub whitespace: bool,
    /// Whether an order without n-grams counts as almost 0, instead of not at all, and F is averaged instead of
    /// precision and recall.
    pub eps_smoothing: bool,
}

impl Default for ChrfOptions {
    fn default() -> Self {
        Self {
            char_order: 6,
            word_order: 0,
            beta: 2.0,
            lowercase: false,
            whitespace: false,
            eps_smoothing: false,
        }
    }
}

impl ChrfOptions {
    /// chrF++ as sacrebleu's `--chrf-word-order 2` has it.
    pub fn plus_plus() -> Self {
        Self {
            word_order: 2,
            ..Self::default()
        }
    }

    /// The options outside their ranges.
    pub fn problems(&self) -> Vec<RewardError> {
        let order = |good: bool, option, value: usize, expected| {
            RewardError::option(good, option, value as f64, expected)
        };
        let (chars, words) = (self.char_order, self.word_order);
        let good_chars = (1..=LARGEST_ORDER).contains(&chars);
        let good_beta = (0.0..=LARGEST_BETA).contains(&self.beta);
        [
            order(
                good_chars,
                "chrf.char_order",
                chars,
                "a number from 1 to 16",
            ),
            order(
                words <= LARGEST_ORDER,
                "chrf.word_order",
                words,
                "a number from 0 to 16",
            ),
            RewardError::option(good_beta, "chrf.beta", self.beta, "a number from 0 to 1e6"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// `chrf`, with a `+` for every order of words up to two.
    pub(crate) fn name(&self) -> String {
        format!("chrf{}", "+".repeat(self.word_order.min(2)))
    }

    /// Every choice but beta, as sacrebleu's signature has them: `case:mixed|eff:yes|nc:6|nw:0|space:no`.
    pub fn signature(&self) -> String {
        format!(
            "case:{}|eff:{}|nc:{}|nw:{}|space:{}",
            case_name(self.lowercase),
            yes_no(!self.eps_smoothing),
            self.char_order,
            self.word_order,
            yes_no(self.whitespace)
        )
    }
}

/// The n-grams of a candidate, of the reference that counts, and those in common: of characters by order, then of words.
///
/// Those of a corpus are the sum of those of its sentences.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ChrfStatistics {
    orders: Vec<Overlap>,
}

/// Scores candidates by chrF: Popović 2015, and chrF++: Popović 2017; as sacrebleu 2.6 computes them.
///
/// ```text
/// P, R = means of common_n / candidate_n, common_n / reference_n over the orders n for which neither is 0
/// chrF = (1 + beta^2) P R / (beta^2 P + R)                      0 if P + R is 0
/// ```
/// over n-grams of characters, and for chrF++ of words too. Of several references the one counts for which the candidate
/// itself scores highest, the first of equal ones; n-grams of a corpus are summed. With epsilon smoothing the score is the
/// mean over all orders of the F of each, a share of nothing being 1e-16.
#[derive(Debug, Clone)]
pub struct ChrfScorer {
    options: ChrfOptions,
}

impl ChrfScorer {
    /// A scorer with these options.
    ///
    /// # Errors
    /// The first of [`ChrfOptions::problems`].
    pub fn new(options: ChrfOptions) -> Result<Self, RewardError> {
        RewardError::first(options.problems())?;
        Ok(Self { options })
    }

    /// The score of one candidate, 0 to 1; 0 without a reference.
    pub fn score<R: AsRef<str>>(&self, candidate: &str, references: &[R]) -> f64 {
        let references: Vec<&str> = references.iter().map(AsRef::as_ref).collect();
        self.of_sentence(&self.statistics(candidate, &self.prepare(&references)))
    }

    /// The score of a corpus, from its summed n-grams, 0 to 1; 0 without a caption.
    pub fn corpus<R: AsRef<str>>(&self, items: &[Item<'_, str, R>]) -> f64 {
        let mut sum: Option<ChrfStatistics> = None;
        for item in items {
            let references: Vec<&str> = item.references.iter().map(AsRef::as_ref).collect();
            let more = self.statistics(item.candidate, &self.prepare(&references));
            match &mut sum {
                Some(sum) => self.add(sum, more),
                None => sum = Some(more),
            }
        }
        sum.map_or(0.0, |sum| self.of_corpus(&sum))
    }

    fn characters(&self, text: &str) -> Vec<u32> {
        let keeps_spaces = self.options.whitespace;
        let characters = text.chars();
        characters
            .filter(|&character| keeps_spaces || !is_python_space(character))
            .map(u32::from)
            .collect()
    }

    fn f_score(&self, orders: &[Overlap]) -> f64 {
        let factor = self.options.beta * self.options.beta;
        let share = |common: u64, of: u64| {
            if of > 0 {
                common as f64 / of as f64
            } else {
                EPSILON
            }
        };
        let (mut smoothed, mut precision, mut recall, mut effective) = (0.0, 0.0, 0.0, 0.0);
        for overlap in orders {
            let p = share(overlap.common, overlap.candidate);
            let r = share(overlap.common, overlap.reference);
            let denominator = factor * p + r;
            smoothed += if denominator > 0.0 {
                (1.0 + factor) * p * r / denominator
            } else {
                EPSILON
            };
            if overlap.candidate > 0 && overlap.reference > 0 {
                precision += p;
                recall += r;
                effective += 1.0;
            }
        }
        if self.options.eps_smoothing {
            return smoothed / orders.len().max(1) as f64;
        }
        if precision + recall == 0.0 {
            return 0.0;
        }
        precision /= effective;
        recall /= effective;
        (1.0 + factor) * precision * recall / (factor * precision + recall)
    }
}

/// References as n-grams.
#[derive(Debug, Clone)]
pub(crate) struct PreparedChrf {
    words: WordIndex,
    of_characters: NgramOverlap,
    of_words: NgramOverlap,
}

/// Words, with a punctuation mark at the end of a word, or else one at its beginning, apart.
fn apart(text: &str) -> impl Iterator<Item = &str> {
    python_words(text).flat_map(|word| {
        let mut characters = word.char_indices();
        let (first, second) = (characters.next(), characters.next());
        let last = word.char_indices().next_back();
        let at = match (first, second, last) {
            (Some(_), Some(_), Some((at, last))) if last.is_ascii_punctuation() => at,
            (Some((_, first)), Some((at, _)), _) if first.is_ascii_punctuation() => at,
            _ => word.len(),
        };
        let (left, right) = word.split_at(at);
        [left, right].into_iter().filter(|part| !part.is_empty())
    })
}

impl TextScorer for ChrfScorer {
    type References = PreparedChrf;
    type Statistics = ChrfStatistics;

    fn prepare(&self, references: &[&str]) -> PreparedChrf {
        let mut prepared = PreparedChrf {
            words: WordIndex::default(),
            of_characters: NgramOverlap::new(self.options.char_order),
            of_words: NgramOverlap::new(self.options.word_order),
        };
        for reference in references {
            let text = cased(reference, self.options.lowercase);
            prepared
                .of_characters
                .add_reference(&self.characters(&text));
            let words = prepared.words.insert(apart(&text));
            prepared.of_words.add_reference(&words);
        }
        prepared
    }

    fn statistics(&self, candidate: &str, prepared: &PreparedChrf) -> ChrfStatistics {
        let text = cased(candidate, self.options.lowercase);
        let characters = self.characters(&text);
        let words = prepared.words.find(apart(&text));
        let (char_index, word_index) = (&prepared.of_characters, &prepared.of_words);
        let (char_counts, word_counts) = (char_index.count(&characters), word_index.count(&words));
        let with_chars = char_index.overlaps(characters.len(), &char_counts);
        let with_words = word_index.overlaps(words.len(), &word_counts);
        let mut best = (-1.0, Vec::new());
        for (mut orders, words) in with_chars.zip(with_words) {
            orders.extend(words);
            for overlap in &mut orders {
                // Where the reference has no n-gram, those of the candidate do not count.
                if overlap.reference == 0 {
                    overlap.candidate = 0;
                }
            }
            let score = self.f_score(&orders);
            if score > best.0 {
                best = (score, orders);
            }
        }
        ChrfStatistics { orders: best.1 }
    }

    fn add(&self, sum: &mut ChrfStatistics, more: ChrfStatistics) {
        for (sum, more) in sum.orders.iter_mut().zip(more.orders) {
            sum.candidate += more.candidate;
            sum.reference += more.reference;
            sum.common += more.common;
        }
    }

    fn of_sentence(&self, statistics: &ChrfStatistics) -> f64 {
        self.f_score(&statistics.orders)
    }

    fn width(&self) -> usize {
        3 * (self.options.char_order + self.options.word_order)
    }

    fn numbers(&self, statistics: &ChrfStatistics) -> Vec<f64> {
        let orders = statistics.orders.iter();
        let numbers = orders.flat_map(|of| [of.candidate, of.reference, of.common]);
        numbers.map(|number| number as f64).collect()
    }

    fn of_numbers(&self, numbers: &[f64]) -> ChrfStatistics {
        let orders = numbers.chunks_exact(3).map(|of| Overlap {
            candidate: whole(of[0]),
            reference: whole(of[1]),
            common: whole(of[2]),
        });
        ChrfStatistics {
            orders: orders.collect(),
        }
    }

    fn signature(&self) -> String {
        format!(
            "chrf|beta:{}|{}",
            self.options.beta,
            self.options.signature()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_stands_apart_when_it_ends_or_begins_a_word() {
        let words = |text| apart(text).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            words("(hi) (hi . é! !é «x» ..."),
            [
                "(hi", ")", "(", "hi", ".", "é", "!", "!", "é", "«x»", "..", "."
            ]
        );
    }

    #[test]
    fn score_equals_the_hand_computed_when_texts_are_short() {
        let options = ChrfOptions {
            char_order: 2,
            beta: 1.0,
            ..ChrfOptions::default()
        };
        let scorer = ChrfScorer::new(options).expect("good options");
        // 2 of 3 characters on both sides; 1 of 2 pairs.
        let expected = f64::midpoint(2.0 / 3.0, 1.0 / 2.0);
        assert!((scorer.score("a b x", &["aby"]) - expected).abs() < 1e-15);
        assert_eq!(scorer.score("", &["aby"]), 0.0);
        assert_eq!(scorer.score("aby", &["zz", "aby"]), 1.0);
    }

    #[test]
    fn problems_are_all_reported_when_several_values_are_bad() {
        let options = ChrfOptions {
            char_order: 0,
            word_order: 17,
            beta: f64::NAN,
            ..ChrfOptions::default()
        };
        let problems: Vec<_> = options.problems().iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "chrf.char_order: found 0, expected a number from 1 to 16",
                "chrf.word_order: found 17, expected a number from 0 to 16",
                "chrf.beta: found NaN, expected a number from 0 to 1e6"
            ]
        );
    }
}
