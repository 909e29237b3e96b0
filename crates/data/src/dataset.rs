//! Captions, features and vocabulary joined: what training and evaluation iterate over.

use std::sync::Arc;

use crate::captions::{CaptionSource, CaptionedImage, Captions, Split, WordSplit};
use crate::features::{FeatureSource, FeatureStore, ImageNames, Row};
use crate::vocabulary::END_ID;
use crate::{DataError, ExampleId, Notice, Vocabulary, VocabularyProblem};

mod texts;

/// One source, an image or a text, with its gold targets, which rewards share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// What messages call it: the file name of an image without folders; the id of a text, or its file and line.
    pub name: Arc<str>,
    /// Its id in the user's files, where they have ids.
    pub id: Option<ExampleId>,
    /// What is read of it in [`Dataset::sources`].
    pub row: Row,
    /// Gold targets, of images their captions, as ids: full length, the end token last.
    pub captions: Arc<[Vec<u32>]>,
    /// The same targets as text, with what the vocabulary lacks: of words, these joined by single spaces; else as written.
    pub references: Arc<[String]>,
}

impl Example {
    /// The id to write for this example: that of the user's files, or its name where they have no ids.
    pub fn id(&self) -> ExampleId {
        let name = || ExampleId::from(&*self.name);
        self.id.clone().unwrap_or_else(name)
    }
}

/// Which words a [`Dataset`] uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VocabularyChoice {
    /// Words that stand at least so often in the training captions.
    Build {
        /// The least number of occurrences.
        minimum_count: u64,
    },
    /// Those of an earlier run.
    Use(Vocabulary),
}

/// Which tokens a [`Dataset`] of texts uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextVocabularies {
    /// Those of the training texts, as the configuration says.
    Build {
        /// The least number of occurrences, of words and characters.
        minimum_count: u64,
    },
    /// Those of an earlier run.
    Use {
        /// For sources.
        source: Vocabulary,
        /// For targets.
        target: Vocabulary,
    },
}

/// All examples, by split, over sources `S`: [`FeatureStore`], or [`TextSources`](crate::TextSources).
#[derive(Debug)]
pub struct Dataset<S = FeatureStore> {
    /// The words of the targets.
    pub vocabulary: Vocabulary,
    /// The features of all images, or all source texts.
    pub sources: S,
    /// Targets left out because they hold no word at all.
    pub wordless: usize,
    /// What there is to tell of the data.
    pub notices: Vec<Notice>,
    train: Vec<Example>,
    val: Vec<Example>,
    test: Vec<Example>,
}

impl Dataset<FeatureStore> {
    /// Reads captions, opens features, and joins them; `split` is for [`CaptionSource::read`].
    ///
    /// # Errors
    ///
    /// Those of [`CaptionSource::read`], [`FeatureStore::open`] and [`Dataset::join`].
    pub fn load(
        captions: &CaptionSource,
        features: &FeatureSource,
        words: VocabularyChoice,
        split: Option<WordSplit>,
    ) -> Result<Self, DataError> {
        // Opening is quick: a wrong path shows before the captions are read.
        let features = FeatureStore::open(features)?;
        Self::join(captions.read(split)?, features, words)
    }

    /// Joins captions with features.
    ///
    /// # Errors
    ///
    /// Images have no features, or a vocabulary is to be built and there are no training
    /// images, or no word in them is frequent enough.
    pub fn join(
        captions: Captions,
        mut features: FeatureStore,
        words: VocabularyChoice,
    ) -> Result<Self, DataError> {
        let images = captions.images.as_slice();
        let vocabulary = match words {
            VocabularyChoice::Use(vocabulary) if !vocabulary.is_of_words() => {
                return Err(DataError::Tokens {
                    key: "captions",
                    problem: VocabularyProblem::NotWords,
                });
            }
            VocabularyChoice::Use(vocabulary) => vocabulary,
            VocabularyChoice::Build { minimum_count } => build(images, minimum_count)?,
        };
        let names: Vec<_> = images.iter().map(names_of).collect();
        let rows = features.locate_all(&names)?;
        let mut dataset = Self {
            vocabulary,
            sources: features,
            wordless: captions.wordless,
            notices: captions.notices,
            train: Vec::new(),
            val: Vec::new(),
            test: Vec::new(),
        };
        for (image, row) in captions.images.into_iter().zip(rows) {
            let split = image.split;
            let example = example(image, row, &dataset.vocabulary);
            match split {
                Split::Train => dataset.train.push(example),
                Split::Val => dataset.val.push(example),
                Split::Test => dataset.test.push(example),
            }
        }
        Ok(dataset)
    }
}

impl<S> Dataset<S> {
    /// The same examples over sources of another type.
    ///
    /// # Errors
    ///
    /// Those of `map`.
    pub fn map_sources<T, E>(self, map: impl FnOnce(S) -> Result<T, E>) -> Result<Dataset<T>, E> {
        Ok(Dataset {
            vocabulary: self.vocabulary,
            sources: map(self.sources)?,
            wordless: self.wordless,
            notices: self.notices,
            train: self.train,
            val: self.val,
            test: self.test,
        })
    }

    /// The sources, to be changed, beside the examples of splits.
    pub fn sources_mut<const N: usize>(&mut self, splits: [Split; N]) -> (&mut S, [&[Example]; N]) {
        let (train, val, test) = (&self.train, &self.val, &self.test);
        let examples = splits.map(|split| match split {
            Split::Train => train.as_slice(),
            Split::Val => val.as_slice(),
            Split::Test => test.as_slice(),
        });
        (&mut self.sources, examples)
    }

    /// The examples of a split, in the order of the files.
    pub fn split(&self, split: Split) -> &[Example] {
        match split {
            Split::Train => &self.train,
            Split::Val => &self.val,
            Split::Test => &self.test,
        }
    }

    /// The rows of a split in [`Dataset::sources`], in the order of [`Dataset::split`].
    pub fn rows(&self, split: Split) -> Vec<Row> {
        self.split(split)
            .iter()
            .map(|example| example.row)
            .collect()
    }
}

/// What an image may be called in a source of features.
fn names_of(image: &CaptionedImage) -> ImageNames<'_> {
    ImageNames {
        file_name: &image.file_name,
        folder: image.folder.as_deref(),
        id: image.image_id.as_ref().map(ExampleId::to_text),
    }
}

fn build(images: &[CaptionedImage], minimum_count: u64) -> Result<Vocabulary, DataError> {
    let train = || images.iter().filter(|image| image.split == Split::Train);
    if train().next().is_none() {
        return Err(DataError::NoTrainingImages);
    }
    let tokens = || {
        let captions = train().flat_map(|image| &image.captions);
        captions.map(|caption| caption.tokens.as_slice())
    };
    let vocabulary = Vocabulary::build(tokens(), minimum_count);
    if vocabulary.has_words() {
        return Ok(vocabulary);
    }
    let (word, largest) = Vocabulary::most_frequent(tokens()).unwrap_or_default();
    Err(DataError::NoFrequentWords {
        minimum_count,
        largest,
        word: word.to_owned(),
    })
}

fn example(image: CaptionedImage, row: Row, vocabulary: &Vocabulary) -> Example {
    let captions = &image.captions;
    Example {
        row,
        id: image.image_id,
        captions: captions
            .iter()
            .map(|caption| ended(vocabulary.encode(&caption.tokens)))
            .collect(),
        references: captions
            .iter()
            .map(|caption| caption.tokens.join(" "))
            .collect(),
        name: image.file_name.into(),
    }
}

/// A caption with its end token, in no more memory than that takes.
fn ended(mut ids: Vec<u32>) -> Vec<u32> {
    ids.reserve_exact(1);
    ids.push(END_ID);
    ids.shrink_to_fit();
    ids
}

#[cfg(test)]
mod tests;
