//! Whether data are such as a checkpoint was trained on.

use std::collections::BTreeMap;

use scst_data::{FeatureSource, FeatureStore, Vocabulary};
use serde_json::Value;

use super::{
    Checkpoint,
    error::CheckpointError,
    layout::{SOURCE_TOKENIZER, TOKENIZER},
};
use crate::corpus::{Corpus, images::form_of_features};

/// What of the record of an encoder decides about features. Where its weights are is another matter.
const OF_ENCODER: [&str; 3] = ["encoder", "weights_crc32c", "features"];

impl Checkpoint {
    /// Whether the weights were trained on the words of `corpus`, and on features of the same form, length, encoder
    /// and standardisation, read in the same way.
    ///
    /// # Errors
    /// [`CheckpointError::Vocabulary`], [`CheckpointError::Features`] or
    /// [`CheckpointError::Standardisation`] when they were not.
    pub fn check_inputs(&self, corpus: &Corpus) -> Result<(), CheckpointError> {
        let expected = corpus.vocabulary().fingerprint();
        let found = self.vocabulary.fingerprint();
        if found != expected {
            return Err(CheckpointError::Vocabulary {
                path: self.dir.join(TOKENIZER),
                found,
                expected,
            });
        }
        match (corpus.images(), corpus.texts()) {
            (Some(images), _) => {
                let form = (images.are_of_regions(), images.store().dim());
                self.check_form(images.source(), form, images.encoder())?;
                if self.standardiser.as_ref() != images.standardiser() {
                    return Err(CheckpointError::Standardisation {
                        path: self.dir.clone(),
                    });
                }
            }
            (None, Some(texts)) => self.check_source_vocabulary(texts.vocabulary())?,
            (None, None) => {}
        }
        Ok(())
    }

    /// Compares the words of sources.
    fn check_source_vocabulary(&self, words: &Vocabulary) -> Result<(), CheckpointError> {
        let own = self.source_vocabulary.as_ref();
        let found = own.map_or("none".to_owned(), Vocabulary::fingerprint);
        let expected = words.fingerprint();
        if found != expected {
            return Err(CheckpointError::Vocabulary {
                path: self.dir.join(SOURCE_TOKENIZER),
                found,
                expected,
            });
        }
        Ok(())
    }

    /// Whether the captioner can read the features `store` of `source`.
    ///
    /// # Errors
    /// [`CheckpointError::Features`] when it cannot, or was trained on features that were made or are read otherwise.
    pub fn check_features(
        &self,
        source: &FeatureSource,
        store: &FeatureStore,
    ) -> Result<(), CheckpointError> {
        let form = (store.max_regions().is_some(), store.dim());
        self.check_form(source, form, source.encoder_record()?.as_deref())
    }

    /// Compares whether there are regions, their length, options and encoder.
    fn check_form(
        &self,
        source: &FeatureSource,
        form: (bool, usize),
        encoder: Option<&[u8]>,
    ) -> Result<(), CheckpointError> {
        let found = described(form, source);
        let differ = |found, expected| CheckpointError::Features {
            features: source.path().to_owned(),
            found,
            expected,
            path: self.dir.clone(),
        };
        let (Some(of_run), Some(dimension)) = (&self.config.data.features, self.feature_dimension)
        else {
            return Err(differ(found, "texts".to_owned()));
        };
        let own = (self.config.model.reads_regions(), dimension);
        let expected = described(own, of_run);
        if found != expected {
            return Err(differ(found, expected));
        }
        if let (Some(found), Some(expected)) = (source.key(), of_run.key())
            && found != expected
        {
            let array = |key| format!("the arrays `{key}`");
            return Err(differ(array(found), array(expected)));
        }
        let records = encoder.zip(self.encoder.as_deref());
        match records.and_then(|(found, expected)| different_encoders(found, expected)) {
            Some((found, expected)) => Err(differ(found, expected)),
            None => Ok(()),
        }
    }
}

/// Features of a source in words.
fn described((regions, dimension): (bool, usize), source: &FeatureSource) -> String {
    let form = form_of_features(regions);
    let mut text = format!("{form} of {dimension} dimensions");
    if source.is_normalised() {
        text += ", brought to length 1";
    }
    if let Some(boxes) = source.boxes() {
        text += ", with boxes";
        if boxes.normalise {
            text += " brought to length 1";
        }
    }
    text
}

/// The first thing in which two records of encoders differ. Records that cannot be read are not compared: what they
/// say is checked where it is needed.
fn different_encoders(found: &[u8], expected: &[u8]) -> Option<(String, String)> {
    let parse = |record| serde_json::from_slice::<BTreeMap<String, Value>>(record).ok();
    let (found, expected) = (parse(found)?, parse(expected)?);
    OF_ENCODER.iter().find_map(|&key| {
        let (found, expected) = (found.get(key)?, expected.get(key)?);
        let name = |value: &Value| format!("features made with `{key}` {value}");
        (found != expected).then(|| (name(found), name(expected)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoders_differ_when_one_is_another_or_has_other_weights_but_not_when_weights_have_moved() {
        let record = |encoder: &str, weights: &str, crc: u32| {
            format!(r#"{{"encoder":"{encoder}","weights":"{weights}","weights_crc32c":{crc}}}"#)
        };
        let compare =
            |found: &str, expected: &str| different_encoders(found.as_bytes(), expected.as_bytes());
        let first = record("resnet50", "/a/w.pth", 7);
        assert_eq!(compare(&first, &record("resnet50", "/b/w.pth", 7)), None);
        assert_eq!(
            compare(&first, &record("resnet101", "/a/w.pth", 7)),
            Some((
                "features made with `encoder` \"resnet50\"".to_owned(),
                "features made with `encoder` \"resnet101\"".to_owned()
            ))
        );
        let (found, _) = compare(&first, &record("resnet50", "/a/w.pth", 8)).unwrap();
        assert_eq!(found, "features made with `weights_crc32c` 7");
        assert_eq!(compare("not a record", &first), None);
    }
}
