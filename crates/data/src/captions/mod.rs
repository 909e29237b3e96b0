//! Images and their gold captions, from the layouts in which they are published.
//!
//! | layout | configuration | words |
//! |---|---|---|
//! | Karpathy's splits, one JSON file | `captions.karpathy = { path = "dataset_coco.json" }` | as given |
//! | Kaggle's Flickr8k and Flickr30k, two CSV files | `captions.kaggle = { captions = "captions.csv", splits = "splits.csv" }` | [`tokenise`] |
//! | COCO annotations, one JSON file per split | `captions.coco = { train = "...", val = "...", test = "..." }` | [`tokenise`] |
//! | self-critical.pytorch, JSON and HDF5 | `captions.self_critical = { json = "cocotalk.json", labels = "cocotalk_label.h5" }` | as given |

mod coco;
mod gather;
mod image_list;
mod kaggle;
mod karpathy;
mod labels;
mod layout;
mod self_critical;
mod table;
mod tokenise;

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use image_list::{ListedImage, read_image_list};
pub use layout::{JsonLayout, json_layout};
pub(crate) use tokenise::{LATIN, UNSEEN};
pub use tokenise::{WordSplit, tokenise};

use crate::{DataError, ImageId, Notice};

/// Where the captions come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CaptionSource {
    /// Karpathy's splits (`dataset_flickr8k.json`, `dataset_coco.json`).
    Karpathy(KarpathySource),
    /// Kaggle's table of captions with a table of splits.
    Kaggle(KaggleSource),
    /// The annotations of the COCO captioning challenge.
    Coco(CocoSource),
    /// What self-critical.pytorch's `prepro_labels.py` writes.
    SelfCritical(SelfCriticalSource),
}

/// A file in Karpathy's layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KarpathySource {
    /// The JSON file.
    #[schemars(extend("examples" = ["dataset.json"]))]
    pub path: PathBuf,
}

/// Two files in Kaggle's layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KaggleSource {
    /// A row a caption: CSV with the header `image,caption`, Flickr30k's `results.csv` or `Flickr8k.token.txt`.
    #[schemars(extend("examples" = ["captions.csv"]))]
    pub captions: PathBuf,
    /// CSV with the header `image,split`, a row per image.
    #[schemars(extend("examples" = ["splits.csv"]))]
    pub splits: PathBuf,
}

/// COCO annotation files: at least one of the three.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("examples" = [serde_json::json!({ "train": "captions_train.json" })]))]
pub struct CocoSource {
    /// Annotations of the training images.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["captions_train.json"]))]
    pub train: Option<PathBuf>,
    /// Annotations of the validation images.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["captions_val.json"]))]
    pub val: Option<PathBuf>,
    /// Annotations of the test images.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["captions_test.json"]))]
    pub test: Option<PathBuf>,
}

/// Two files of self-critical.pytorch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SelfCriticalSource {
    /// Images and words: `cocotalk.json`.
    #[schemars(extend("examples" = ["cocotalk.json"]))]
    pub json: PathBuf,
    /// Captions: `cocotalk_label.h5`.
    #[schemars(extend("examples" = ["cocotalk_label.h5"]))]
    pub labels: PathBuf,
}

impl CaptionSource {
    /// Reads and checks all captions; `words` says what a word is, and without it the layout does.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is malformed, an unknown split, two images of the same file
    /// name or id, an image without captions, captions of an image that is not listed, and files
    /// without images.
    pub fn read(&self, words: Option<WordSplit>) -> Result<Captions, DataError> {
        match self {
            Self::Karpathy(source) => karpathy::read(source, words.unwrap_or(WordSplit::Given))
                .map_err(|error| layout::or_other_layout(error, JsonLayout::Karpathy)),
            Self::Kaggle(source) => kaggle::read(source, words.unwrap_or(WordSplit::Words)),
            Self::Coco(source) => coco::read(source, words.unwrap_or(WordSplit::Words))
                .map_err(|error| layout::or_other_layout(error, JsonLayout::Coco)),
            Self::SelfCritical(source) => match words {
                None | Some(WordSplit::Given) => self_critical::read(source),
                Some(words) => Err(DataError::OnlyGivenWords {
                    path: source.labels.clone(),
                    words,
                }),
            },
        }
    }
}

/// All images with their captions, in the order of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captions {
    /// The images; each has at least one caption.
    pub images: Vec<CaptionedImage>,
    /// Captions left out because they hold no word at all.
    pub wordless: usize,
    /// What was read in the one way that makes sense and may be a slip.
    pub notices: Vec<Notice>,
}

/// One image and its gold captions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptionedImage {
    /// The file name without folders, unique.
    pub file_name: String,
    /// The folder that the layout gives for the file, if any (`filepath` in Karpathy's COCO).
    pub folder: Option<String>,
    /// The id that the files give, where their layout has ids: that of COCO and of self-critical.pytorch; in
    /// Karpathy's layout `cocoid`, if all images have one (`imgid` is a running number and names nothing). Tables have
    /// none. Unique.
    pub image_id: Option<ImageId>,
    /// The part of the data to which the image belongs.
    pub split: Split,
    /// The captions, never empty.
    pub captions: Vec<Caption>,
}

/// One gold caption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caption {
    /// As the annotator wrote it.
    pub raw: String,
    /// Its words, never empty; no word holds white space.
    pub tokens: Vec<String>,
}

/// A part of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// For learning; Karpathy's `restval` belongs here.
    Train,
    /// For choosing a model.
    Val,
    /// For reporting.
    Test,
}

impl Split {
    /// All three, in order.
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    /// `train`, `val` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }

    /// The split of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|split| split.name() == name)
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
