//! Captions in a layout that another crate reads.

use std::path::Path;

use super::gather::Gathered;
use super::{Captions, Split, WordSplit};
use crate::error::Place;
use crate::{DataError, ExampleId};

/// An image with its captions as they are written, from a reader of another crate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawImage {
    /// The file name without folders, unique.
    pub file_name: String,
    /// The folder of the file below that of all images, if there is one.
    pub folder: Option<String>,
    /// The id, where the layout has ids; unique.
    pub image_id: Option<ExampleId>,
    /// The part of the data to which the image belongs.
    pub split: Split,
    /// The captions, one or more with a word in it.
    pub captions: Vec<String>,
}

impl RawImage {
    /// An image without folder and id.
    pub fn new(
        file_name: impl Into<String>,
        split: Split,
        captions: impl IntoIterator<Item = String>,
    ) -> Self {
        Self {
            file_name: file_name.into(),
            folder: None,
            image_id: None,
            split,
            captions: captions.into_iter().collect(),
        }
    }
}

impl Captions {
    /// The captions of images that another crate has read from `path`, held to the rules of all layouts; `words` says what
    /// a word is, and without it captions are split as raw ones are.
    ///
    /// # Errors
    ///
    /// [`DataError`] for two images of the same file name or id, an image without captions, and no images.
    pub fn of_raw(
        path: &Path,
        images: Vec<RawImage>,
        words: Option<WordSplit>,
    ) -> Result<Self, DataError> {
        let words = words.unwrap_or(WordSplit::Words);
        let mut gathered = Gathered::default();
        for (number, image) in images.into_iter().enumerate() {
            let RawImage {
                file_name,
                folder,
                image_id,
                split,
                captions,
            } = image;
            let at = Place::Key(format!("image {}", number + 1));
            let index = gathered.add_image(path, at, file_name, image_id, split)?;
            gathered.set_folder(index, folder);
            for caption in captions {
                gathered.add_raw(index, caption, words);
            }
        }
        gathered.finish(path)
    }
}
