//! Karpathy's splits: one JSON file with images, sentences and tokens.

use std::path::Path;

use serde::Deserialize;

use super::gather::Gathered;
use super::{Caption, Captions, KarpathySource, Split};
use crate::error::{Place, quoted};
use crate::{DataError, ImageId, json};

#[derive(Deserialize)]
struct Document {
    #[serde(deserialize_with = "json::objects")]
    images: Vec<Image>,
}

#[derive(Deserialize)]
struct Image {
    filename: String,
    filepath: Option<String>,
    imgid: Option<ImageId>,
    cocoid: Option<ImageId>,
    split: String,
    #[serde(deserialize_with = "json::objects")]
    sentences: Vec<Sentence>,
}

#[derive(Deserialize)]
struct Sentence {
    raw: String,
    tokens: Vec<String>,
}

impl json::Object for Document {
    const SHAPE: &'static str = r#"{"images": [...]}"#;
}

impl json::Object for Image {
    const SHAPE: &'static str = r#"{"filename", "split", "sentences"}"#;
}

impl json::Object for Sentence {
    const SHAPE: &'static str = r#"{"raw", "tokens"}"#;
}

pub(super) fn read(source: &KarpathySource) -> Result<Captions, DataError> {
    let path = source.path.as_path();
    let document: Document = json::read_object(path)?;
    let id_of = id_key(path, &document.images)?;
    let mut gathered = Gathered::default();
    for (index, image) in document.images.into_iter().enumerate() {
        let split = split_named(path, index, &image.split)?;
        let image_id = id_of.and_then(|(_, id_of)| id_of(&image).cloned());
        let at = Place::Key(format!("images[{index}]"));
        let number = gathered.add_image(path, at, image.filename, image_id, split)?;
        gathered.set_folder(number, image.filepath);
        for (which, sentence) in image.sentences.into_iter().enumerate() {
            check_tokens(path, index, which, &sentence.tokens)?;
            gathered.add_caption(
                number,
                Caption {
                    raw: sentence.raw,
                    tokens: sentence.tokens,
                },
            );
        }
    }
    gathered.finish(path)
}

/// A key of an image that may hold its id, with its name.
type IdKey = (&'static str, fn(&Image) -> Option<&ImageId>);

/// The key whose values are the ids: the first of these that all images have, so that ids of two kinds do not meet.
const ID_KEYS: [IdKey; 2] = [
    ("cocoid", |image| image.cocoid.as_ref()),
    ("imgid", |image| image.imgid.as_ref()),
];

/// Which key holds the ids; nothing where no image has one.
fn id_key(path: &Path, images: &[Image]) -> Result<Option<IdKey>, DataError> {
    let missing = |key: &IdKey| images.iter().position(|image| key.1(image).is_none());
    if let Some(complete) = ID_KEYS.into_iter().find(|key| missing(key).is_none()) {
        return Ok(Some(complete));
    }
    for key in ID_KEYS {
        if let (Some(without), Some(with)) = (
            missing(&key),
            images.iter().position(|image| key.1(image).is_some()),
        ) {
            return Err(DataError::Value {
                path: path.to_owned(),
                at: Place::Key(format!("images[{without}]")),
                found: format!("no `{}`", key.0),
                expected: format!("one as of images[{with}], or none of any image"),
            });
        }
    }
    Ok(None)
}

fn split_named(path: &Path, image: usize, name: &str) -> Result<Split, DataError> {
    if name == "restval" {
        return Ok(Split::Train);
    }
    Split::from_name(name).ok_or_else(|| DataError::Value {
        path: path.to_owned(),
        at: Place::Key(format!("images[{image}].split")),
        found: quoted(name),
        expected: "`train`, `restval`, `val` or `test`".to_owned(),
    })
}

fn check_tokens(
    path: &Path,
    image: usize,
    sentence: usize,
    tokens: &[String],
) -> Result<(), DataError> {
    let bad = |token: &String| token.is_empty() || token.contains(char::is_whitespace);
    match tokens.iter().position(bad) {
        None => Ok(()),
        Some(index) => Err(DataError::Value {
            path: path.to_owned(),
            at: Place::Key(format!(
                "images[{image}].sentences[{sentence}].tokens[{index}]"
            )),
            found: quoted(&tokens[index]),
            expected: "a word without white space".to_owned(),
        }),
    }
}
