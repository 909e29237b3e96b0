//! What is looked at before the first step: settings that let a run go on but make it worthless.

use scst_data::{Split, Vocabulary, vocabulary::UNKNOWN_ID};
use scst_reward::references_are_alike;

use super::validation_examples::validation_examples;
use crate::{
    TrainError,
    config::{Config, StageConfig, ValidationMetric},
    corpus::{Corpus, DataDescription},
    diagnosis::{frequency_table::foreign_tables, settings::setting_faults},
    warning::Warning,
};

/// Share of unknown words in the training captions from which on it is worth a warning. Words that stand less than five
/// times are 1 % of those of COCO and 4 % of those of Flickr8k.
const MUCH_UNKNOWN: f64 = 0.1;
/// Share of captions that are cut. At 16 words it is 11 % of those of Flickr8k and 5 % of those of COCO.
const MANY_CUT: f64 = 0.25;
/// Share of training sources that do not fill a batch.
const MANY_LEFT_OUT: f64 = 0.1;

/// What there is to warn of before the first step of a run, the data having been read.
///
/// # Errors
/// [`TrainError::NoKnownWords`] when the vocabulary holds no word of the training captions, [`TrainError::EmptySplit`]
/// when there are no validation sources.
pub fn data_warnings(config: &Config, corpus: &Corpus) -> Result<Vec<Warning>, TrainError> {
    let validation = validation_examples(config, corpus)?.into_iter();
    let references: Vec<Vec<&str>> = validation.map(|e| e.references().collect()).collect();
    let description = corpus.describe();
    if description.unknown_words == description.words {
        return Err(TrainError::NoKnownWords {
            vocabulary: config.data.vocabulary.clone(),
            example: description.unknown_example.unwrap_or_default(),
        });
    }
    let of_data = corpus.notices().iter().cloned().map(Warning::Data);
    let of_captions = caption_warnings(config, &description);
    let of_words = unwanted_word_warnings(config, corpus.vocabulary());
    let of_metric = metric_warning(config.validation.metric, &references);
    let of_settings = setting_warnings(config, description.train_sources);
    let train = corpus.split(Split::Train)?;
    let stages = config.stages.iter();
    let of_tables = stages.flat_map(|stage| foreign_tables(stage, train));
    let all = of_data.chain(of_captions).chain(of_words).chain(of_metric);
    let all = all.chain(of_settings);
    Ok(all.chain(of_tables.map(Warning::ForeignTable)).collect())
}

/// Settings that are known to fail.
fn setting_warnings(config: &Config, train_sources: usize) -> Vec<Warning> {
    let steps_per_epoch = |stage: &StageConfig| {
        let steps = train_sources.checked_div(stage.sources_per_batch)?;
        (steps > 0).then_some(steps as f64)
    };
    let steps_per_epoch: Vec<_> = config.stages.iter().map(steps_per_epoch).collect();
    let found = setting_faults(config, &steps_per_epoch);
    found.into_iter().map(Warning::Setting).collect()
}

/// What of the training captions and sources is lost, where it is much.
fn caption_warnings(config: &Config, description: &DataDescription) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if description.unknown_share() > MUCH_UNKNOWN {
        warnings.push(Warning::UnknownWords {
            unknown: description.unknown_words,
            words: description.words,
            vocabulary: config.data.vocabulary.clone(),
            example: description.unknown_example.clone().unwrap_or_default(),
        });
    }
    if description.cut_share() > MANY_CUT {
        warnings.push(Warning::CaptionsCut {
            cut: description.cut_captions,
            captions: description.train_captions,
            max_length: description.max_length,
            longest: description.longest_caption,
        });
    }
    let sources = description.train_sources;
    warnings.extend(config.stages.iter().filter_map(|stage| {
        let left_out = description.left_out(stage.sources_per_batch);
        let is_much = left_out as f64 > MANY_LEFT_OUT * sources as f64;
        is_much.then(|| Warning::SourcesLeftOut {
            stage: stage.name.clone(),
            left_out,
            sources,
            sources_per_batch: stage.sources_per_batch,
        })
    }));
    warnings
}

/// Stages that push down words that there are not.
fn unwanted_word_warnings(config: &Config, vocabulary: &Vocabulary) -> Vec<Warning> {
    let of_stage = |stage: &StageConfig| {
        let unlikelihood = stage.scst.as_ref()?.unlikelihood.as_ref()?;
        let words = unlikelihood.words.iter();
        let unknown: Vec<String> = words
            .filter(|word| vocabulary.id(word) == UNKNOWN_ID)
            .cloned()
            .collect();
        (!unknown.is_empty()).then(|| Warning::UnwantedWordsUnknown {
            stage: stage.name.clone(),
            words: unknown,
        })
    };
    config.stages.iter().filter_map(of_stage).collect()
}

/// Whether the metric is 0 for every caption of sources with these references.
fn metric_warning<R: AsRef<str>>(metric: ValidationMetric, sources: &[Vec<R>]) -> Option<Warning> {
    let next = metric.in_order()[1];
    (metric == ValidationMetric::CiderD && references_are_alike(sources)).then_some(
        Warning::MetricAlwaysZero {
            metric,
            sources: sources.len(),
            next,
        },
    )
}

#[cfg(test)]
mod tests {
    use scst_model::CaptionerRegistry;
    use scst_reward::{FrequencySource, Item, evaluate_text};

    use std::path::Path;

    use super::*;

    #[test]
    fn what_is_lost_is_said_when_it_is_much() {
        let text = "[data]\ncaptions.karpathy = { path = \"c.json\" }\nfeatures.npy = { path = \"f.npy\" }\n\
                    [model.fc]\n[[stages]]\nepochs = 1\nsources_per_batch = 60\nxe = {}\n";
        let config = Config::parse(
            text,
            Path::new("c.toml"),
            Vec::new(),
            &CaptionerRegistry::default(),
        );
        let config = Config::from(config.unwrap());
        // At the bound nothing is said: 59 of 599 sources, 10 of 100 words, 25 of 100 captions.
        let at = |left_out: usize, unknown_words, cut_captions| {
            let description = DataDescription {
                train_sources: 540 + left_out,
                train_captions: 100,
                cut_captions,
                words: 100,
                unknown_words,
                ..DataDescription::default()
            };
            let found = caption_warnings(&config, &description).into_iter();
            let name = |warning| match warning {
                Warning::UnknownWords { .. } => "unknown",
                Warning::CaptionsCut { .. } => "cut",
                Warning::SourcesLeftOut { .. } => "left out",
                _ => "another",
            };
            found.map(name).collect::<Vec<_>>()
        };
        assert_eq!(at(59, 10, 25), [""; 0]);
        assert_eq!(at(0, 11, 25), ["unknown"]);
        assert_eq!(at(0, 10, 26), ["cut"]);
        let few = DataDescription {
            train_sources: 100,
            ..DataDescription::default()
        };
        let found = caption_warnings(&config, &few);
        let expected = Warning::SourcesLeftOut {
            stage: "xe".to_owned(),
            left_out: 40,
            sources: 100,
            sources_per_batch: 60,
        };
        assert_eq!(found, [expected]);
    }

    #[test]
    fn unwanted_words_that_the_vocabulary_does_not_have_are_named() {
        let text = "[data]\ncaptions.karpathy = { path = \"c.json\" }\nfeatures.npy = { path = \"f.npy\" }\n\
                    [model.fc]\n[[stages]]\nepochs = 1\nscst = { unlikelihood = { weight = 0.1, words = [\"dog\", \
                    \"dgo\", \"a dog\"] } }\n";
        let config = Config::parse(
            text,
            Path::new("c.toml"),
            Vec::new(),
            &CaptionerRegistry::default(),
        );
        let config = Config::from(config.unwrap());
        let words = ["a", "dog", "cat"].map(str::to_owned);
        let vocabulary = Vocabulary::build([words.as_slice()].into_iter(), 1);
        let expected = Warning::UnwantedWordsUnknown {
            stage: "scst".to_owned(),
            words: vec!["dgo".to_owned(), "a dog".to_owned()],
        };
        assert_eq!(unwanted_word_warnings(&config, &vocabulary), [expected]);
        let words = ["a dog", "dgo", "dog"].map(str::to_owned);
        let vocabulary = Vocabulary::build([words.as_slice()].into_iter(), 1);
        assert_eq!(unwanted_word_warnings(&config, &vocabulary), []);
    }

    /// The largest CIDEr-D that any of the references has as the caption of every source.
    fn largest(sources: &[&[String]]) -> f64 {
        let scores = sources.iter().copied().flatten().map(|candidate| {
            let items: Vec<Item<'_, str, String>> = sources
                .iter()
                .map(|&references| Item {
                    candidate: candidate.as_str(),
                    references,
                })
                .collect();
            let evaluation = evaluate_text(&items, FrequencySource::Corpus).unwrap();
            evaluation.scores.cider_d
        });
        scores.fold(0.0, f64::max)
    }

    #[test]
    fn metric_is_doubted_exactly_when_the_best_captions_score_nothing() {
        let cases: [(&[&[&str]], bool); 6] = [
            (&[&["a red ball on grass"]], true),
            (&[&["a dog", "a cat"]], true),
            (&[&["a dog runs"], &["a dog runs"]], true),
            (
                &[&["a dog", "one cat"], &["one cat", "a dog", "a dog"]],
                true,
            ),
            (&[&["a dog runs"], &["a cat sits"]], false),
            // The same words in another order.
            (&[&["dog bites man"], &["man bites dog"]], false),
        ];
        for (sources, is_doubted) in cases {
            let texts: Vec<Vec<String>> = sources
                .iter()
                .map(|source| source.iter().map(|&text| text.to_owned()).collect())
                .collect();
            let sources: Vec<&[String]> = texts.iter().map(Vec::as_slice).collect();
            assert_eq!(largest(&sources) == 0.0, is_doubted, "{sources:?}");
            let warning = metric_warning(ValidationMetric::CiderD, &texts);
            let expected = is_doubted.then_some(Warning::MetricAlwaysZero {
                metric: ValidationMetric::CiderD,
                sources: sources.len(),
                next: ValidationMetric::Bleu4,
            });
            assert_eq!(warning, expected, "{sources:?}");
            assert_eq!(metric_warning(ValidationMetric::RougeL, &texts), None);
        }
    }
}
