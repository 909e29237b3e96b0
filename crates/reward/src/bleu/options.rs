//! The choices of BLEU: order, smoothing and reference length.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RewardError;
use crate::ngram::MAX_ORDER;

/// The constants of coco-caption, for signatures.
const COCO_CONSTANTS: &str = "tiny:1e-15|small:1e-9";

/// The choices of BLEU, for a sentence or for a corpus; the default is coco-caption's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BleuOptions {
    /// The longest n-gram counted, 1 to 4.
    #[schemars(range(min = 1, max = MAX_ORDER))]
    pub order: usize,
    /// Which length the candidate's is compared with.
    pub reference_length: ReferenceLength,
    /// What happens to an order without a match.
    pub smoothing: BleuSmoothing,
    /// Whether the mean is taken over those orders only that the candidate has n-grams of; not with `coco` smoothing.
    pub effective_order: bool,
}

impl Default for BleuOptions {
    fn default() -> Self {
        Self {
            order: MAX_ORDER,
            reference_length: ReferenceLength::default(),
            smoothing: BleuSmoothing::default(),
            effective_order: false,
        }
    }
}

/// Which of the references' lengths counts in the brevity penalty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceLength {
    /// The one closest to the candidate's, the shorter of two equally close.
    #[default]
    Closest,
    /// The shortest.
    Shortest,
    /// The mean.
    Average,
}

impl ReferenceLength {
    fn key(self) -> &'static str {
        match self {
            Self::Closest => "closest",
            Self::Shortest => "shortest",
            Self::Average => "average",
        }
    }
}

/// How an order without a match is kept from making the whole score 0.
///
/// All but the first compute as sacrebleu 2.6 does; Chen and Cherry 2014 call floor, add-k and exp methods 1 to 3.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum BleuSmoothing {
    /// The constants of coco-caption, added to every count and length.
    #[default]
    Coco,
    /// Not at all: the score is 0 then.
    None,
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
    /// 1/2 in place of the first 0 matches, then 1/4, and so on.
    Exp,
}

fn default_floor() -> f64 {
    0.1
}

fn default_k() -> f64 {
    1.0
}

impl BleuOptions {
    /// The options outside their ranges.
    pub fn problems(&self) -> Vec<RewardError> {
        let order = RewardError::option(
            (1..=MAX_ORDER).contains(&self.order),
            "bleu.order",
            self.order as f64,
            "1, 2, 3 or 4",
        );
        let smoothing = match self.smoothing {
            BleuSmoothing::Floor { value } => RewardError::option(
                value > 0.0 && value <= 1.0,
                "bleu.smoothing.floor.value",
                value,
                "a number above 0 and at most 1",
            ),
            BleuSmoothing::AddK { k } => RewardError::option(
                k > 0.0 && k.is_finite(),
                "bleu.smoothing.add_k.k",
                k,
                "a finite number above 0",
            ),
            BleuSmoothing::Coco | BleuSmoothing::None | BleuSmoothing::Exp => None,
        };
        let ignored = self.effective_order && self.smoothing == BleuSmoothing::Coco;
        let effective_order = ignored.then(|| RewardError::OptionValue {
            option: "bleu.effective_order",
            found: "true with coco smoothing".to_owned(),
            expected: "false, or a smoothing of none, floor, add_k or exp",
        });
        [order, smoothing, effective_order]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Every choice, such as `n:4|length:closest|tiny:1e-15|small:1e-9` or
    /// `n:4|length:closest|smooth:floor[0.1]|effective_order:yes`.
    pub fn signature(&self) -> String {
        let (order, length) = (self.order, self.reference_length.key());
        let smoothing = match self.smoothing {
            BleuSmoothing::Coco => {
                return format!("n:{order}|length:{length}|{COCO_CONSTANTS}");
            }
            BleuSmoothing::None => "none".to_owned(),
            BleuSmoothing::Floor { value } => format!("floor[{value}]"),
            BleuSmoothing::AddK { k } => format!("add-k[{k}]"),
            BleuSmoothing::Exp => "exp".to_owned(),
        };
        let effective = if self.effective_order { "yes" } else { "no" };
        format!("n:{order}|length:{length}|smooth:{smoothing}|effective_order:{effective}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> BleuOptions {
        toml::from_str(text).expect("good options")
    }

    #[test]
    fn options_are_cocos_when_nothing_is_set() {
        let options = parse("");
        assert_eq!(options, BleuOptions::default());
        assert!(options.problems().is_empty());
        assert_eq!(
            options.signature(),
            "n:4|length:closest|tiny:1e-15|small:1e-9"
        );
    }

    #[test]
    fn signature_names_every_choice_when_some_are_set() {
        let options = parse("smoothing = { floor = {} }\neffective_order = true");
        assert_eq!(
            options.signature(),
            "n:4|length:closest|smooth:floor[0.1]|effective_order:yes"
        );
        let options =
            parse("order = 2\nreference_length = \"average\"\nsmoothing = { add_k = { k = 2 } }");
        assert_eq!(
            options.signature(),
            "n:2|length:average|smooth:add-k[2]|effective_order:no"
        );
        let options = parse("reference_length = \"shortest\"\nsmoothing = \"exp\"");
        assert_eq!(
            options.signature(),
            "n:4|length:shortest|smooth:exp|effective_order:no"
        );
    }

    #[test]
    fn options_come_back_when_written_and_read() {
        for text in [
            "smoothing = \"none\"",
            "smoothing = { add_k = { k = 0.5 } }",
            "order = 1",
        ] {
            let options = parse(text);
            let written = toml::to_string(&options).expect("plain values");
            assert_eq!(parse(&written), options, "{written}");
        }
    }

    #[test]
    fn keys_are_refused_when_unknown() {
        for text in [
            "orders = 2",
            "smoothing = { floor = { k = 1.0 } }",
            "smoothing = \"laplace\"",
            "reference_length = \"longest\"",
        ] {
            toml::from_str::<BleuOptions>(text).expect_err(text);
        }
    }

    #[test]
    fn problems_are_all_reported_when_several_values_are_bad() {
        let options = BleuOptions {
            order: 5,
            smoothing: BleuSmoothing::Floor { value: f64::NAN },
            ..BleuOptions::default()
        };
        let problems: Vec<_> = options.problems().iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "bleu.order: found 5, expected 1, 2, 3 or 4",
                "bleu.smoothing.floor.value: found NaN, expected a number above 0 and at most 1"
            ]
        );
        let options = BleuOptions {
            order: 0,
            effective_order: true,
            ..BleuOptions::default()
        };
        let problems: Vec<_> = options.problems().iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "bleu.order: found 0, expected 1, 2, 3 or 4",
                "bleu.effective_order: found true with coco smoothing, expected false, or a smoothing of none, floor, add_k or exp"
            ]
        );
        let smoothing = BleuSmoothing::AddK { k: f64::INFINITY };
        let options = BleuOptions {
            smoothing,
            ..BleuOptions::default()
        };
        let problems: Vec<_> = options.problems().iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            ["bleu.smoothing.add_k.k: found inf, expected a finite number above 0"]
        );
    }
}
