//! Captions, image features, texts and vocabularies: from the user's files to checked, indexed examples.
//!
//! | module | what it holds |
//! |---|---|
//! | [`captions`] | readers for Karpathy's, Kaggle's, COCO's and self-critical.pytorch's layouts, and the splitting of raw captions into words |
//! | [`caption_file`] | captions of any layout, told by what the file holds |
//! | [`coco_evaluation`] | references and candidates in COCO's layouts, for scoring |
//! | [`frequencies`] | document frequencies that Python has pickled |
//! | [`features`] | pooled and region features in `.npy`, `.npz` and `.safetensors`, mapped into memory |
//! | [`looks_like`] | what a file seems to be |
//! | [`standardise`] | features with mean 0 and deviation 1 |
//! | [`vocabulary`] | words, characters or pieces of words and their ids, saved as `tokenizer.json`, or taken from self-critical.pytorch |
//! | [`texts`] | pairs of texts: tables, JSON Lines and parallel files |
//! | [`dataset`] | all of them joined, by split |
//! | [`order`] | the seeded order of an epoch and the choice of captions |
//! | [`splitting`] | sources shared out to splits, by a seed |
//! | [`references_by_image`] | references in the simplest layout, as text or as ids |
//! | [`scenes`] | the generator of the embedded default dataset |
//!
//! No tensors and no training here: values leave as `Vec<f32>` and ids as `Vec<u32>`. Whatever
//! the files hold, the outcome is a value or a [`DataError`] that names file, place, value and
//! expectation; nothing panics on input.
#![cfg_attr(
    test,
    expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")
)]

pub mod caption_file;
pub mod captions;
pub mod coco_evaluation;
pub mod dataset;
mod error;
mod example_id;
pub mod features;
pub mod frequencies;
mod json;
pub mod looks_like;
mod map;
mod notice;
pub mod order;
mod paths;
mod pickle;
mod records;
pub mod references_by_image;
mod rows;
pub mod scenes;
mod spill;
pub mod splitting;
pub mod standardise;
mod text;
pub mod texts;
pub mod vocabulary;

pub use caption_file::{CaptionFile, CaptionLayout, caption_layout, read_captions};
pub use captions::{
    Caption, CaptionSource, CaptionedImage, Captions, CocoSource, CustomSource, JsonLayout,
    KaggleSource, KarpathySource, ListedImage, RawImage, SelfCriticalSource, Split, WordSplit,
    json_layout, read_image_list, tokenise,
};
pub use dataset::{Dataset, Example, TextVocabularies, VocabularyChoice};
pub use error::{DataError, Place, VocabularyProblem};
pub use example_id::ExampleId;
pub use features::{
    BoxSource, FeatureBatch, FeatureComparison, FeatureContent, FeatureDifference,
    FeatureFingerprint, FeatureSource, FeatureStore, FolderSource, ImageNames, Listed, NpySource,
    ReadAhead, Row, SafetensorsSource,
};
pub use frequencies::PickledFrequencies;
pub use notice::Notice;
pub use order::{choose_captions, random_order};
pub use standardise::{FeatureMoments, Standardiser};
pub use texts::{
    FileSource, PairSource, ParallelFiles, ParallelSource, SourceText, SplitSource, TextPair,
    TextPairs, TextSource, TextSources, TokenBatch, read_sources,
};
pub use vocabulary::{RenumberedVocabulary, Tokens, Vocabulary, VocabularyError};

#[cfg(test)]
mod samples;
