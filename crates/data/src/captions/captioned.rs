//! Images with their captions.

use super::split::Split;
use crate::{ExampleId, Notice};

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
    pub image_id: Option<ExampleId>,
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
