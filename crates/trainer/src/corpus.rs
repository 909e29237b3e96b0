//! The data of a run in the shape that objectives and evaluation need.

pub(crate) mod description;
pub(crate) mod images;
pub(crate) mod layout;
mod reading;
mod references;

use std::sync::Arc;

use burn::tensor::Device;
use scst_data::{
    CaptionSource, Dataset, Example, FeatureStore, Notice, Row, Split, TextSources,
    TextVocabularies, TokenBatch, Vocabulary, VocabularyChoice, WordSplit, vocabulary::UNKNOWN_ID,
};
use scst_group::{Alone, Group};
use scst_model::{ModelError, Source, SourceTokens};
use scst_reward::{References, RewardSources};
use scst_sampler::END;
use sha2::{Digest, Sha256};

use crate::{
    TrainError,
    captioner::SourceSize,
    checkpoint::Checkpoint,
    config::{Config, Task},
    observer::Observer,
    registry::Registry,
};
use images::Images;
use references::TrainingReferences;

pub use description::{DataDescription, describe};

/// Sources and targets of a run, ready.
pub struct Corpus {
    dataset: Dataset<Inputs>,
    max_length: usize,
    words: Option<WordSplit>,
}

/// What is read.
enum Inputs {
    Images(Box<Images>),
    Texts(TextSources),
}

impl Corpus {
    /// Reads everything for a new run: builds the vocabularies, unless one is given, and, if asked for, the statistics
    /// of the training features. The features of training and validation images are read once, so that whatever is
    /// wrong with them shows before training.
    ///
    /// # Errors
    /// [`TrainError`] for whatever is missing or damaged.
    pub fn build(
        config: &Config,
        registry: &Registry,
        observer: &mut dyn Observer,
    ) -> Result<Self, TrainError> {
        Self::build_in(&Alone, config, registry, observer)
    }

    /// As [`build`](Self::build), on one of several ranks: the first alone reads all features before training.
    ///
    /// # Errors
    /// Those of [`build`](Self::build), and [`TrainError::Group`].
    pub(crate) fn build_in(
        group: &dyn Group,
        config: &Config,
        registry: &Registry,
        observer: &mut dyn Observer,
    ) -> Result<Self, TrainError> {
        let mut corpus = Self::open(config, None, registry)?;
        corpus.split(Split::Train)?;
        corpus.split(Split::Val)?;
        corpus.with_images(|images, splits| {
            images.read_for_training(group, splits, config.data.standardise, observer)
        })?;
        Ok(corpus)
    }

    /// Reads everything for a run that goes on from `stored`. Features that look as they did when the run read them
    /// are not read again, unless `verify` asks for it.
    ///
    /// # Errors
    /// [`TrainError`] for whatever is missing, damaged, or has changed.
    pub(crate) fn resume(
        config: &Config,
        stored: &Checkpoint,
        registry: &Registry,
        (group, verify): (&dyn Group, bool),
        observer: &mut dyn Observer,
    ) -> Result<Self, TrainError> {
        let mut corpus = Self::of_checkpoint(config, stored, registry)?;
        // Words and statistics are the checkpoint's own; features may be others.
        corpus.with_images(|images, splits| {
            images.compare(splits, stored, (group, verify), observer)
        })?;
        Ok(corpus)
    }

    /// Opens everything for a captioner that exists: with its words and feature statistics. Features are not read
    /// before they are used; see [`check_sources`](Self::check_sources).
    ///
    /// # Errors
    /// [`TrainError`] for whatever is missing or damaged.
    pub fn of_checkpoint(
        config: &Config,
        stored: &Checkpoint,
        registry: &Registry,
    ) -> Result<Self, TrainError> {
        Self::open(config, Some(stored), registry)
    }

    fn open(
        config: &Config,
        stored: Option<&Checkpoint>,
        registry: &Registry,
    ) -> Result<Self, TrainError> {
        let data = &config.data;
        let dataset = match data.task().ok_or(TrainError::NoTask)? {
            Task::Captions { captions, features } => {
                let choice = match (stored, &data.vocabulary) {
                    (Some(stored), _) => VocabularyChoice::Use(stored.vocabulary.clone()),
                    (None, Some(path)) => VocabularyChoice::Use(Vocabulary::load(path)?),
                    (None, None) => VocabularyChoice::Build {
                        minimum_count: data.minimum_count,
                    },
                };
                let standardiser = stored.and_then(|stored| stored.standardiser.clone());
                let dataset = match captions {
                    CaptionSource::Custom(source) => {
                        let store = FeatureStore::open(features)?;
                        let captions = layout::read(source, &registry.layouts, data.words)?;
                        Dataset::join(captions, store, choice)?
                    }
                    captions => Dataset::load(captions, features, choice, data.words)?,
                };
                dataset.map_sources(|store| {
                    let images = Images::new(store, features, &config.model, standardiser)?;
                    Ok::<_, TrainError>(Inputs::Images(Box::new(images)))
                })?
            }
            Task::Text(text) => {
                let vocabularies = match stored {
                    Some(stored) => stored.text_vocabularies()?,
                    None => TextVocabularies::Build {
                        minimum_count: data.minimum_count,
                    },
                };
                let dataset = Dataset::load_text(text, vocabularies)?;
                dataset.map_sources(|texts| Ok::<_, TrainError>(Inputs::Texts(texts)))?
            }
        };
        Ok(Self {
            dataset,
            max_length: data.max_length,
            words: data.words,
        })
    }

    /// What `change` does with the features, if there are any, and the examples that a run reads.
    fn with_images(
        &mut self,
        change: impl FnOnce(&mut Images, &[&[Example]]) -> Result<(), TrainError>,
    ) -> Result<(), TrainError> {
        let (sources, splits) = self.dataset.sources_mut([Split::Train, Split::Val]);
        match sources {
            Inputs::Images(images) => change(images, &splits),
            Inputs::Texts(_) => Ok(()),
        }
    }

    /// Reads the features of images once, so that whatever is wrong with them shows before they are used; of texts all has
    /// been read.
    ///
    /// # Errors
    /// [`TrainError::Data`] for the first file or value that cannot be used.
    pub fn check_sources(
        &self,
        examples: &[Example],
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        match &self.dataset.sources {
            Inputs::Images(images) => images.check(examples, observer),
            Inputs::Texts(_) => Ok(()),
        }
    }

    /// The features of images, if that is what is read.
    pub fn images(&self) -> Option<&Images> {
        match &self.dataset.sources {
            Inputs::Images(images) => Some(images),
            Inputs::Texts(_) => None,
        }
    }

    /// The texts that are read, if they are what is read.
    pub fn texts(&self) -> Option<&TextSources> {
        match &self.dataset.sources {
            Inputs::Texts(texts) => Some(texts),
            Inputs::Images(_) => None,
        }
    }

    /// The size of what is read.
    pub(crate) fn source_size(&self) -> SourceSize {
        match &self.dataset.sources {
            Inputs::Images(images) => SourceSize::Vectors {
                width: images.store().dim(),
            },
            Inputs::Texts(texts) => SourceSize::Texts {
                vocab: texts.vocabulary().len(),
            },
        }
    }

    /// The words of the targets.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.dataset.vocabulary
    }

    /// A fingerprint of sources by name, texts as they are, and of targets, in the order of the files.
    pub(crate) fn captions_fingerprint(&self) -> String {
        let mut sum = Sha256::new();
        for split in [Split::Train, Split::Val, Split::Test] {
            sum.update([0]);
            for example in self.dataset.split(split) {
                for text in [example.name()].into_iter().chain(example.references()) {
                    sum.update(text);
                    sum.update("\n");
                }
            }
        }
        if let Some(texts) = self.texts() {
            sum.update(texts.fingerprint());
        }
        let sum = sum.finalize();
        let (first, _) = sum.as_chunks::<8>();
        format!("{:016x}", u64::from_be_bytes(first[0]))
    }

    /// Examples and words; see [`data_warnings`](crate::data_warnings) for what is wrong with them.
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

    /// Longest caption in words, end token included.
    pub(crate) fn max_length(&self) -> usize {
        self.max_length
    }

    /// The examples of a split, if there are any.
    pub(crate) fn examples(&self, split: Split) -> &[Example] {
        self.dataset.split(split)
    }

    /// The examples of a split.
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

    /// What a captioner reads of examples.
    ///
    /// # Errors
    /// [`TrainError::Data`] when features cannot be read.
    pub(crate) fn source(
        &self,
        examples: &[&Example],
        device: &Device,
    ) -> Result<Source, TrainError> {
        match &self.dataset.sources {
            Inputs::Images(images) => Ok(Source::Vectors(images.vectors(examples, device)?)),
            Inputs::Texts(texts) => {
                let rows: Vec<Row> = examples.iter().map(|example| example.row).collect();
                Ok(Source::Tokens(source_tokens(texts.read_batch(&rows))?))
            }
        }
    }

    /// Begins to read what batches of training sources will be asked for next, by their indices; texts are read at once.
    pub(crate) fn expect<'a>(&self, batches: impl IntoIterator<Item = &'a [usize]>) {
        if let Inputs::Images(images) = &self.dataset.sources {
            let train = self.dataset.split(Split::Train);
            let rows = |examples: &[usize]| examples.iter().map(|&k| train[k].row).collect();
            images.expect(batches.into_iter().map(rows));
        }
    }

    /// What the rewards of a run are made from: the training captions as references, in the order of the training sources,
    /// read from where the corpus has them; and where the images' features are, if they are rows of an array.
    ///
    /// # Errors
    /// [`TrainError::Reward`] when a source has no caption.
    pub(crate) fn reward_sources(&self, with_end_token: bool) -> Result<RewardSources, TrainError> {
        let train = self.split(Split::Train)?;
        let store = TrainingReferences {
            examples: self.dataset.shared(Split::Train),
            with_end_token,
        };
        let end_token = with_end_token.then_some(END);
        let references = References::stored(end_token, Arc::new(store))?;
        let sources = RewardSources::new(Arc::new(references)).with_unknown(UNKNOWN_ID);
        Ok(match self.images().and_then(Images::array) {
            Some(file) => {
                let rows = train.iter().map(|example| example.row.index());
                sources.with_features(file.to_owned(), rows.collect())
            }
            None => sources,
        })
    }
}

/// Texts as a captioner reads them.
///
/// # Errors
/// [`ModelError::Rows`] when a text has no token.
pub(crate) fn source_tokens(batch: TokenBatch) -> Result<SourceTokens, ModelError> {
    SourceTokens::new(batch.ids, batch.counts)
}
