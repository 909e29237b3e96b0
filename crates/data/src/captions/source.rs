//! Which files hold the captions, as configurations say it.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
    /// A layout that the program around this library registered.
    Custom(CustomSource),
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

/// A file or folder in a registered layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomSource {
    /// The name that the layout was registered under.
    #[schemars(extend("examples" = ["mine"]))]
    pub name: String,
    /// The file or folder that it reads.
    #[schemars(extend("examples" = ["captions.txt"]))]
    pub path: PathBuf,
    /// Whatever the layout can be told; it checks that itself.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub options: Map<String, Value>,
}
