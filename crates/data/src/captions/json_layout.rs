//! The layouts of JSON files.

use std::fmt;

/// The layout of a JSON file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonLayout {
    /// Karpathy's splits: images with `sentences`.
    Karpathy,
    /// COCO annotations: `images` and `annotations`.
    Coco,
    /// Images without captions, as COCO's `image_info_test2014.json`.
    ImageList,
    /// `cocotalk.json` of self-critical.pytorch: images and `ix_to_word`.
    SelfCritical,
    /// None of these, or no image to tell by.
    Other,
}

impl JsonLayout {
    /// The key of the configuration that reads it.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Karpathy => "captions.karpathy",
            Self::SelfCritical => "captions.self_critical",
            Self::Coco | Self::ImageList | Self::Other => "captions.coco",
        }
    }
}

impl fmt::Display for JsonLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Karpathy => "a file of Karpathy's splits, {\"images\": [{\"filename\", \"sentences\", ...}]}",
            Self::Coco => "COCO annotations, {\"images\": [...], \"annotations\": [...]}",
            Self::ImageList => "a list of images without captions",
            Self::SelfCritical => "`cocotalk.json` of self-critical.pytorch, {\"ix_to_word\": {...}, \"images\": [...]}",
            Self::Other => "another JSON file",
        })
    }
}
