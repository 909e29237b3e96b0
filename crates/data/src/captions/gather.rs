//! Collects images from any layout and holds them to the rules common to all.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::tokenise::is_without_spaces;
use super::{Caption, CaptionedImage, Captions, Split, WordSplit};
use crate::error::{Place, quoted};
use crate::{DataError, ExampleId, Notice};

/// From so many percent of the captions on, words without spaces are no rarity.
const LEAST_PERCENT: u64 = 20;

/// Images read so far, with the places where they stand.
#[derive(Default)]
pub(super) struct Gathered {
    images: Vec<CaptionedImage>,
    places: Vec<(PathBuf, Place)>,
    by_name: HashMap<String, usize>,
    by_id: HashMap<ExampleId, usize>,
    wordless: usize,
    /// What to tell about the data.
    pub(super) notices: Vec<Notice>,
    /// Captions with a word that is too long for the script, and the first such word.
    without_spaces: (usize, Option<String>),
}

impl Gathered {
    /// Adds an image without captions and returns its index.
    ///
    /// # Errors
    ///
    /// The file name is empty, or file name or id are taken.
    pub(super) fn add_image(
        &mut self,
        path: &Path,
        at: Place,
        file_name: String,
        image_id: Option<ExampleId>,
        split: Split,
    ) -> Result<usize, DataError> {
        if file_name.is_empty() {
            return Err(DataError::Value {
                path: path.to_owned(),
                at,
                found: "an empty file name".to_owned(),
                expected: "the name of an image".to_owned(),
            });
        }
        let index = self.images.len();
        if let Some(&first) = self.by_name.get(&file_name) {
            let key = format!("file name {}", quoted(&file_name));
            return Err(self.duplicate(path, at, key, first));
        }
        if let Some(id) = &image_id {
            if let Some(&first) = self.by_id.get(id) {
                return Err(self.duplicate(path, at, format!("image id {id}"), first));
            }
            self.by_id.insert(id.clone(), index);
        }
        self.by_name.insert(file_name.clone(), index);
        self.images.push(CaptionedImage {
            file_name,
            folder: None,
            image_id,
            split,
            captions: Vec::new(),
        });
        self.places.push((path.to_owned(), at));
        Ok(index)
    }

    /// Says in which folder the image lies.
    pub(super) fn set_folder(&mut self, image: usize, folder: Option<String>) {
        self.images[image].folder = folder;
    }

    /// The index of the image of that file name.
    pub(super) fn image_named(&self, file_name: &str) -> Option<usize> {
        self.by_name.get(file_name).copied()
    }

    /// Adds a raw caption to an image, or counts it if it has no words.
    pub(super) fn add_raw(&mut self, image: usize, raw: String, words: WordSplit) {
        let tokens = words.split(&raw);
        if words == WordSplit::Words
            && let Some(word) = tokens.iter().find(|word| is_without_spaces(word))
        {
            self.without_spaces.0 += 1;
            self.without_spaces.1.get_or_insert_with(|| word.clone());
        }
        self.add_caption(image, Caption { raw, tokens });
    }

    /// Adds a caption to an image, or counts it if it has no words.
    pub(super) fn add_caption(&mut self, image: usize, caption: Caption) {
        if caption.tokens.is_empty() {
            self.wordless += 1;
        } else {
            self.images[image].captions.push(caption);
        }
    }

    /// All images, each with at least one caption.
    ///
    /// # Errors
    ///
    /// There are no images in `path`, or an image has no captions.
    pub(super) fn finish(mut self, path: &Path) -> Result<Captions, DataError> {
        if self.images.is_empty() {
            return Err(DataError::NoImages {
                path: path.to_owned(),
            });
        }
        for (image, (path, at)) in self.images.iter().zip(&self.places) {
            if image.captions.is_empty() {
                return Err(DataError::NoCaptions {
                    path: path.clone(),
                    at: at.clone(),
                    file_name: image.file_name.clone(),
                });
            }
        }
        if let (captions, Some(word)) = self.without_spaces {
            let all: usize = self.images.iter().map(|image| image.captions.len()).sum();
            let percent = (100 * captions / all.max(1)) as u64;
            if percent >= LEAST_PERCENT {
                self.notices
                    .push(Notice::WordsWithoutSpaces { percent, word });
            }
        }
        Ok(Captions {
            images: self.images,
            wordless: self.wordless,
            notices: self.notices,
        })
    }

    fn duplicate(&self, path: &Path, at: Place, key: String, first: usize) -> DataError {
        let (first_path, first_at) = &self.places[first];
        DataError::Duplicate {
            path: path.to_owned(),
            at,
            key,
            first: if first_path == path {
                first_at.to_string()
            } else {
                format!("{first_at} of `{}`", first_path.display())
            },
        }
    }
}
