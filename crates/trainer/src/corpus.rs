//! The data of a run in the shape that objectives and evaluation need.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use scst_data::{
    Dataset, Example, FeatureBatch, Notice, Row, Split, Standardiser, Vocabulary, VocabularyChoice,
    WordSplit,
};
use scst_model::{CaptionerConfig, ImageFeatures};
use scst_reward::{ImageReferences, References};
use scst_sampler::END;

use crate::{TrainError, config::DataConfig};

/// Images, captions and features of a run, checked and ready.
pub struct Corpus {
    dataset: Dataset,
    standardiser: Option<Standardiser>,
    encoder: Option<Vec<u8>>,
    max_length: usize,
    words: Option<WordSplit>,
}

impl Corpus {
    /// Reads everything for a new run: builds the vocabulary, unless one is given, and, if asked for, the statistics of
    /// the training features. All features are read once, so that whatever is wrong with them
    /// shows before training.
    ///
    /// # Errors
    /// [`TrainError`] for whatever is missing or damaged.
    pub fn build(config: &DataConfig, model: &CaptionerConfig) -> Result<Self, TrainError> {
        let choice = match &config.vocabulary {
            Some(path) => VocabularyChoice::Use(Vocabulary::load(path)?),
            None => VocabularyChoice::Build {
                minimum_count: config.minimum_count,
            },
        };
        let dataset = Dataset::load(&config.captions, &config.features, choice, config.words)?;
        check_form(&dataset, model)?;
        let standardiser = if config.standardise {
            Some(Standardiser::fit(
                &dataset.features,
                &dataset.rows(Split::Train),
            )?)
        } else {
            None
        };
        Self::checked(dataset, standardiser, config)
    }

    /// Reads everything for a model that exists: with its vocabulary and feature statistics.
    ///
    /// # Errors
    /// [`TrainError`] for whatever is missing or damaged.
    pub fn with_vocabulary(
        config: &DataConfig,
        model: &CaptionerConfig,
        vocabulary: Vocabulary,
        standardiser: Option<Standardiser>,
    ) -> Result<Self, TrainError> {
        let choice = VocabularyChoice::Use(vocabulary);
        let dataset = Dataset::load(&config.captions, &config.features, choice, config.words)?;
        check_form(&dataset, model)?;
        Self::checked(dataset, standardiser, config)
    }

    fn checked(
        dataset: Dataset,
        standardiser: Option<Standardiser>,
        config: &DataConfig,
    ) -> Result<Self, TrainError> {
        dataset.check_features()?;
        Ok(Self {
            dataset,
            standardiser,
            encoder: config.features.encoder_record()?,
            max_length: config.max_length,
            words: config.words,
        })
    }

    /// The words.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.dataset.vocabulary
    }

    /// Statistics that the features were standardised with.
    pub fn standardiser(&self) -> Option<&Standardiser> {
        self.standardiser.as_ref()
    }

    /// What stands beside the features about the encoder that made them.
    pub(crate) fn encoder(&self) -> Option<&[u8]> {
        self.encoder.as_deref()
    }

    /// Captions left out because they hold no word.
    pub fn wordless(&self) -> usize {
        self.dataset.wordless
    }

    /// What there is to tell of the captions.
    pub fn notices(&self) -> &[Notice] {
        &self.dataset.notices
    }

    /// What the configuration says that a word is.
    pub(crate) fn words(&self) -> Option<WordSplit> {
        self.words
    }

    /// Length of a feature vector.
    pub fn feature_dimension(&self) -> usize {
        self.dataset.features.dim()
    }

    /// Whether images have vectors of regions; else they have one vector each.
    pub(crate) fn has_regions(&self) -> bool {
        self.dataset.features.max_regions().is_some()
    }

    /// Longest caption in words, end token included.
    pub(crate) fn max_length(&self) -> usize {
        self.max_length
    }

    /// The images of a split.
    ///
    /// # Errors
    /// [`TrainError::EmptySplit`] when there are none.
    pub fn split(&self, split: Split) -> Result<&[Example], TrainError> {
        let name = match split {
            Split::Train => "train",
            Split::Val => "val",
            Split::Test => "test",
        };
        let examples = self.dataset.split(split);
        if examples.is_empty() {
            return Err(TrainError::EmptySplit { split: name });
        }
        Ok(examples)
    }

    /// The features of images, standardised if the run asks for it.
    ///
    /// # Errors
    /// [`TrainError::Data`] when they cannot be read.
    pub(crate) fn features(
        &self,
        examples: &[&Example],
        device: &Device,
    ) -> Result<ImageFeatures, TrainError> {
        let rows: Vec<Row> = examples.iter().map(|example| example.row).collect();
        let batch = self.dataset.features.read_batch(&rows)?;
        image_features(batch, self.standardiser.as_ref(), device)
    }

    /// The training captions as references of rewards, in the order of the training images.
    ///
    /// # Errors
    /// [`TrainError::Reward`] when an image has none.
    pub(crate) fn references(&self, with_end_token: bool) -> Result<Arc<References>, TrainError> {
        let images = self.split(Split::Train)?.iter().map(|example| {
            let tokens = example.captions.iter().map(|caption| {
                let mut tokens = caption.clone();
                if with_end_token {
                    tokens.push(END);
                }
                tokens
            });
            ImageReferences {
                id: example.file_name.clone(),
                tokens: tokens.collect(),
                texts: example.references.clone(),
            }
        });
        let end_token = with_end_token.then_some(END);
        Ok(Arc::new(References::new(end_token, images.collect())?))
    }
}

/// Features as a captioner reads them.
///
/// # Errors
/// [`TrainError::Data`] when the standardisation has other dimensions.
pub(crate) fn image_features(
    mut batch: FeatureBatch,
    standardiser: Option<&Standardiser>,
    device: &Device,
) -> Result<ImageFeatures, TrainError> {
    if let Some(standardiser) = standardiser {
        batch.standardise(standardiser)?;
    }
    let vectors = [batch.regions.iter().sum(), batch.dim];
    let vectors = Tensor::from_data(TensorData::new(batch.values, vectors), device);
    Ok(ImageFeatures::regions(vectors, batch.regions)?)
}

/// Features of regions, or of whole images, in words.
pub(crate) fn form_of_features(regions: bool) -> &'static str {
    if regions {
        "vectors of regions"
    } else {
        "one vector an image"
    }
}

/// Whether the captioner can read features of this form.
fn check_form(dataset: &Dataset, model: &CaptionerConfig) -> Result<(), TrainError> {
    let regions = dataset.features.max_regions().is_some();
    if regions == model.reads_regions() {
        return Ok(());
    }
    Err(TrainError::FeatureForm {
        path: dataset.features.path().to_owned(),
        found: form_of_features(regions),
        captioner: model.name(),
        expected: form_of_features(!regions),
    })
}
