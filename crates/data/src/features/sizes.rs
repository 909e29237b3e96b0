//! Widths and heights of images, from a JSON file that lists them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::join::ImageNames;
use crate::error::{Place, quoted};
use crate::{DataError, ExampleId, json};

/// The sizes of images, by their ids and file names.
#[derive(Debug)]
pub(super) struct Sizes {
    path: PathBuf,
    of_image: Vec<[f32; 2]>,
    by_id: HashMap<String, usize>,
    /// `None` where images of several folders have one file name.
    by_file: HashMap<String, Option<usize>>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(deserialize_with = "json::objects")]
    images: Vec<Image>,
}

#[derive(Deserialize)]
struct Image {
    id: ExampleId,
    width: f32,
    height: f32,
    file_name: Option<String>,
    file_path: Option<String>,
}

impl json::Object for Document {
    const SHAPE: &'static str = r#"{"images": [...]}"#;
}

impl json::Object for Image {
    const SHAPE: &'static str = r#"{"id", "width", "height"}"#;
}

impl Sizes {
    /// Reads the sizes of all images.
    ///
    /// # Errors
    ///
    /// The file cannot be read or is malformed, a size is not above 0, or an id is listed twice.
    pub(super) fn read(path: &Path) -> Result<Self, DataError> {
        let document: Document = json::read_object(path)?;
        let mut sizes = Self {
            path: path.to_owned(),
            of_image: Vec::with_capacity(document.images.len()),
            by_id: HashMap::with_capacity(document.images.len()),
            by_file: HashMap::new(),
        };
        for (index, image) in document.images.into_iter().enumerate() {
            sizes.add(index, image)?;
        }
        Ok(sizes)
    }

    fn add(&mut self, index: usize, image: Image) -> Result<(), DataError> {
        let size = [image.width, image.height];
        if !size.iter().all(|&side| side > 0.0 && side.is_finite()) {
            return Err(DataError::Value {
                path: self.path.clone(),
                at: Place::Key(format!("images[{index}]")),
                found: format!("width {} and height {}", image.width, image.height),
                expected: "numbers above 0".to_owned(),
            });
        }
        match self.by_id.entry(image.id.to_text()) {
            Entry::Vacant(place) => place.insert(index),
            Entry::Occupied(first) => {
                return Err(DataError::Duplicate {
                    path: self.path.clone(),
                    at: Place::Key(format!("images[{index}].id")),
                    key: format!("image id {}", first.key()),
                    first: format!("images[{}].id", first.get()),
                });
            }
        };
        if let Some(file) = image.file_name.or(image.file_path) {
            let name = file.rsplit('/').next().unwrap_or(&file).to_owned();
            let several = |place: &mut Option<usize>| *place = None;
            self.by_file
                .entry(name)
                .and_modify(several)
                .or_insert(Some(index));
        }
        self.of_image.push(size);
        Ok(())
    }

    /// Width and height of an image, by its id or its file name.
    ///
    /// # Errors
    ///
    /// Neither is listed, or both are, for two images.
    pub(super) fn of(&self, image: &ImageNames<'_>) -> Result<[f32; 2], DataError> {
        let by_id = image.id.as_ref().and_then(|id| self.by_id.get(id));
        let by_file = self.by_file.get(image.file_name).copied().flatten();
        match (by_id.copied(), by_file) {
            (Some(one), Some(other)) if one != other => Err(DataError::Value {
                path: self.path.clone(),
                at: Place::Key("images".to_owned()),
                found: format!(
                    "id {} as images[{one}] and file name {} as images[{other}]",
                    image.id.as_deref().unwrap_or_default(),
                    quoted(image.file_name)
                ),
                expected: "one image of both".to_owned(),
            }),
            (Some(index), _) | (None, Some(index)) => Ok(self.of_image[index]),
            (None, None) => Err(DataError::Value {
                path: self.path.clone(),
                at: Place::Key("images".to_owned()),
                found: format!("none that is {image}"),
                expected: "its width and height".to_owned(),
            }),
        }
    }
}
