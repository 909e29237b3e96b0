//! What a person should know although nothing has to stop for it.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use scst_data::Notice;

use crate::{
    config::ValidationMetric,
    decode::collapse::Collapse,
    diagnosis::{
        fault::Finding, features::FeatureFault, frequency_table::ForeignTable,
        references::Resolution, settings::Setting,
    },
};

/// Something that lets a run go on but makes its results worth less than they look.
///
/// `Display` gives one sentence: what was found, where, and what to do.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// The validation metric is 0 for every caption that there can be.
    MetricAlwaysZero {
        /// The metric.
        metric: ValidationMetric,
        /// Validation sources.
        sources: usize,
        /// The metric that decides in its place.
        next: ValidationMetric,
    },
    /// Several validations in a row had exactly the same scores.
    SameScores {
        /// Name of the stage.
        stage: String,
        /// The metric.
        metric: ValidationMetric,
        /// Its value.
        value: f64,
        /// How many validations.
        validations: u64,
    },
    /// Much of the training captions is unknown to the vocabulary.
    UnknownWords {
        /// Words of the training captions that are unknown, every occurrence counted.
        unknown: u64,
        /// Words of the training captions.
        words: u64,
        /// The file of the vocabulary, if it was given.
        vocabulary: Option<PathBuf>,
        /// A word that is unknown.
        example: String,
    },
    /// Many training captions are cut at the maximum length.
    CaptionsCut {
        /// Captions that are cut.
        cut: usize,
        /// Training captions.
        captions: usize,
        /// The maximum length in words, the end token included.
        max_length: usize,
        /// Words of the longest caption, the end token included.
        longest: usize,
    },
    /// Many training sources do not fill a batch, and are left out of every epoch.
    SourcesLeftOut {
        /// Name of the stage.
        stage: String,
        /// Sources that an epoch leaves out.
        left_out: usize,
        /// Training sources.
        sources: usize,
        /// Sources in a batch.
        sources_per_batch: usize,
    },
    /// Words that a stage does not want, and that the vocabulary does not have.
    UnwantedWordsUnknown {
        /// Name of the stage.
        stage: String,
        /// The words.
        words: Vec<String>,
    },
    /// The captions of validation sources have become degenerate.
    Collapse {
        /// Name of the stage.
        stage: String,
        /// Step of the run.
        step: u64,
        /// What they have become.
        collapse: Collapse,
    },
    /// The best that a stage reached is worse than what it began with.
    WorseThanStart {
        /// Name of the stage.
        stage: String,
        /// The validation metric.
        metric: ValidationMetric,
        /// Its value at the start.
        start: f64,
        /// Its value at the best validation after that.
        best: f64,
    },
    /// Captions that were read in the one way that makes sense, and may hold a slip.
    Data(Notice),
    /// A setting that is known to fail.
    Setting(Setting),
    /// A reward program that is given document frequencies of other captions.
    ForeignTable(ForeignTable),
    /// Features that no captioner can make up for.
    Features(FeatureFault),
    /// Too few validation sources.
    FewValidationSources(Resolution),
    /// What goes wrong in a stage, as its records show it.
    Fault(Finding),
    /// A reward beyond what gradients can be made of.
    LargeReward {
        /// Name of the reward.
        reward: String,
        /// Its value, without its weight.
        value: f64,
        /// Its weight.
        weight: f64,
        /// Id of its example.
        example: String,
        /// The caption that was given it.
        caption: String,
        /// Whether it is standardised before it is used.
        is_standardised: bool,
    },
}

impl Warning {
    /// Its name, for machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::MetricAlwaysZero { .. } => "metric_always_zero",
            Self::SameScores { .. } => "same_scores",
            Self::UnknownWords { .. } => "unknown_words",
            Self::CaptionsCut { .. } => "captions_cut",
            // Programs know it by this name.
            Self::SourcesLeftOut { .. } => "images_left_out",
            Self::UnwantedWordsUnknown { .. } => "unwanted_words_unknown",
            Self::Collapse { .. } => "collapse",
            Self::WorseThanStart { .. } => "worse_than_start",
            Self::Data(_) => "data",
            Self::Setting(setting) => setting.name(),
            Self::ForeignTable(_) => "foreign_table",
            Self::Features(fault) => fault.name(),
            Self::FewValidationSources(_) => "few_validation_sources",
            Self::Fault(finding) => finding.fault.name(),
            Self::LargeReward { .. } => "large_reward",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MetricAlwaysZero {
                metric,
                sources,
                next,
            } => write!(
                f,
                "key `validation.metric`: {} of {} is 0 whatever the captions are, because no word of the references \
                 tells one source from another; checkpoints are compared by {} instead: choose another metric, or \
                 validate on more sources",
                metric.label(),
                counted(*sources as u64, "source"),
                next.label(),
            ),
            Self::SameScores {
                stage,
                metric,
                value,
                validations,
            } => write!(
                f,
                "stage `{stage}`: the last {} had exactly the same scores, {} {value:.4}, so that they cannot tell \
                 checkpoints apart, and the latest counts as the best: look at the captions with `scst eval --out`, \
                 or change the learning rate",
                counted(*validations, "validation"),
                metric.label(),
            ),
            Self::UnknownWords {
                unknown,
                words,
                vocabulary,
                example,
            } => {
                let share = 100.0 * *unknown as f64 / (*words).max(1) as f64;
                unknown_words(f, share, vocabulary.as_deref(), example)
            }
            Self::CaptionsCut {
                cut,
                captions,
                max_length,
                longest,
            } => {
                let share = 100.0 * *cut as f64 / (*captions).max(1) as f64;
                write!(
                    f,
                    "key `data.max_length`: {share:.0} % of the training captions are longer than {max_length} words, \
                     the end token counted, and are cut there, so that the captioner learns not to end them: raise it \
                     (the longest has {longest})"
                )
            }
            Self::SourcesLeftOut {
                stage,
                left_out,
                sources,
                sources_per_batch,
            } => write!(
                f,
                "stage `{stage}`: an epoch leaves out {left_out} of {}, which do not fill a batch of \
                 {sources_per_batch}: choose a `sources_per_batch` that divides {sources} better",
                counted(*sources as u64, "training source"),
            ),
            Self::UnwantedWordsUnknown { stage, words } => unwanted_words(f, stage, words),
            Self::Collapse {
                stage,
                step,
                collapse,
            } => write!(f, "stage `{stage}`, step {step}: {collapse}"),
            Self::WorseThanStart {
                stage,
                metric,
                start,
                best,
            } => write!(
                f,
                "stage `{stage}`: its best validation, {} {best:.4}, is worse than its start, {start:.4}, so that `best` \
                 keeps earlier weights: lower the learning rate, or train for longer",
                metric.label(),
            ),
            Self::Data(notice) => notice.fmt(f),
            Self::Setting(setting) => setting.fmt(f),
            Self::ForeignTable(table) => table.fmt(f),
            Self::Features(fault) => fault.fmt(f),
            Self::FewValidationSources(resolution) => resolution.fmt(f),
            Self::Fault(finding) => finding.fmt(f),
            Self::LargeReward {
                reward,
                value,
                weight,
                example,
                caption,
                is_standardised,
            } => {
                write!(
                    f,
                    "reward `{reward}` with weight {weight:?}: found {value:e} for the caption `{caption}` of source \
                     `{example}`, expected numbers of a size near 1: {}",
                    large_reward(*is_standardised)
                )
            }
        }
    }
}

/// What to do about a large reward.
fn large_reward(is_standardised: bool) -> &'static str {
    if is_standardised {
        "see whether it means what it should, though it is standardised"
    } else {
        "gradients grow with it until they overflow; scale it, or set `standardise = true`"
    }
}

fn unknown_words(
    f: &mut fmt::Formatter<'_>,
    share: f64,
    vocabulary: Option<&Path>,
    example: &str,
) -> fmt::Result {
    let (key, remedy) = match vocabulary {
        Some(path) => (
            format!("data.vocabulary`, `{}", path.display()),
            "give the vocabulary that belongs to these captions, or none",
        ),
        None => ("data.minimum_count".to_owned(), "lower it"),
    };
    write!(
        f,
        "key `{key}`: {share:.0} % of the words of the training captions are unknown, such as `{example}`, so that no \
         captioner can learn them: {remedy}"
    )
}

fn unwanted_words(f: &mut fmt::Formatter<'_>, stage: &str, words: &[String]) -> fmt::Result {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    write!(
        f,
        "stage `{stage}`, key `unlikelihood.words`: found {}, expected words of the vocabulary: what it does not have as \
         one word has no effect; correct the list or shorten it",
        words.join(", "),
    )
}

fn counted(n: u64, thing: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {thing}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_warning_is_one_sentence_with_what_was_found_and_what_to_do() {
        let warnings = [
            (
                Warning::MetricAlwaysZero {
                    metric: ValidationMetric::CiderD,
                    sources: 1,
                    next: ValidationMetric::Bleu4,
                },
                ["`validation.metric`", "CIDEr-D of 1 source is 0", "BLEU-4"],
            ),
            (
                Warning::SameScores {
                    stage: "xe".to_owned(),
                    metric: ValidationMetric::RougeL,
                    value: 0.25,
                    validations: 3,
                },
                ["stage `xe`", "last 3 validations", "ROUGE-L 0.2500"],
            ),
            (
                Warning::UnknownWords {
                    unknown: 3,
                    words: 4,
                    vocabulary: Some("words.json".into()),
                    example: "dog".to_owned(),
                },
                ["`data.vocabulary`, `words.json`", "75 %", "`dog`"],
            ),
            (
                Warning::UnknownWords {
                    unknown: 1,
                    words: 3,
                    vocabulary: None,
                    example: "dog".to_owned(),
                },
                ["`data.minimum_count`", "33 %", "lower it"],
            ),
            (
                Warning::CaptionsCut {
                    cut: 3,
                    captions: 8,
                    max_length: 16,
                    longest: 31,
                },
                ["`data.max_length`", "38 %", "the longest has 31"],
            ),
            (
                Warning::SourcesLeftOut {
                    stage: "xe".to_owned(),
                    left_out: 9,
                    sources: 59,
                    sources_per_batch: 50,
                },
                ["stage `xe`", "9 of 59 training sources", "a batch of 50"],
            ),
            (
                Warning::Collapse {
                    stage: "scst".to_owned(),
                    step: 70,
                    collapse: Collapse::CutOff { share: 0.75 },
                },
                ["stage `scst`, step 70", "75 %", "`reward_end_token`"],
            ),
            (
                Warning::WorseThanStart {
                    stage: "scst".to_owned(),
                    metric: ValidationMetric::CiderD,
                    start: 0.5,
                    best: 0.25,
                },
                ["stage `scst`", "CIDEr-D 0.2500", "its start, 0.5000"],
            ),
            (
                Warning::LargeReward {
                    reward: "command".to_owned(),
                    value: 1e300,
                    weight: 0.5,
                    example: "a.jpg".to_owned(),
                    caption: "a dog".to_owned(),
                    is_standardised: false,
                },
                [
                    "`command` with weight 0.5",
                    "1e300",
                    "`a dog` of source `a.jpg`",
                ],
            ),
        ];
        for (warning, parts) in warnings {
            let text = warning.to_string();
            for part in parts {
                assert!(text.contains(part), "{part} in: {text}");
            }
            assert!(!text.contains('\n') && !text.ends_with('.'), "{text}");
        }
    }
}
