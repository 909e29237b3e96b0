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
//! A name may be an image's file name, with or without its ending or its folder, or its id, but the same
//! kind for all images of a source (see [`FeatureStore::locate_all`]).
//!
//! Elements are little-endian float16, float32 or float64 in C order, and always read as `f32`.
//! An image has either one pooled vector `[D]`, or one vector per region `[R, D]`, which may lie in a
//! grid `[rows, columns, D]`. A single `.npy` has another dimension in front, the images; in the other
//! layouts the number of regions may differ from image to image.

mod ahead;
mod array_file;
mod boxes;
mod element;
mod fingerprint;
mod folder;
mod form;
mod join;
pub(crate) mod listed;
mod listing;
mod names;
mod npy;
mod packed;
mod sizes;
mod store;

use std::path::{Path, PathBuf};
use std::{fs, io};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use ahead::ReadAhead;
pub use fingerprint::{FeatureComparison, FeatureContent, FeatureDifference, FeatureFingerprint};
pub use join::ImageNames;
pub use listed::Listed;
pub use names::Row;
pub use store::{FeatureBatch, FeatureStore};

use crate::DataError;

/// Where the image features come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NpySource {
    /// The array, `[N, D]` or `[N, R, D]`.
    #[schemars(extend("examples" = ["features.npy"]))]
    pub path: PathBuf,
    /// The image of every row, one a line; by default `path` with `.names.txt` for its extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["features.names.txt"]))]
    pub names: Option<PathBuf>,
}

/// A folder with one `.npy` or `.npz` file an image, `[D]` or `[R, D]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FolderSource {
    /// The folder.
    #[schemars(extend("examples" = ["features"]))]
    pub path: PathBuf,
    /// The array in every `.npz`; by default the only one, or `feat` if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["feat"]))]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BoxSource {
    /// A folder with one `.npy` or `.npz` an image, `[R, 4]`: `x1, y1, x2, y2` in pixels. Files are named as those of
    /// features may be, by file names or ids.
    #[schemars(extend("examples" = ["boxes"]))]
    pub path: PathBuf,
    /// A JSON file with the sizes of the images: `{"images": [{"id", "width", "height"}]}`, such as `cocotalk.json`
    /// or COCO annotations. Images without ids are found by `file_name` or `file_path`.
    #[schemars(extend("examples" = ["cocotalk.json"]))]
    pub sizes: PathBuf,
    /// Whether the five numbers are brought to Euclidean length 1.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub normalise: bool,
}

/// One `.safetensors` file with one tensor an image, `[D]` or `[R, D]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SafetensorsSource {
    /// The file.
    #[schemars(extend("examples" = ["features.safetensors"]))]
    pub path: PathBuf,
}

impl FeatureSource {
    /// What `scst features` left beside the file about the encoder that made it, as it stands there: the content of
    /// `path` with `.encoder.json` for `.npy`. `None` if there is no such file, or the layout is another.
    ///
    /// # Errors
    /// The file is there but cannot be read.
    pub fn encoder_record(&self) -> Result<Option<Vec<u8>>, DataError> {
        let Self::Npy(source) = self else {
            return Ok(None);
        };
        let path = source.path.with_extension("encoder.json");
        match fs::read(&path) {
            Ok(record) => Ok(Some(record)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(DataError::read(&path)(error)),
        }
    }

    /// Takes the paths of `other`, if its layout is the same: where features are now, read as before.
    pub fn move_to(&mut self, other: &Self) {
        match (self, other) {
            (Self::Npy(source), Self::Npy(other)) => source.clone_from(other),
            (Self::Safetensors(source), Self::Safetensors(other)) => source.clone_from(other),
            (Self::Folder(source), Self::Folder(other)) => {
                source.path.clone_from(&other.path);
                if let (Some(boxes), Some(other)) = (&mut source.boxes, &other.boxes) {
                    boxes.path.clone_from(&other.path);
                    boxes.sizes.clone_from(&other.sizes);
                }
            }
            _ => {}
        }
    }

    /// The same with the file of names said, where it is the one beside a single `.npy`.
    #[must_use]
    pub fn with_names(&self) -> Self {
        let mut source = self.clone();
        if let Self::Npy(source) = &mut source {
            let beside = || names::beside(&source.path);
            source.names = Some(source.names.clone().unwrap_or_else(beside));
        }
        source
    }

    /// Whether every vector is brought to Euclidean length 1.
    pub fn is_normalised(&self) -> bool {
        matches!(self, Self::Folder(folder) if folder.normalise)
    }

    /// Where the regions lie, if that goes with their vectors.
    pub fn boxes(&self) -> Option<&BoxSource> {
        match self {
            Self::Folder(folder) => folder.boxes.as_ref(),
            Self::Npy(_) | Self::Safetensors(_) => None,
        }
    }

    /// The array of every `.npz`, where it is given.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Folder(folder) => folder.key.as_deref(),
            Self::Npy(_) | Self::Safetensors(_) => None,
        }
    }

    /// The file or folder of the features.
    pub fn path(&self) -> &Path {
        match self {
            Self::Npy(source) => &source.path,
            Self::Folder(source) => &source.path,
            Self::Safetensors(source) => &source.path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_of_the_encoder_stands_beside_a_single_npy_only() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("grid.npy");
        let npy = FeatureSource::Npy(NpySource {
            path: path.clone(),
            names: None,
        });
        assert_eq!(npy.encoder_record().expect("no record"), None);
        let record = directory.path().join("grid.encoder.json");
        fs::write(&record, "{}").expect("a file");
        assert_eq!(npy.encoder_record().expect("one"), Some(b"{}".to_vec()));
        let path = path.with_extension("safetensors");
        let other = FeatureSource::Safetensors(SafetensorsSource { path });
        assert_eq!(other.encoder_record().expect("no record"), None);
        fs::remove_file(&record).expect("a file less");
        fs::create_dir(&record).expect("a folder");
        let message = npy.encoder_record().expect_err("a folder").to_string();
        assert!(message.contains("grid.encoder.json"), "{message}");
    }
}
