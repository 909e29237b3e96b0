//! The manifest: size and checksum of every file, and reading against it.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::error::Category;
use sha2::{Digest, Sha256};

use super::{error::CheckpointError, layout::MANIFEST};
use crate::hex::hex;

/// Size and checksum of one file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FileEntry {
    bytes: u64,
    sha256: String,
}

/// Every file of a checkpoint but the manifest itself.
pub(super) type Manifest = BTreeMap<String, FileEntry>;

/// Size and checksum of a file.
pub(super) fn entry(bytes: &[u8]) -> FileEntry {
    FileEntry {
        bytes: bytes.len() as u64,
        sha256: hex(&Sha256::digest(bytes)),
    }
}

/// A fingerprint of the bytes of some files, as far as they are there.
pub(super) fn fingerprint(manifest: &Manifest, names: &[&str]) -> String {
    let mut sums = Sha256::new();
    for &name in names {
        if let Some(entry) = manifest.get(name) {
            sums.update(format!("{name} {}\n", entry.sha256));
        }
    }
    let mut text = hex(&sums.finalize());
    text.truncate(16);
    text
}

/// All bytes of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    fs::read(path).map_err(|source| CheckpointError::Read {
        path: path.to_owned(),
        source,
    })
}

/// The bytes of a file, if they are those that the manifest describes.
pub(super) fn verified(
    dir: &Path,
    name: &str,
    manifest: &Manifest,
) -> Result<Vec<u8>, CheckpointError> {
    let path = dir.join(name);
    let damaged = |found: String, expected: String| CheckpointError::Damaged {
        path: path.clone(),
        found,
        expected,
    };
    let Some(expected) = manifest.get(name) else {
        let found = format!("no entry for it in `{MANIFEST}`");
        return Err(damaged(found, "one".to_owned()));
    };
    if !path.is_file() {
        let expected = format!("{} bytes", expected.bytes);
        return Err(damaged("no such file".to_owned(), expected));
    }
    let bytes = read(&path)?;
    let found = entry(&bytes);
    if found.bytes != expected.bytes {
        let expected = format!("{} bytes", expected.bytes);
        return Err(damaged(format!("{} bytes", found.bytes), expected));
    }
    if found.sha256 != expected.sha256 {
        let short = |hex: &str| format!("checksum {}", hex.get(..12).unwrap_or(hex));
        return Err(damaged(short(&found.sha256), short(&expected.sha256)));
    }
    Ok(bytes)
}

/// The bytes of a JSON file in the checkpoint `dir`.
pub(super) fn to_json<T: Serialize>(value: &T, dir: &Path) -> Result<Vec<u8>, CheckpointError> {
    serde_json::to_vec_pretty(value).map_err(|error| CheckpointError::Write {
        path: dir.to_owned(),
        source: error.into(),
    })
}

/// What a JSON file holds.
pub(super) fn from_json<T: DeserializeOwned>(
    path: &Path,
    bytes: &[u8],
) -> Result<T, CheckpointError> {
    serde_json::from_slice(bytes).map_err(|error| CheckpointError::Damaged {
        path: path.to_owned(),
        found: match error.classify() {
            Category::Eof => "a file that is cut short".to_owned(),
            Category::Data => format!("other values from line {} on", error.line()),
            Category::Io | Category::Syntax => format!("no JSON from line {} on", error.line()),
        },
        expected: "what was written".to_owned(),
    })
}
