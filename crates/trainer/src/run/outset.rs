//! What is looked at before the first step: settings that let a run go on but make it worthless.

use scst_data::{Split, vocabulary::UNKNOWN_ID};
use scst_reward::references_are_alike;

use super::validation::validation_images;
use crate::{
    TrainError,
    config::{Config, ValidationMetric},
    corpus::Corpus,
    warning::Warning,
};

/// Share of unknown words in the training captions from which on it is worth a warning.
const MUCH: f64 = 0.2;

/// What there is to warn of before the first step.
///
/// # Errors
/// [`TrainError::NoKnownWords`] when the vocabulary holds no word of the training captions.
pub(super) fn first_warnings(config: &Config, corpus: &Corpus) -> Result<Vec<Warning>, TrainError> {
    let validation = validation_images(config, corpus)?.into_iter();
    let references: Vec<&[String]> = validation.map(|e| e.references.as_slice()).collect();
    let of_data = corpus.notices().iter().cloned().map(Warning::Data);
    let of_vocabulary = vocabulary_warning(config, corpus)?;
    let of_metric = metric_warning(config.validation.metric, &references);
    Ok(of_data.chain(of_vocabulary).chain(of_metric).collect())
}

/// How well the vocabulary covers the training captions, if that is badly.
///
/// # Errors
/// [`TrainError::NoKnownWords`] when it holds none of their words.
fn vocabulary_warning(config: &Config, corpus: &Corpus) -> Result<Option<Warning>, TrainError> {
    let (mut unknown, mut words) = (0u64, 0u64);
    let mut example = None;
    for image in corpus.split(Split::Train)? {
        for (ids, text) in image.captions.iter().zip(&image.references) {
            words += ids.len() as u64;
            for (&id, word) in ids.iter().zip(text.split(' ')) {
                if id == UNKNOWN_ID {
                    unknown += 1;
                    example.get_or_insert(word);
                }
            }
        }
    }
    let example = example.unwrap_or_default().to_owned();
    let vocabulary = config.data.vocabulary.clone();
    if unknown == words {
        return Err(TrainError::NoKnownWords {
            vocabulary,
            example,
        });
    }
    let is_much = unknown as f64 >= MUCH * words as f64;
    Ok(is_much.then_some(Warning::UnknownWords {
        unknown,
        words,
        vocabulary,
        example,
    }))
}

/// Whether the metric is 0 for every caption of images with these references.
fn metric_warning(metric: ValidationMetric, images: &[&[String]]) -> Option<Warning> {
    let [_, next, _] = metric.in_order();
    (metric == ValidationMetric::CiderD && references_are_alike(images.iter().copied())).then_some(
        Warning::MetricAlwaysZero {
            metric,
            images: images.len(),
            next,
        },
    )
}

#[cfg(test)]
mod tests {
    use scst_reward::{FrequencySource, Item, evaluate_text};

    use super::*;

    /// The largest CIDEr-D that any of the references has as the caption of every image.
    fn largest(images: &[&[String]]) -> f64 {
        let scores = images.iter().copied().flatten().map(|candidate| {
            let items: Vec<Item<'_, str, String>> = images
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
        for (images, is_doubted) in cases {
            let images: Vec<Vec<String>> = images
                .iter()
                .map(|image| image.iter().map(|&text| text.to_owned()).collect())
                .collect();
            let images: Vec<&[String]> = images.iter().map(Vec::as_slice).collect();
            assert_eq!(largest(&images) == 0.0, is_doubted, "{images:?}");
            let warning = metric_warning(ValidationMetric::CiderD, &images);
            let expected = is_doubted.then_some(Warning::MetricAlwaysZero {
                metric: ValidationMetric::CiderD,
                images: images.len(),
                next: ValidationMetric::Bleu4,
            });
            assert_eq!(warning, expected, "{images:?}");
            assert_eq!(metric_warning(ValidationMetric::RougeL, &images), None);
        }
    }
}
