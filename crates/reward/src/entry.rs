//! One entry of a configured list of rewards.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::rouge_l::RougeLOptions;
use crate::{
    BadEndingPenaltyOptions, BleuOptions, ChrfOptions, CiderDOptions, CommandOptions,
    ErrorRateOptions, ErrorUnit, ExactMatchOptions, LengthPenaltyOptions, MeteorOptions,
    MixerBleuOptions, RepetitionPenaltyOptions, RewardError, RougeScoreOptions, SacrebleuOptions,
    StandardiseOver, Transform,
};

/// The keys that choose a reward: an entry sets one of them.
const KINDS: [&str; 17] = [
    "cider_d",
    "bleu",
    "rouge_l",
    "mixer_bleu",
    "meteor",
    "word_error_rate",
    "phoneme_error_rate",
    "character_error_rate",
    "exact_match",
    "chrf",
    "sacrebleu",
    "rouge_score",
    "repetition_penalty",
    "length_penalty",
    "bad_ending_penalty",
    "command",
    "custom",
];
/// The same, for messages.
const KEYS: &str = "cider_d, bleu, rouge_l, mixer_bleu, meteor, word_error_rate, phoneme_error_rate, \
                    character_error_rate, exact_match, chrf, sacrebleu, rouge_score, repetition_penalty, \
                    length_penalty, bad_ending_penalty, command, custom";

/// One entry of the list of rewards: a weight and exactly one reward, such as `weight = 1.0, cider_d = {}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-one-of" = KINDS))]
pub struct RewardEntry {
    /// What the scores are multiplied by; may be negative.
    pub weight: f64,
    /// What scores go through first; as they are if absent.
    #[schemars(extend("examples" = [{ "clip": { "low": 0.0, "high": 1.0 } }]))]
    pub transform: Option<Transform>,
    /// Whether scores are first brought to mean 0 and standard deviation 1 over the captions that are scored
    /// together, greedy ones too; equal scores become 0.
    pub standardise: bool,
    /// Which of these captions with `standardise`.
    pub standardise_over: StandardiseOver,
    /// Whether the stage's baseline is subtracted from this reward; without it, the score itself is its advantage.
    pub self_critical: bool,
    /// CIDEr-D against the references, document frequencies of the training images. Scores 0 to 10.
    pub cider_d: Option<CiderDOptions>,
    /// Sentence BLEU against the references. Scores 0 to 1.
    pub bleu: Option<BleuOptions>,
    /// ROUGE-L against the references. Scores 0 to 1.
    pub rouge_l: Option<RougeLOptions>,
    /// MIXER's sentence BLEU, mean over the references. Scores 0 to 1.
    pub mixer_bleu: Option<MixerBleuOptions>,
    /// METEOR by its Java program, which is kept running. Scores 0 to 1.
    pub meteor: Option<MeteorOptions>,
    /// Minus the word error rate: edits over words of the reference for which that is lowest. Scores at most 0.
    pub word_error_rate: Option<ErrorRateOptions>,
    /// Minus the phoneme error rate: the same, where words are phonemes between spaces. Scores at most 0.
    pub phoneme_error_rate: Option<ErrorRateOptions>,
    /// Minus the character error rate, spaces counted. Scores at most 0.
    pub character_error_rate: Option<ErrorRateOptions>,
    /// Whether the words are those of a reference: 1, else 0.
    pub exact_match: Option<ExactMatchOptions>,
    /// chrF of sacrebleu on raw text; chrF++ with `word_order = 2`. Scores 0 to 1.
    pub chrf: Option<ChrfOptions>,
    /// Sentence BLEU of sacrebleu on raw text, with its tokenizers. Scores 0 to 1.
    pub sacrebleu: Option<SacrebleuOptions>,
    /// ROUGE-1, ROUGE-2 or ROUGE-L of Google's rouge-score on raw text. Scores 0 to 1.
    pub rouge_score: Option<RougeScoreOptions>,
    /// Minus the share of a caption's n-grams that repeat. Scores -1 to 0.
    pub repetition_penalty: Option<RepetitionPenaltyOptions>,
    /// Minus the number of words short of a minimum or beyond a maximum. Scores at most 0.
    pub length_penalty: Option<LengthPenaltyOptions>,
    /// -1 for an empty caption or one whose last word cannot end a sentence, else 0.
    pub bad_ending_penalty: Option<BadEndingPenaltyOptions>,
    /// Any program: one line of JSON a batch in, one out (see scripts/README.md).
    pub command: Option<CommandOptions>,
    /// A reward in Rust that the program around this library registered.
    pub custom: Option<CustomOptions>,
}

impl Default for RewardEntry {
    fn default() -> Self {
        Self {
            weight: 1.0,
            transform: None,
            standardise: false,
            standardise_over: StandardiseOver::Batch,
            self_critical: true,
            cider_d: None,
            bleu: None,
            rouge_l: None,
            mixer_bleu: None,
            meteor: None,
            word_error_rate: None,
            phoneme_error_rate: None,
            character_error_rate: None,
            exact_match: None,
            chrf: None,
            sacrebleu: None,
            rouge_score: None,
            repetition_penalty: None,
            length_penalty: None,
            bad_ending_penalty: None,
            command: None,
            custom: None,
        }
    }
}

/// The choice of a registered reward.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CustomOptions {
    /// The name that the reward was registered under; has to be given.
    #[schemars(extend("examples" = ["mine"]))]
    pub name: String,
    /// Whatever the reward can be told; it checks that itself.
    pub options: Map<String, Value>,
}

impl CustomOptions {
    fn problems(&self) -> Vec<RewardError> {
        let good = !self.name.is_empty();
        let expected = "the name of a registered reward";
        RewardError::option_text(good, "custom.name", &self.name, expected)
            .into_iter()
            .collect()
    }
}

/// The reward of an entry.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RewardKind {
    CiderD(CiderDOptions),
    Bleu(BleuOptions),
    RougeL(RougeLOptions),
    MixerBleu(MixerBleuOptions),
    Meteor(MeteorOptions),
    ErrorRate(ErrorUnit, ErrorRateOptions),
    ExactMatch(ExactMatchOptions),
    Chrf(ChrfOptions),
    Sacrebleu(SacrebleuOptions),
    RougeScore(RougeScoreOptions),
    RepetitionPenalty(RepetitionPenaltyOptions),
    LengthPenalty(LengthPenaltyOptions),
    BadEndingPenalty(BadEndingPenaltyOptions),
    Command(CommandOptions),
    Custom(CustomOptions),
}

impl RewardKind {
    /// The key that sets it.
    pub(crate) fn key(&self) -> &'static str {
        match self {
            Self::CiderD(_) => "cider_d",
            Self::Bleu(_) => "bleu",
            Self::RougeL(_) => "rouge_l",
            Self::MixerBleu(_) => "mixer_bleu",
            Self::Meteor(_) => "meteor",
            Self::ErrorRate(unit, _) => unit.key(),
            Self::ExactMatch(_) => "exact_match",
            Self::Chrf(_) => "chrf",
            Self::Sacrebleu(_) => "sacrebleu",
            Self::RougeScore(_) => "rouge_score",
            Self::RepetitionPenalty(_) => "repetition_penalty",
            Self::LengthPenalty(_) => "length_penalty",
            Self::BadEndingPenalty(_) => "bad_ending_penalty",
            Self::Command(_) => "command",
            Self::Custom(_) => "custom",
        }
    }

    /// Whether it takes text as it stands.
    pub(crate) fn is_of_raw_text(&self) -> bool {
        matches!(
            self,
            Self::ErrorRate(..)
                | Self::ExactMatch(_)
                | Self::Chrf(_)
                | Self::Sacrebleu(_)
                | Self::RougeScore(_)
        )
    }

    /// Whether no caption scores above 0.
    fn is_never_positive(&self) -> bool {
        matches!(
            self,
            Self::ErrorRate(..)
                | Self::RepetitionPenalty(_)
                | Self::LengthPenalty(_)
                | Self::BadEndingPenalty(_)
        )
    }

    /// The options outside their ranges.
    fn problems(&self) -> Vec<RewardError> {
        match self {
            Self::CiderD(options) => options.problems(),
            Self::Bleu(options) => options.problems(),
            Self::RougeL(options) => options.problems(),
            Self::MixerBleu(options) => options.problems(),
            Self::Meteor(options) => options.problems(),
            Self::ErrorRate(_, options) => options.problems(),
            Self::ExactMatch(options) => options.problems(),
            Self::Chrf(options) => options.problems(),
            Self::Sacrebleu(options) => options.problems(),
            Self::RougeScore(options) => options.problems(),
            Self::RepetitionPenalty(options) => options.problems(),
            Self::LengthPenalty(options) => options.problems(),
            Self::BadEndingPenalty(options) => options.problems(),
            Self::Command(options) => options.problems(),
            Self::Custom(options) => options.problems(),
        }
    }
}

impl RewardEntry {
    fn kinds(&self) -> Vec<RewardKind> {
        let error_rate = |unit, options: Option<ErrorRateOptions>| {
            options.map(|options| RewardKind::ErrorRate(unit, options))
        };
        let kinds = [
            self.cider_d.map(RewardKind::CiderD),
            self.bleu.map(RewardKind::Bleu),
            self.rouge_l.map(RewardKind::RougeL),
            self.mixer_bleu.map(RewardKind::MixerBleu),
            self.meteor.clone().map(RewardKind::Meteor),
            error_rate(ErrorUnit::Word, self.word_error_rate),
            error_rate(ErrorUnit::Phoneme, self.phoneme_error_rate),
            error_rate(ErrorUnit::Character, self.character_error_rate),
            self.exact_match.map(RewardKind::ExactMatch),
            self.chrf.map(RewardKind::Chrf),
            self.sacrebleu.map(RewardKind::Sacrebleu),
            self.rouge_score.map(RewardKind::RougeScore),
            self.repetition_penalty.map(RewardKind::RepetitionPenalty),
            self.length_penalty.map(RewardKind::LengthPenalty),
            self.bad_ending_penalty
                .clone()
                .map(RewardKind::BadEndingPenalty),
            self.command.clone().map(RewardKind::Command),
            self.custom.clone().map(RewardKind::Custom),
        ];
        kinds.into_iter().flatten().collect()
    }

    /// The one reward that is set.
    ///
    /// # Errors
    /// [`RewardError::KindCount`] when none or several are set.
    pub(crate) fn kind(&self) -> Result<RewardKind, RewardError> {
        let mut kinds = self.kinds();
        let keys: Vec<_> = kinds.iter().map(RewardKind::key).collect();
        let found = if keys.is_empty() {
            "no reward".to_owned()
        } else {
            keys.join(" and ")
        };
        match (kinds.pop(), kinds.is_empty()) {
            (Some(kind), true) => Ok(kind),
            _ => Err(RewardError::KindCount {
                found,
                expected: KEYS,
            }),
        }
    }

    /// The key of a reward that takes text as it stands, before any tokenizer.
    pub fn raw_text_key(&self) -> Option<&'static str> {
        let kind = self.kind().ok()?;
        kind.is_of_raw_text().then(|| kind.key())
    }

    /// The key of a reward that is never above 0.
    pub(crate) fn never_positive_key(&self) -> Option<&'static str> {
        let kind = self.kind().ok()?;
        kind.is_never_positive().then(|| kind.key())
    }

    /// The captions that scores are standardised over, if they are.
    pub(crate) fn standardised_over(&self) -> Option<StandardiseOver> {
        self.standardise.then_some(self.standardise_over)
    }

    /// Everything that is wrong with the entry; empty when it can be built.
    pub fn problems(&self) -> Vec<RewardError> {
        let mut problems = match self.kind() {
            Ok(kind) => kind.problems(),
            Err(error) => vec![error],
        };
        problems.extend(weight_problem(self.weight));
        problems.extend(self.transform.iter().flat_map(Transform::problems));
        let is_over_source = self.standardise_over == StandardiseOver::Source;
        if is_over_source && !self.standardise {
            problems.push(RewardError::OptionValue {
                option: "standardise_over",
                found: "source".to_owned(),
                expected: "`standardise = true` beside it",
            });
        }
        problems
    }
}

pub(crate) fn weight_problem(weight: f64) -> Option<RewardError> {
    RewardError::option(weight.is_finite(), "weight", weight, "a finite number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_but_those_of_all_entries_chooses_a_reward() {
        let entry = serde_json::to_value(RewardEntry::default()).expect("plain values");
        let of_all = [
            "weight",
            "transform",
            "standardise",
            "standardise_over",
            "self_critical",
        ];
        let mut keys: Vec<&str> = of_all.into_iter().chain(KINDS).collect();
        keys.sort_unstable();
        assert_eq!(
            keys,
            entry
                .as_object()
                .expect("an object")
                .keys()
                .collect::<Vec<_>>()
        );
        assert_eq!(KEYS, KINDS.join(", "));
    }
}
