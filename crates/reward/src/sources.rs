//! What rewards are made from: references, their n-grams and document frequencies.

use std::sync::Arc;

use crate::{DocumentFrequency, ReferenceNgrams, References, RewardError};

/// What rewards are made from.
#[derive(Debug, Clone)]
pub struct RewardSources {
    references: Arc<References>,
    ngrams: Arc<ReferenceNgrams>,
    frequency: Arc<DocumentFrequency>,
    unknown: Option<u32>,
}

impl RewardSources {
    /// References with the document frequencies of their own images.
    ///
    /// # Errors
    /// [`RewardError::NoImages`] when there is no image.
    pub fn new(references: Arc<References>) -> Result<Self, RewardError> {
        let ngrams = ReferenceNgrams::new(&references);
        Ok(Self {
            references,
            frequency: Arc::new(DocumentFrequency::from_ngrams(&ngrams)?),
            ngrams: Arc::new(ngrams),
            unknown: None,
        })
    }

    /// The same with other document frequencies, over the same token ids.
    #[must_use]
    pub fn with_frequency(mut self, frequency: Arc<DocumentFrequency>) -> Self {
        self.frequency = frequency;
        self
    }

    /// The same with the id of the unknown word, which some rewards never count as right.
    #[must_use]
    pub fn with_unknown(mut self, token: u32) -> Self {
        self.unknown = Some(token);
        self
    }

    /// The references of all images.
    pub fn references(&self) -> &Arc<References> {
        &self.references
    }

    /// The counted n-grams of the references.
    pub fn ngrams(&self) -> &Arc<ReferenceNgrams> {
        &self.ngrams
    }

    /// The document frequencies.
    pub fn frequency(&self) -> &Arc<DocumentFrequency> {
        &self.frequency
    }

    /// The id of the unknown word.
    pub fn unknown(&self) -> Option<u32> {
        self.unknown
    }
}
