//! What rewards are made from: references, their n-grams and document frequencies.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::{DocumentFrequency, ReferenceNgrams, References, RewardError};

/// Where the features of images are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureRows {
    /// The file that holds them.
    pub file: PathBuf,
    /// For every image of the references, its row in the file, from 0.
    pub rows: Vec<usize>,
}

/// What rewards are made from. N-grams and their document frequencies are counted when the first reward asks for them,
/// and shared by all that do.
#[derive(Debug, Clone)]
pub struct RewardSources {
    references: Arc<References>,
    ngrams: OnceLock<Arc<ReferenceNgrams>>,
    frequency: OnceLock<Arc<DocumentFrequency>>,
    unknown: Option<u32>,
    features: Option<Arc<FeatureRows>>,
}

impl RewardSources {
    /// References with the document frequencies of their own images.
    pub fn new(references: Arc<References>) -> Self {
        Self {
            references,
            ngrams: OnceLock::new(),
            frequency: OnceLock::new(),
            unknown: None,
            features: None,
        }
    }

    /// The same with other document frequencies, over the same token ids.
    #[must_use]
    pub fn with_frequency(mut self, frequency: Arc<DocumentFrequency>) -> Self {
        self.frequency = OnceLock::from(frequency);
        self
    }

    /// The same with the id of the unknown word, which some rewards never count as right.
    #[must_use]
    pub fn with_unknown(mut self, token: u32) -> Self {
        self.unknown = Some(token);
        self
    }

    /// The same with the features of images, of which other programs are told: `rows` has the row in `file` of every
    /// image of the references, from 0.
    #[must_use]
    pub fn with_features(mut self, file: impl Into<PathBuf>, rows: Vec<usize>) -> Self {
        let file = file.into();
        self.features = Some(Arc::new(FeatureRows { file, rows }));
        self
    }

    /// The references of all images.
    pub fn references(&self) -> &Arc<References> {
        &self.references
    }

    /// The n-grams of the references, counted at the first call.
    pub fn ngrams(&self) -> &Arc<ReferenceNgrams> {
        let count = || Arc::new(ReferenceNgrams::new(&self.references));
        self.ngrams.get_or_init(count)
    }

    /// The document frequencies, counted at the first call.
    ///
    /// # Errors
    /// [`RewardError::NoImages`] when there is no image.
    pub fn frequency(&self) -> Result<&Arc<DocumentFrequency>, RewardError> {
        if let Some(known) = self.known_frequency() {
            return Ok(known);
        }
        let counted = Arc::new(DocumentFrequency::from_ngrams(self.ngrams())?);
        Ok(self.frequency.get_or_init(|| counted))
    }

    /// The document frequencies, if they were given or somebody asked for them.
    pub fn known_frequency(&self) -> Option<&Arc<DocumentFrequency>> {
        self.frequency.get()
    }

    /// The id of the unknown word.
    pub fn unknown(&self) -> Option<u32> {
        self.unknown
    }

    /// Where the features of images are, if that is known.
    pub fn features(&self) -> Option<&Arc<FeatureRows>> {
        self.features.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        ExactMatchOptions, ImageReferences, RewardEntry, RewardMixture, RewardRegistry, TextReward,
    };

    fn sources() -> RewardSources {
        let image = |id| ImageReferences::new(id, [vec![1, 2, 0]], ["a b".to_owned()]);
        let images = vec![image("a"), image("b")];
        RewardSources::new(Arc::new(References::new(Some(0), images).expect("good")))
    }

    /// Builds a mixture of these rewards.
    fn build(sources: &RewardSources, rewards: &[&str]) {
        let mut registry = RewardRegistry::default();
        registry.register("mine", |_, sources| {
            let options = ExactMatchOptions::default();
            Ok(Box::new(TextReward::exact_match(
                options,
                sources.references(),
            )))
        });
        let entries = rewards.iter().map(|&reward| match reward {
            "custom" => json!({ "custom": { "name": "mine" } }),
            _ => json!({ reward: {} }),
        });
        let entries: Vec<RewardEntry> =
            serde_json::from_value(entries.collect()).expect("good entries");
        RewardMixture::build(&entries, sources, &registry).expect("good entries");
    }

    #[test]
    fn ngrams_are_counted_once_and_only_for_rewards_that_ask_for_them() {
        let sources = sources();
        let without = [
            "rouge_l",
            "mixer_bleu",
            "word_error_rate",
            "chrf",
            "sacrebleu",
            "rouge_score",
            "repetition_penalty",
            "custom",
        ];
        build(&sources, &without);
        assert!(sources.ngrams.get().is_none() && sources.known_frequency().is_none());
        build(&sources, &["bleu"]);
        let counted = Arc::clone(sources.ngrams.get().expect("BLEU has them counted"));
        assert!(sources.known_frequency().is_none());
        build(&sources, &["cider_d"]);
        assert!(sources.known_frequency().is_some());
        assert!(Arc::ptr_eq(&counted, sources.ngrams()));
    }
}
