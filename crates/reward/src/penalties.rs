//! Rewards that need no reference: penalties for repetition, for length and for bad endings.
//!
//! All are 0 for a caption without fault and negative otherwise; words are tokens before the end token.

use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ngram::MAX_ORDER;
use crate::references::token_name;
use crate::reward::before_end_token;
use crate::{Batch, References, Reward, RewardError, VERSION, distinct_n};

/// The choices of the repetition penalty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RepetitionPenaltyOptions {
    /// The length of the n-grams that should not repeat, 1 to 4.
    #[schemars(range(min = 1, max = MAX_ORDER))]
    pub order: usize,
}

impl Default for RepetitionPenaltyOptions {
    fn default() -> Self {
        Self { order: 2 }
    }
}

impl RepetitionPenaltyOptions {
    /// The options outside their ranges.
    pub fn problems(&self) -> Vec<RewardError> {
        let good = (1..=MAX_ORDER).contains(&self.order);
        let (option, expected) = ("repetition_penalty.order", "1, 2, 3 or 4");
        RewardError::option(good, option, self.order as f64, expected)
            .into_iter()
            .collect()
    }
}

/// Minus the share of a caption's n-grams that repeat, -1 to 0: rep-n of Welleck et al. 2020 for one caption.
///
/// ```text
/// penalty = -(1 - distinct / total)        0 for a caption without any n-gram
/// ```
#[derive(Debug)]
pub struct RepetitionPenalty {
    order: usize,
    end: Option<u32>,
    signature: String,
}

impl RepetitionPenalty {
    /// A penalty for captions that end as these references do.
    ///
    /// # Errors
    /// The first of [`RepetitionPenaltyOptions::problems`].
    pub fn new(
        options: RepetitionPenaltyOptions,
        references: &References,
    ) -> Result<Self, RewardError> {
        RewardError::first(options.problems())?;
        let (order, end) = (options.order, references.end_token());
        Ok(Self {
            order,
            end,
            signature: format!(
                "repetition_penalty|n:{order}|{}",
                words_signature(references)
            ),
        })
    }
}

impl Reward for RepetitionPenalty {
    fn name(&self) -> &'static str {
        "repetition_penalty"
    }

    fn signature(&self) -> String {
        self.signature.clone()
    }

    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        batch.score_distinct(&(), |(), candidate, _| {
            let words = before_end_token(candidate.tokens, self.end);
            if words.len() < self.order {
                return Ok(0.0);
            }
            Ok(distinct_n(&[words], self.order)? - 1.0)
        })
    }
}

/// The choices of the length penalty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LengthPenaltyOptions {
    /// The fewest words that cost nothing.
    pub minimum: usize,
    /// The most words that cost nothing, at least the minimum.
    pub maximum: usize,
}

impl Default for LengthPenaltyOptions {
    fn default() -> Self {
        Self {
            minimum: 7,
            maximum: 15,
        }
    }
}

impl LengthPenaltyOptions {
    /// The options outside their ranges.
    pub fn problems(&self) -> Vec<RewardError> {
        let Self { minimum, maximum } = *self;
        let crossed = (minimum > maximum).then(|| RewardError::OptionValue {
            option: "length_penalty.maximum",
            found: format!("{maximum} below a minimum of {minimum}"),
            expected: "at least the minimum",
        });
        crossed.into_iter().collect()
    }
}

/// Minus the number of words that a caption lacks for the minimum or has beyond the maximum.
#[derive(Debug)]
pub struct LengthPenalty {
    options: LengthPenaltyOptions,
    end: Option<u32>,
    signature: String,
}

impl LengthPenalty {
    /// A penalty for captions that end as these references do.
    ///
    /// # Errors
    /// The first of [`LengthPenaltyOptions::problems`].
    pub fn new(
        options: LengthPenaltyOptions,
        references: &References,
    ) -> Result<Self, RewardError> {
        RewardError::first(options.problems())?;
        let LengthPenaltyOptions { minimum, maximum } = options;
        Ok(Self {
            options,
            end: references.end_token(),
            signature: format!(
                "length_penalty|words:{minimum}-{maximum}|{}",
                words_signature(references)
            ),
        })
    }
}

impl Reward for LengthPenalty {
    fn name(&self) -> &'static str {
        "length_penalty"
    }

    fn signature(&self) -> String {
        self.signature.clone()
    }

    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        let LengthPenaltyOptions { minimum, maximum } = self.options;
        batch.score_distinct(&(), |(), candidate, _| {
            let words = before_end_token(candidate.tokens, self.end).len();
            Ok(0.0 - words.abs_diff(words.clamp(minimum, maximum)) as f64)
        })
    }
}

/// The choices of the penalty for bad endings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BadEndingPenaltyOptions {
    /// The words that no caption should end with, as they stand in captions.
    pub words: Vec<String>,
}

/// The bad endings of self-critical.pytorch.
const BAD_ENDINGS: [&str; 17] = [
    "a", "an", "the", "in", "for", "at", "of", "with", "before", "after", "on", "upon", "near",
    "to", "is", "are", "am",
];

impl Default for BadEndingPenaltyOptions {
    fn default() -> Self {
        Self {
            words: BAD_ENDINGS.map(str::to_owned).into(),
        }
    }
}

impl BadEndingPenaltyOptions {
    /// The options outside their ranges.
    pub fn problems(&self) -> Vec<RewardError> {
        let option = "bad_ending_penalty.words";
        if self.words.is_empty() {
            return vec![RewardError::OptionValue {
                option,
                found: "an empty list".to_owned(),
                expected: "at least one word",
            }];
        }
        let no_words = self
            .words
            .iter()
            .filter(|word| word.is_empty() || word.contains(char::is_whitespace));
        no_words
            .map(|word| RewardError::OptionValue {
                option,
                found: format!("{word:?}"),
                expected: "words without white space",
            })
            .collect()
    }
}

/// -1 for an empty caption or one whose last word is a bad ending, 0 for any other.
#[derive(Debug)]
pub struct BadEndingPenalty {
    words: FxHashSet<String>,
    signature: String,
}

impl BadEndingPenalty {
    /// A penalty for captions whose text ends with one of the words.
    ///
    /// # Errors
    /// The first of [`BadEndingPenaltyOptions::problems`].
    pub fn new(options: BadEndingPenaltyOptions) -> Result<Self, RewardError> {
        RewardError::first(options.problems())?;
        let mut words = options.words;
        words.sort_unstable();
        words.dedup();
        Ok(Self {
            signature: format!(
                "bad_ending_penalty|words:{}|version:{VERSION}",
                words.join(",")
            ),
            words: words.into_iter().collect(),
        })
    }
}

impl Reward for BadEndingPenalty {
    fn name(&self) -> &'static str {
        "bad_ending_penalty"
    }

    fn signature(&self) -> String {
        self.signature.clone()
    }

    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        let penalty = |text: &str| {
            let last = text.split_whitespace().next_back();
            let bad = last.is_none_or(|word| self.words.contains(word));
            if bad { -1.0 } else { 0.0 }
        };
        let candidates = batch.candidates().iter();
        Ok(candidates
            .map(|candidate| penalty(candidate.text))
            .collect())
    }
}

/// What the count of a caption's words depends on.
fn words_signature(references: &References) -> String {
    let end = token_name(references.end_token());
    format!("end:{end}|version:{VERSION}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Candidate, ImageReferences};

    fn references() -> References {
        let image = ImageReferences::new("a.jpg", [vec![1, 0]], ["a".to_owned()]);
        References::new(Some(0), vec![image]).expect("good references")
    }

    fn scores(reward: &mut dyn Reward, captions: &[(&[u32], &str)]) -> Vec<f64> {
        let references = references();
        let candidate = |&(tokens, text)| Candidate {
            image: 0,
            tokens,
            text,
        };
        let candidates: Vec<_> = captions.iter().map(candidate).collect();
        let batch = Batch::new(&references, &candidates).expect("known images");
        reward.score(&batch).expect("scores")
    }

    fn messages(problems: &[RewardError]) -> Vec<String> {
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn repetition_costs_its_share_when_ngrams_repeat() {
        let options = RepetitionPenaltyOptions::default();
        let mut reward = RepetitionPenalty::new(options, &references()).expect("good options");
        let captions: [&[u32]; 6] = [
            &[1, 2, 3, 0],
            &[1, 2, 1, 2, 0],
            &[1, 1, 1, 1, 1],
            &[1, 0],
            &[0],
            &[],
        ];
        let expected = [0.0, -1.0 / 3.0, -0.75, 0.0, 0.0, 0.0];
        let found = scores(&mut reward, &captions.map(|tokens| (tokens, "")));
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= 1e-15, "{found} {expected}");
        }
        let version = format!("|end:0|version:{VERSION}");
        assert_eq!(
            reward.signature(),
            format!("repetition_penalty|n:2{version}")
        );
        let options = RepetitionPenaltyOptions { order: 5 };
        assert_eq!(
            messages(&options.problems()),
            ["repetition_penalty.order: found 5, expected 1, 2, 3 or 4"]
        );
    }

    #[test]
    fn length_costs_the_difference_when_outside_the_range() {
        let options = LengthPenaltyOptions {
            minimum: 2,
            maximum: 3,
        };
        let mut reward = LengthPenalty::new(options, &references()).expect("good options");
        let captions: [&[u32]; 6] = [
            &[],
            &[0],
            &[1, 0],
            &[1, 2, 0],
            &[1, 2, 3],
            &[1, 2, 3, 4, 5, 0],
        ];
        assert_eq!(
            scores(&mut reward, &captions.map(|tokens| (tokens, ""))),
            [-2.0, -2.0, -1.0, 0.0, 0.0, -2.0]
        );
        let version = format!("|end:0|version:{VERSION}");
        assert_eq!(
            reward.signature(),
            format!("length_penalty|words:2-3{version}")
        );
        let options = LengthPenaltyOptions {
            minimum: 4,
            maximum: 3,
        };
        assert_eq!(
            messages(&options.problems()),
            ["length_penalty.maximum: found 3 below a minimum of 4, expected at least the minimum"]
        );
    }

    #[test]
    fn ending_costs_one_when_the_last_word_is_bad() {
        let options = BadEndingPenaltyOptions::default();
        let mut reward = BadEndingPenalty::new(options).expect("good options");
        let captions = ["a dog on the", "a dog", "", " ", "on a mat ", "the theme"];
        assert_eq!(
            scores(&mut reward, &captions.map(|text| (&[][..], text))),
            [-1.0, 0.0, -1.0, -1.0, 0.0, 0.0]
        );
        let words = ["of", "a", "of"].map(str::to_owned).into();
        let reward = BadEndingPenalty::new(BadEndingPenaltyOptions { words }).expect("good words");
        assert_eq!(
            reward.signature(),
            format!("bad_ending_penalty|words:a,of|version:{VERSION}")
        );
    }

    #[test]
    fn words_are_all_reported_when_they_can_be_no_ending() {
        let words = ["", "of", "next to"].map(str::to_owned).into();
        assert_eq!(
            messages(&BadEndingPenaltyOptions { words }.problems()),
            [
                r#"bad_ending_penalty.words: found "", expected words without white space"#,
                r#"bad_ending_penalty.words: found "next to", expected words without white space"#
            ]
        );
        let none = BadEndingPenaltyOptions { words: vec![] };
        assert_eq!(
            messages(&none.problems()),
            ["bad_ending_penalty.words: found an empty list, expected at least one word"]
        );
    }

    #[test]
    fn options_are_the_default_when_nothing_is_set() {
        let length: LengthPenaltyOptions = toml::from_str("maximum = 20").expect("good options");
        assert_eq!((length.minimum, length.maximum), (7, 20));
        let ending: BadEndingPenaltyOptions = toml::from_str("").expect("good options");
        assert_eq!(ending, BadEndingPenaltyOptions::default());
        toml::from_str::<RepetitionPenaltyOptions>("n = 2").expect_err("unknown key");
    }
}
