//! The annotations of the COCO captioning challenge: one JSON file per split.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::gather::Gathered;
use super::{Captions, CocoSource, Split, WordSplit};
use crate::error::Place;
use crate::{DataError, ExampleId, Notice, json};

#[derive(Deserialize)]
struct Document {
    #[serde(deserialize_with = "json::objects")]
    images: Vec<Image>,
    #[serde(default, deserialize_with = "json::some_objects")]
    annotations: Option<Vec<Annotation>>,
}

#[derive(Deserialize)]
struct Image {
    id: ExampleId,
    file_name: String,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: ExampleId,
    caption: String,
}

impl json::Object for Document {
    const SHAPE: &'static str = r#"{"images": [...], "annotations": [...]}"#;
}

impl json::Object for Image {
    const SHAPE: &'static str = r#"{"id", "file_name"}"#;
}

impl json::Object for Annotation {
    const SHAPE: &'static str = r#"{"image_id", "caption"}"#;
}

pub(super) fn read(source: &CocoSource, words: WordSplit) -> Result<Captions, DataError> {
    let files = [
        (Split::Train, &source.train),
        (Split::Val, &source.val),
        (Split::Test, &source.test),
    ];
    let mut gathered = Gathered::default();
    let mut last = None;
    for (split, path) in files {
        if let Some(path) = path {
            read_split(path, (split, words), &mut gathered)?;
            last = Some(path);
        }
    }
    gathered.finish(last.ok_or(DataError::NoAnnotationFiles)?)
}

fn read_split(
    path: &Path,
    (split, words): (Split, WordSplit),
    gathered: &mut Gathered,
) -> Result<(), DataError> {
    let document: Document = json::read_object(path)?;
    if document.images.is_empty() {
        return Err(DataError::NoImages {
            path: path.to_owned(),
        });
    }
    let Some(annotations) = document.annotations.filter(|some| !some.is_empty()) else {
        return Err(DataError::NoAnnotations {
            path: path.to_owned(),
        });
    };
    let mut numbers = HashMap::with_capacity(document.images.len());
    for (index, image) in document.images.into_iter().enumerate() {
        let at = Place::Key(format!("images[{index}]"));
        let number =
            gathered.add_image(path, at, image.file_name, Some(image.id.clone()), split)?;
        numbers.insert(image.id.clone(), (number, image.id));
    }
    let mut has_two_kinds = false;
    for (index, annotation) in annotations.into_iter().enumerate() {
        let Some((number, id)) = numbers.get(&annotation.image_id) else {
            return Err(DataError::UnlistedImage {
                path: path.to_owned(),
                at: Place::Key(format!("annotations[{index}].image_id")),
                image: annotation.image_id.to_string(),
                listing: path.to_owned(),
            });
        };
        if !has_two_kinds && id.is_written_otherwise_than(&annotation.image_id) {
            has_two_kinds = true;
            gathered.notices.push(Notice::IdsOfTwoKinds {
                path: path.to_owned(),
                found: annotation.image_id,
                other_path: path.to_owned(),
                other: id.clone(),
            });
        }
        gathered.add_raw(*number, annotation.caption, words);
    }
    Ok(())
}
