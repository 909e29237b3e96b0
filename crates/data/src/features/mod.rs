//! Image features on disk: opened at once by mapping into memory, read a batch at a time.
//!
//! | layout | configuration | names of the images |
//! |---|---|---|
//! | one `.npy` for all | `features.npy = { path = "pooled.npy", names = "pooled.names.txt" }` | a line per row; by default `path` with `.names.txt` for `.npy` |
//! | one file an image | `features.folder = { path = "cocobu_att", key = "feat" }` | file stem of every `.npy` or `.npz` |
//! | one `.safetensors` for all | `features.safetensors = { path = "features.safetensors" }` | name of the tensor; one tensor an image |
//!
//! Vectors of regions in a folder may go on with five numbers that say where they lie (see [`BoxSource`]).
//!
//! A name may be an image's file name, its file name without extension, or its id, but the same
//! kind for all images of a source (see [`FeatureStore::locate_all`]).
//!
//! Elements are little-endian float16, float32 or float64 in C order, and always read as `f32`.
//! An image has either one pooled vector `[D]`, or one vector per region `[R, D]`, which may lie in a
//! grid `[rows, columns, D]`. A single `.npy` has another dimension in front, the images; in the other
//! layouts the number of regions may differ from image to image.

mod boxes;
mod element;
mod folder;
mod form;
mod map;
mod names;
mod npy;
mod packed;
mod store;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use store::{FeatureBatch, FeatureStore, Row};

/// Where the image features come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FeatureSource {
    /// One `.npy` array for all images.
    Npy(NpySource),
    /// A folder with one `.npy` or `.npz` file an image.
    Folder(FolderSource),
    /// One `.safetensors` file with one tensor an image.
    Safetensors(SafetensorsSource),
}

/// One `.npy` array for all images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NpySource {
    /// The array, `[N, D]` or `[N, R, D]`.
    pub path: PathBuf,
    /// The image of every row, one a line; by default `path` with `.names.txt` for its extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<PathBuf>,
}

/// A folder with one `.npy` or `.npz` file an image, `[D]` or `[R, D]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderSource {
    /// The folder.
    pub path: PathBuf,
    /// The array in every `.npz`; by default the only one, or `feat` if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Whether every vector is brought to Euclidean length 1.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub normalise: bool,
    /// Where the regions lie: five more dimensions of every vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boxes: Option<BoxSource>,
}

/// Boxes of regions: of an image of width `w` and height `h`, a region's vector goes on with
/// `x1 / w, y1 / h, x2 / w, y2 / h, (x2 - x1) (y2 - y1) / (w h)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoxSource {
    /// A folder with one `.npy` or `.npz` an image, `[R, 4]`: `x1, y1, x2, y2` in pixels. Files are named as those of
    /// the features, by image ids.
    pub path: PathBuf,
    /// A JSON file with the sizes of the images: `{"images": [{"id", "width", "height"}]}`, such as `cocotalk.json`
    /// or COCO annotations.
    pub sizes: PathBuf,
    /// Whether the five numbers are brought to Euclidean length 1.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub normalise: bool,
}

/// One `.safetensors` file with one tensor an image, `[D]` or `[R, D]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SafetensorsSource {
    /// The file.
    pub path: PathBuf,
}

impl FeatureSource {
    /// The file or folder of the features.
    pub fn path(&self) -> &std::path::Path {
        match self {
            Self::Npy(source) => &source.path,
            Self::Folder(source) => &source.path,
            Self::Safetensors(source) => &source.path,
        }
    }
}
