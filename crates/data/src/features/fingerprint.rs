//! Whether features are those that a run read before: by sizes, modification times and sampled rows, which
//! is quick, and by a checksum of all values that were read.

use std::fmt::Write as _;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::folder::Folder;
use super::names::Row;
use crate::{DataError, random_order};

/// Rows that are looked at, of all or of as many as there are.
const SAMPLED: usize = 64;
/// Of the choice of these rows.
const SEED: u64 = 0x5ca1_ab1e;

/// What features looked like when a run read them. Paths are left out: data may move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureFingerprint {
    features: Files,
    /// SHA-256 of the names of all rows, in their order.
    names: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    boxes: Option<Boxes>,
    /// What was read of them, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<FeatureContent>,
}

/// A file, or the files of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Files {
    count: u64,
    bytes: u64,
    /// SHA-256 of the sizes of the files, in the order of the rows.
    sizes: String,
    /// SHA-256 of their modification times.
    modified: String,
    /// SHA-256 of the bytes of sampled rows.
    sample: String,
}

/// Boxes of regions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Boxes {
    boxes: Files,
    /// SHA-256 of the file with the sizes of the images.
    image_sizes: String,
}

/// How features compare with those that a run read before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeatureComparison {
    /// Nothing differs.
    Same,
    /// Modification times differ and nothing else, as after copying.
    Touched,
    /// They are others.
    Changed(FeatureDifference),
}

/// A difference of features from those that a run read before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureDifference {
    /// The file or folder that differs.
    pub path: PathBuf,
    /// What it is now.
    pub found: String,
    /// What it was.
    pub expected: String,
}

/// All features of a set of images, in whatever order they were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureContent {
    images: u64,
    names: u64,
    values: u64,
}

impl FeatureContent {
    /// Takes note of the features of one image, `[R, D]`.
    pub fn add(&mut self, name: &str, values: &[f32]) {
        // Sums, so that the order does not matter; of hashes, so that two rows do not change places unnoticed.
        let mut hash = Sha256::new_with_prefix(name);
        self.images += 1;
        self.names = self.names.wrapping_add(start(&hash.clone().finalize()));
        hash.update([0]);
        let mut bytes = [0; 4096];
        for block in values.chunks(bytes.len() / 4) {
            for (place, value) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(block) {
                *place = value.to_le_bytes();
            }
            hash.update(&bytes[..4 * block.len()]);
        }
        self.values = self.values.wrapping_add(start(&hash.finalize()));
    }

    /// Whether `other` is of the same images, so that the two can be compared.
    pub fn is_of_same_images(&self, other: &Self) -> bool {
        (self.images, self.names) == (other.images, other.names)
    }
}

impl FeatureFingerprint {
    /// Compares with features as they are now; what was read of them is left out.
    pub(super) fn compare(&self, now: &Self, paths: &Paths<'_>) -> FeatureComparison {
        let differs = |path: &Path, found: String, expected: String| {
            FeatureComparison::Changed(FeatureDifference {
                path: path.to_owned(),
                found,
                expected,
            })
        };
        let other =
            |path, what: &str| differs(path, format!("other {what}"), "those of then".to_owned());
        if let Some((found, expected)) = self.features.difference(&now.features) {
            return differs(paths.features, found, expected);
        }
        if self.names != now.names {
            return other(paths.names, "names of rows, or another order of them");
        }
        let boxes_touched = match (&self.boxes, &now.boxes) {
            (Some(then), Some(now)) => {
                if let Some((found, expected)) = then.boxes.difference(&now.boxes) {
                    return differs(paths.boxes, found, expected);
                }
                if then.image_sizes != now.image_sizes {
                    return other(paths.image_sizes, "sizes of images");
                }
                then.boxes != now.boxes
            }
            (then, now) => then.is_some() != now.is_some(),
        };
        if boxes_touched || self.features != now.features {
            FeatureComparison::Touched
        } else {
            FeatureComparison::Same
        }
    }

    /// Of features in one file.
    pub(super) fn of_file<'a>(
        path: &Path,
        names: &[String],
        row: impl Fn(Row) -> &'a [u8],
    ) -> Result<Self, DataError> {
        let mut sample = Sha256::new();
        for index in sampled(names.len()) {
            sample.update(row(index));
        }
        Ok(Self {
            features: Files::new(&[path.to_owned()], sample)?,
            names: of_names(names),
            boxes: None,
            content: None,
        })
    }

    /// Of features in a file an image.
    pub(super) fn of_folder(folder: &Folder, names: &[String]) -> Result<Self, DataError> {
        let boxes = folder.boxes().map(|boxes| {
            let path = boxes.sizes();
            let bytes = fs::read(path).map_err(DataError::read(path))?;
            Ok(Boxes {
                boxes: Files::of_all(boxes.files())?,
                image_sizes: hex(&Sha256::digest(&bytes)),
            })
        });
        Ok(Self {
            features: Files::of_all(folder.files())?,
            names: of_names(names),
            boxes: boxes.transpose()?,
            content: None,
        })
    }
}

/// Where the parts of features are, for messages.
pub(super) struct Paths<'a> {
    pub(super) features: &'a Path,
    pub(super) names: &'a Path,
    pub(super) boxes: &'a Path,
    pub(super) image_sizes: &'a Path,
}

impl Files {
    /// Of a file an image, with the bytes of some.
    fn of_all(files: &[PathBuf]) -> Result<Self, DataError> {
        let mut sample = Sha256::new();
        for row in sampled(files.len()) {
            let path = files[row.0 as usize].as_path();
            // Reading a pipe waits for somebody to write.
            let metadata = fs::metadata(path).map_err(DataError::read(path))?;
            if !metadata.is_file() {
                return Err(DataError::not_a_file(path));
            }
            sample.update(fs::read(path).map_err(DataError::read(path))?);
        }
        Self::new(files, sample)
    }

    fn new(files: &[PathBuf], sample: Sha256) -> Result<Self, DataError> {
        let (mut sizes, mut modified) = (Sha256::new(), Sha256::new());
        let mut bytes = 0;
        for path in files {
            let metadata = fs::metadata(path).map_err(DataError::read(path))?;
            bytes += metadata.len();
            sizes.update(metadata.len().to_le_bytes());
            modified.update(time_of(&metadata).to_le_bytes());
        }
        Ok(Self {
            count: files.len() as u64,
            bytes,
            sizes: hex(&sizes.finalize()),
            modified: hex(&modified.finalize()),
            sample: hex(&sample.finalize()),
        })
    }

    /// What differs but for modification times: what is found now, and what was.
    fn difference(&self, now: &Self) -> Option<(String, String)> {
        let told = |files: u64, bytes: u64| match files {
            1 => format!("{bytes} bytes"),
            files => format!("{files} files of {bytes} bytes"),
        };
        if (self.count, self.bytes) != (now.count, now.bytes) {
            Some((told(now.count, now.bytes), told(self.count, self.bytes)))
        } else if self.sizes != now.sizes {
            Some((
                "files of other sizes".to_owned(),
                "those of then".to_owned(),
            ))
        } else if self.sample != now.sample {
            Some(("other rows".to_owned(), "those of then".to_owned()))
        } else {
            None
        }
    }
}

/// The rows that are looked at: all if there are few.
fn sampled(rows: usize) -> impl Iterator<Item = Row> {
    let order = random_order(&mut ChaCha8Rng::seed_from_u64(SEED), rows as u32);
    order.into_iter().take(SAMPLED).map(Row)
}

fn of_names(names: &[String]) -> String {
    let mut hash = Sha256::new();
    for name in names {
        hash.update(name);
        hash.update([b'\n']);
    }
    hex(&hash.finalize())
}

/// Nanoseconds from 1970 on, negative before; 0 where there is no such time.
fn time_of(metadata: &Metadata) -> i128 {
    let Ok(time) = metadata.modified() else {
        return 0;
    };
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

/// The first eight bytes of a hash as a number.
fn start(hash: &[u8]) -> u64 {
    let start = hash.first_chunk().copied();
    start.map_or(0, u64::from_le_bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
