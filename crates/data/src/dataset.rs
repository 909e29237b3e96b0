//! Captions, features and vocabulary joined: what training and evaluation iterate over.

use std::sync::Arc;

use crate::captions::{CaptionSource, CaptionedImage, Captions, Split, WordSplit};
use crate::features::{FeatureSource, FeatureStore, ImageNames, Row};
use crate::{DataError, ExampleId, Notice, Vocabulary, VocabularyProblem};
use example::Written;

mod example;
mod texts;

pub use example::Example;

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
    /// Those of training, validation and test.
    examples: [Arc<[Example]>; 3],
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
    /// images, or no word in them is frequent enough; or there is no room for the captions.
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
        let mut written = Written::default();
        for (image, row) in captions.images.into_iter().zip(rows) {
            let targets = image.captions.iter().map(|caption| {
                let tokens = &caption.tokens;
                (vocabulary.encode(tokens), tokens.join(" "))
            });
            let mut targets: Vec<_> = targets.collect();
            let names = (image.file_name.as_str(), image.image_id.as_ref());
            written.push(image.split, row, names, &mut targets)?;
        }
        Ok(Self {
            vocabulary,
            sources: features,
            wordless: captions.wordless,
            notices: captions.notices,
            examples: written.finish(),
        })
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
            examples: self.examples,
        })
    }

    /// The sources, to be changed, beside the examples of splits.
    pub fn sources_mut<const N: usize>(&mut self, splits: [Split; N]) -> (&mut S, [&[Example]; N]) {
        let all = &self.examples;
        let examples = splits.map(|split| &*all[split as usize]);
        (&mut self.sources, examples)
    }

    /// The examples of a split, in the order of the files.
    pub fn split(&self, split: Split) -> &[Example] {
        &self.examples[split as usize]
    }

    /// The same, for who outlives the dataset.
    pub fn shared(&self, split: Split) -> Arc<[Example]> {
        Arc::clone(&self.examples[split as usize])
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

#[cfg(test)]
mod tests;
