//! The choices of sacrebleu's BLEU.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SacrebleuTokenizer;
use crate::ngram::MAX_ORDER;
use crate::text_scorer::{case_name, yes_no};
use crate::{BleuOptions, BleuSmoothing, ReferenceLength, RewardError};

/// The choices of sacrebleu's BLEU; the default is that of its `sentence_bleu`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SacrebleuOptions {
    /// How raw text becomes words.
    pub tokenizer: SacrebleuTokenizer,
    /// Whether both sides are brought to lower case first.
    pub lowercase: bool,
    /// The longest n-gram counted, 1 to 4.
    #[schemars(range(min = 1, max = MAX_ORDER))]
    pub order: usize,
    /// What happens to an order without a match.
    pub smoothing: SacrebleuSmoothing,
    /// Whether the mean is taken over those orders only that the candidate has n-grams of.
    pub effective_order: bool,
}

impl Default for SacrebleuOptions {
    fn default() -> Self {
        Self {
            tokenizer: SacrebleuTokenizer::default(),
            lowercase: false,
            order: MAX_ORDER,
            smoothing: SacrebleuSmoothing::default(),
            effective_order: true,
        }
    }
}

/// How an order without a match is kept from making the whole score 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum SacrebleuSmoothing {
    /// 1/2 in place of the first 0 matches, then 1/4, and so on.
    #[default]
    Exp,
    /// A constant in place of 0 matches.
    Floor {
        /// The constant, above 0 and at most 1.
        #[serde(default = "default_floor")]
        #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
        value: f64,
    },
    /// A constant added to matches and n-grams of the orders above 1.
    AddK {
        /// The constant, above 0.
        #[serde(default = "default_k")]
        #[schemars(extend("exclusiveMinimum" = 0.0))]
        k: f64,
    },
    /// Not at all: the score is 0 then.
    None,
}

fn default_floor() -> f64 {
    0.1
}

fn default_k() -> f64 {
    1.0
}

impl SacrebleuOptions {
    /// The options outside their ranges.
    pub fn problems(&self) -> Vec<RewardError> {
        let good_order = (1..=MAX_ORDER).contains(&self.order);
        let smoothing = match self.smoothing {
            SacrebleuSmoothing::Floor { value } => RewardError::option(
                value > 0.0 && value <= 1.0,
                "sacrebleu.smoothing.floor.value",
                value,
                "a number above 0 and at most 1",
            ),
            SacrebleuSmoothing::AddK { k } => RewardError::option(
                k > 0.0 && k.is_finite(),
                "sacrebleu.smoothing.add_k.k",
                k,
                "a finite number above 0",
            ),
            SacrebleuSmoothing::Exp | SacrebleuSmoothing::None => None,
        };
        let order = RewardError::option(
            good_order,
            "sacrebleu.order",
            self.order as f64,
            "1, 2, 3 or 4",
        );
        [order, smoothing].into_iter().flatten().collect()
    }

    /// The name of the metric in logs.
    pub(crate) fn name(&self) -> &'static str {
        match self.tokenizer {
            SacrebleuTokenizer::V13a => "sacrebleu",
            SacrebleuTokenizer::Intl => "sacrebleu_intl",
            SacrebleuTokenizer::Char => "sacrebleu_char",
            SacrebleuTokenizer::None => "sacrebleu_none",
        }
    }

    /// Every choice but the order, as sacrebleu's signature has them: `case:mixed|eff:no|tok:13a|smooth:exp`.
    pub fn signature(&self) -> String {
        let smoothing = match self.smoothing {
            SacrebleuSmoothing::Exp => "exp".to_owned(),
            SacrebleuSmoothing::Floor { value } => format!("floor[{value:.2}]"),
            SacrebleuSmoothing::AddK { k } => format!("add-k[{k:.2}]"),
            SacrebleuSmoothing::None => "none".to_owned(),
        };
        format!(
            "case:{}|eff:{}|tok:{}|smooth:{smoothing}",
            case_name(self.lowercase),
            yes_no(self.effective_order),
            self.tokenizer.key()
        )
    }

    /// The equation in the terms of [`BleuStatistics::score`](crate::BleuStatistics::score).
    pub(super) fn formula(&self, effective_order: bool) -> BleuOptions {
        BleuOptions {
            order: self.order,
            reference_length: ReferenceLength::Closest,
            smoothing: match self.smoothing {
                SacrebleuSmoothing::Exp => BleuSmoothing::Exp,
                SacrebleuSmoothing::Floor { value } => BleuSmoothing::Floor { value },
                SacrebleuSmoothing::AddK { k } => BleuSmoothing::AddK { k },
                SacrebleuSmoothing::None => BleuSmoothing::None,
            },
            effective_order,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_name_the_key_when_values_are_bad() {
        let problems = |text: &str| -> Vec<String> {
            let options: SacrebleuOptions = toml::from_str(text).expect(text);
            options.problems().iter().map(ToString::to_string).collect()
        };
        assert!(problems("").is_empty());
        assert_eq!(
            problems("order = 5\nsmoothing = { floor = { value = 0 } }"),
            [
                "sacrebleu.order: found 5, expected 1, 2, 3 or 4",
                "sacrebleu.smoothing.floor.value: found 0, expected a number above 0 and at most 1"
            ]
        );
        assert_eq!(
            problems("smoothing = { add_k = { k = inf } }"),
            ["sacrebleu.smoothing.add_k.k: found inf, expected a finite number above 0"]
        );
    }

    #[test]
    fn signature_is_sacrebleus_when_choices_differ() {
        let options: SacrebleuOptions = toml::from_str(
            "tokenizer = \"intl\"\nlowercase = true\nsmoothing = { floor = {} }\neffective_order = false",
        )
        .expect("good options");
        assert_eq!(
            options.signature(),
            "case:lc|eff:no|tok:intl|smooth:floor[0.10]"
        );
        assert_eq!(
            SacrebleuOptions::default().signature(),
            "case:mixed|eff:yes|tok:13a|smooth:exp"
        );
    }
}
