//! Karpathy's splits: one JSON file with images, sentences and tokens.

use std::path::Path;

use serde::Deserialize;

use super::gather::Gathered;
use super::{Caption, Captions, KarpathySource, Split};
use crate::DataError;
use crate::error::{Place, quoted};
use crate::json;

#[derive(Deserialize)]
struct Document {
    images: Vec<Image>,
}

#[derive(Deserialize)]
struct Image {
    filename: String,
    filepath: Option<String>,
    imgid: Option<u64>,
    cocoid: Option<u64>,
    split: String,
    sentences: Vec<Sentence>,
}

#[derive(Deserialize)]
struct Sentence {
    raw: String,
    tokens: Vec<String>,
}

pub(super) fn read(source: &KarpathySource) -> Result<Captions, DataError> {
    let path = source.path.as_path();
    let document: Document = json::read(path)?;
    let mut gathered = Gathered::default();
    for (index, image) in document.images.into_iter().enumerate() {
        let split = split_named(path, index, &image.split)?;
        let Some(image_id) = image.cocoid.or(image.imgid) else {
            return Err(DataError::Value {
                path: path.to_owned(),
                at: Place::Key(format!("images[{index}]")),
                found: "neither `cocoid` nor `imgid`".to_owned(),
                expected: "one of them".to_owned(),
            });
        };
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
