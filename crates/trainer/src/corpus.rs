//! The data of a run in the shape that objectives and evaluation need.

pub(crate) mod description;
mod reading;

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use scst_data::{
    Dataset, Example, FeatureBatch, FeatureComparison, FeatureDifference, FeatureFingerprint,
    FeatureSource, FeatureStore, Notice, Row, Split, Standardiser, Vocabulary, VocabularyChoice,
    WordSplit,
};
use scst_model::{CaptionerConfig, ImageFeatures};
use scst_reward::{ImageReferences, References};
use scst_sampler::END;
use sha2::{Digest, Sha256};

use crate::{
    TrainError,
    checkpoint::{Checkpoint, CheckpointError},
    config::DataConfig,
    observer::Observer,
};
use reading::{Known, Reading};

pub use description::{DataDescription, describe};

/// Images, captions and features of a run, ready.
pub struct Corpus {
    dataset: Dataset,
    features: FeatureSource,
    standardiser: Option<Standardiser>,
    fingerprint: Option<FeatureFingerprint>,
    encoder: Option<Vec<u8>>,
    max_length: usize,
    words: Option<WordSplit>,
}

impl Corpus {
    /// Reads everything for a new run: builds the vocabulary, unless one is given, and, if asked for, the statistics of
    /// the training features. The features of training and validation images are read once, so that whatever is
    /// wrong with them shows before training.
    ///
    /// # Errors
    /// [`TrainError`] for whatever is missing or damaged.
    pub fn build(
        config: &DataConfig,
        model: &CaptionerConfig,
        observer: &mut dyn Observer,
    ) -> Result<Self, TrainError> {
        let choice = match &config.vocabulary {
            Some(path) => VocabularyChoice::Use(Vocabulary::load(path)?),
            None => VocabularyChoice::Build {
                minimum_count: config.minimum_count,
            },
        };
        let mut corpus = Self::open(config, model, choice, None)?;
        corpus.split(Split::Train)?;
        corpus.split(Split::Val)?;
        // Before they are read: a file that changes meanwhile is noticed later.
        let mut fingerprint = corpus.dataset.sources.fingerprint()?;
        let reading = corpus.read_for_training(config.standardise, observer)?;
        fingerprint.content = Some(reading.content);
        corpus.standardiser = reading.standardiser;
        corpus.fingerprint = Some(fingerprint);
        Ok(corpus)
    }

    /// Reads everything for a run that goes on from `stored`. Features that look as they did when the run read them
    /// are not read again, unless `verify` asks for it.
    ///
    /// # Errors
    /// [`TrainError`] for whatever is missing, damaged, or has changed.
    pub(crate) fn resume(
        config: &DataConfig,
        model: &CaptionerConfig,
        stored: &Checkpoint,
        verify: bool,
        observer: &mut dyn Observer,
    ) -> Result<Self, TrainError> {
        let vocabulary = stored.vocabulary.clone();
        let standardiser = stored.standardiser.clone();
        let mut corpus = Self::with_vocabulary(config, model, vocabulary, standardiser)?;
        let then = stored.features.as_ref();
        let (was, is) = (&stored.config.data.features, &config.features);
        if then.is_none() && was != is {
            return Err(TrainError::ConfigChanged {
                path: stored.directory().to_owned(),
                key: "data.features".to_owned(),
                was: format!("`{}`", was.path().display()),
                is: format!("`{}`", is.path().display()),
            });
        }
        let changed = |difference| {
            let path = stored.directory().to_owned();
            TrainError::Checkpoint(CheckpointError::FeaturesChanged { path, difference })
        };
        let known = reading::look(&corpus.dataset.sources, then, observer)?.map_err(changed)?;
        stored.check_inputs(&corpus)?;
        let mut fingerprint = match known {
            Known::Same(fingerprint) if !verify => {
                corpus.fingerprint = Some(fingerprint);
                return Ok(corpus);
            }
            Known::Same(fingerprint) | Known::Unsure(fingerprint) => fingerprint,
        };
        let content = corpus.read_for_training(false, observer)?.content;
        let before = then.and_then(|then| then.content);
        // Where the images are others, so are the captions, and nothing is known of the features.
        if let Some(before) = before.filter(|before| before.is_of_same_images(&content))
            && before != content
        {
            return Err(changed(FeatureDifference {
                path: config.features.path().to_owned(),
                found: "other values".to_owned(),
                expected: "those of then".to_owned(),
            }));
        }
        fingerprint.content = Some(content);
        corpus.fingerprint = Some(fingerprint);
        Ok(corpus)
    }

    /// Opens everything for a model that exists: with its vocabulary and feature statistics. Features are not read
    /// before they are used; see [`check_features`](Self::check_features).
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
        Self::open(config, model, choice, standardiser)
    }

    fn open(
        config: &DataConfig,
        model: &CaptionerConfig,
        choice: VocabularyChoice,
        standardiser: Option<Standardiser>,
    ) -> Result<Self, TrainError> {
        let dataset = Dataset::load(&config.captions, &config.features, choice, config.words)?;
        check_form(&dataset, model)?;
        Ok(Self {
            dataset,
            features: config.features.clone(),
            standardiser,
            fingerprint: None,
            encoder: config.features.encoder_record()?,
            max_length: config.max_length,
            words: config.words,
        })
    }

    /// Reads the features of all images that a run reads, the training images first.
    fn read_for_training(
        &self,
        standardise: bool,
        observer: &mut dyn Observer,
    ) -> Result<Reading, TrainError> {
        let splits = [Split::Train, Split::Val].map(|split| self.dataset.split(split));
        let features = &self.dataset.sources;
        Ok(reading::read(features, &splits, standardise, observer)?)
    }

    /// Reads the features of images once, so that whatever is wrong with them shows before they are used.
    ///
    /// # Errors
    /// [`TrainError::Data`] for the first file or value that cannot be used.
    pub fn check_features(
        &self,
        examples: &[Example],
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        reading::read(&self.dataset.sources, &[examples], false, observer)?;
        Ok(())
    }

    /// How the features differ from those that `checkpoint` was trained on, if it noted them and they do. Only what
    /// is quickly seen is looked at.
    ///
    /// # Errors
    /// [`TrainError::Data`] when they cannot be looked at.
    pub fn features_changed_since(
        &self,
        checkpoint: &Checkpoint,
    ) -> Result<Option<FeatureDifference>, TrainError> {
        let Some(then) = &checkpoint.features else {
            return Ok(None);
        };
        let features = &self.dataset.sources;
        Ok(match features.compare(then, &features.fingerprint()?) {
            FeatureComparison::Changed(difference) => Some(difference),
            FeatureComparison::Same | FeatureComparison::Touched => None,
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

    /// What the features looked like when they were read.
    pub(crate) fn fingerprint(&self) -> Option<&FeatureFingerprint> {
        self.fingerprint.as_ref()
    }

    /// Where the features are, and how they are read.
    pub(crate) fn feature_source(&self) -> &FeatureSource {
        &self.features
    }

    /// What stands beside the features about the encoder that made them.
    pub(crate) fn encoder(&self) -> Option<&[u8]> {
        self.encoder.as_deref()
    }

    /// A fingerprint of images and captions, in the order of the files.
    pub(crate) fn captions_fingerprint(&self) -> String {
        let mut sum = Sha256::new();
        for split in [Split::Train, Split::Val, Split::Test] {
            sum.update([0]);
            for example in self.dataset.split(split) {
                let texts = [&example.name].into_iter().chain(&example.references);
                for text in texts {
                    sum.update(text);
                    sum.update("\n");
                }
            }
        }
        let sum = sum.finalize();
        let (first, _) = sum.as_chunks::<8>();
        format!("{:016x}", u64::from_be_bytes(first[0]))
    }

    /// Images, captions and words; see [`data_warnings`](crate::data_warnings) for what is wrong with them.
    pub fn describe(&self) -> DataDescription {
        let splits = [Split::Train, Split::Val, Split::Test];
        describe(
            splits.map(|split| self.dataset.split(split)),
            self.dataset.vocabulary.len(),
            self.max_length,
            self.dataset.wordless,
        )
    }

    /// What there is to tell of the captions.
    pub fn notices(&self) -> &[Notice] {
        &self.dataset.notices
    }

    /// What the configuration says that a word is.
    pub(crate) fn words(&self) -> Option<WordSplit> {
        self.words
    }

    /// The features of all images.
    pub fn feature_store(&self) -> &FeatureStore {
        &self.dataset.sources
    }

    /// Length of a feature vector.
    pub fn feature_dimension(&self) -> usize {
        self.dataset.sources.dim()
    }

    /// Whether images have vectors of regions; else they have one vector each.
    pub(crate) fn has_regions(&self) -> bool {
        self.dataset.sources.max_regions().is_some()
    }

    /// Longest caption in words, end token included.
    pub(crate) fn max_length(&self) -> usize {
        self.max_length
    }

    /// The images of a split, if there are any.
    pub(crate) fn images(&self, split: Split) -> &[Example] {
        self.dataset.split(split)
    }

    /// The images of a split.
    ///
    /// # Errors
    /// [`TrainError::EmptySplit`] when there are none.
    pub fn split(&self, split: Split) -> Result<&[Example], TrainError> {
        let examples = self.dataset.split(split);
        if examples.is_empty() {
            return Err(TrainError::EmptySplit {
                split: split.name(),
            });
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
        let batch = self.dataset.sources.read_batch(&rows)?;
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
                id: example.name.clone(),
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
    let regions = dataset.sources.max_regions().is_some();
    if regions == model.reads_regions() {
        return Ok(());
    }
    Err(TrainError::FeatureForm {
        path: dataset.sources.path().to_owned(),
        found: form_of_features(regions),
        captioner: model.name(),
        expected: form_of_features(!regions),
    })
}
