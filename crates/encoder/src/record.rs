//! What stands beside a feature file about the encoder that made it: `NAME.encoder.json`.

use std::path::PathBuf;

use half::f16;
use serde::{Deserialize, Serialize};

use crate::{architecture::Architecture, error::RecordError, picture::Orientation};

/// The encoder of a feature file, so that other images can be encoded as those in the file were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderRecord {
    /// The encoder, by name.
    pub encoder: Architecture,
    /// Where its weights were.
    pub weights: PathBuf,
    /// CRC-32C of the file of weights.
    pub weights_crc32c: u32,
    /// What the file holds of an image.
    pub features: Part,
    /// Which way up photos were taken; features of versions that do not record it were made of photos as stored.
    #[serde(default)]
    pub orientation: Orientation,
    /// Type of the numbers.
    pub element: Element,
}

/// What a feature file holds of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// One vector, the mean of those of the regions.
    Pooled,
    /// One vector a region.
    Grid,
}

/// Type of the numbers in a feature file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Element {
    /// 16-bit floats.
    F16,
    /// 32-bit floats.
    F32,
}

impl Element {
    /// Rounds numbers as they are rounded on their way to a file.
    pub fn round(self, values: &mut [f32]) {
        if self == Self::F16 {
            for value in values {
                *value = f16::from_f32(*value).to_f32();
            }
        }
    }
}

impl EncoderRecord {
    /// Reads the record that [`extract`](crate::extract) wrote.
    ///
    /// # Errors
    /// It is not such a record.
    pub fn parse(json: &[u8]) -> Result<Self, RecordError> {
        // Editors on Windows put a byte order mark in front.
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        serde_json::from_slice(json).map_err(RecordError)
    }

    pub(crate) fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_survives_json_and_names_what_is_wrong_in_it() {
        let record = EncoderRecord {
            encoder: Architecture::ResNet101,
            weights: PathBuf::from("/weights/resnet101.pth"),
            weights_crc32c: 4_000_000_000,
            features: Part::Grid,
            orientation: Orientation::Exif,
            element: Element::F16,
        };
        let json = record.to_json().expect("JSON");
        assert_eq!(EncoderRecord::parse(&json).expect("a record"), record);
        let text = String::from_utf8(json).expect("UTF-8");
        let before = text.replace("  \"orientation\": \"exif\",\n", "");
        assert_ne!(before, text);
        let record =
            EncoderRecord::parse(before.as_bytes()).expect("a record of an earlier version");
        assert_eq!(record.orientation, Orientation::Stored);
        for (from, to, expected) in [
            (
                "resnet101\"",
                "vgg16\"",
                "expected one of efficientnet_lite0, ",
            ),
            ("\"grid\"", "\"mean\"", "found `mean`, expected"),
            ("element", "dtype", "found the key `dtype`, expected"),
        ] {
            let error = EncoderRecord::parse(text.replacen(from, to, 1).as_bytes());
            let message = error.expect_err("no record").to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
