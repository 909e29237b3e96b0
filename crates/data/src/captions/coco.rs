//! The annotations of the COCO captioning challenge: one JSON file per split.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::gather::Gathered;
use super::{Caption, Captions, CocoSource, Split, tokenise};
use crate::error::Place;
use crate::{DataError, ImageId, json};

#[derive(Deserialize)]
struct Document {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
}

#[derive(Deserialize)]
struct Image {
    id: ImageId,
    file_name: String,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: ImageId,
    caption: String,
}

pub(super) fn read(source: &CocoSource) -> Result<Captions, DataError> {
    let files = [
        (Split::Train, &source.train),
        (Split::Val, &source.val),
        (Split::Test, &source.test),
    ];
    let mut gathered = Gathered::default();
    let mut last = None;
    for (split, path) in files {
        if let Some(path) = path {
            read_split(path, split, &mut gathered)?;
            last = Some(path);
        }
    }
    gathered.finish(last.ok_or(DataError::NoAnnotationFiles)?)
}

fn read_split(path: &Path, split: Split, gathered: &mut Gathered) -> Result<(), DataError> {
    let document: Document = json::read(path)?;
    if document.images.is_empty() {
        return Err(DataError::NoImages {
            path: path.to_owned(),
        });
    }
    let mut numbers = HashMap::with_capacity(document.images.len());
    for (index, image) in document.images.into_iter().enumerate() {
        let at = Place::Key(format!("images[{index}]"));
        let number =
            gathered.add_image(path, at, image.file_name, Some(image.id.clone()), split)?;
        numbers.insert(image.id, number);
    }
    for (index, annotation) in document.annotations.into_iter().enumerate() {
        let Some(&number) = numbers.get(&annotation.image_id) else {
            return Err(DataError::UnlistedImage {
                path: path.to_owned(),
                at: Place::Key(format!("annotations[{index}].image_id")),
                image: annotation.image_id.to_string(),
                listing: path.to_owned(),
            });
        };
        let tokens = tokenise(&annotation.caption);
        gathered.add_caption(
            number,
            Caption {
                raw: annotation.caption,
                tokens,
            },
        );
    }
    Ok(())
}
