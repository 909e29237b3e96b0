//! Karpathy's splits: one JSON file with images, sentences and tokens.

use std::path::Path;

use serde::Deserialize;

use super::gather::Gathered;
use super::tokenise::composed;
use super::{Caption, Captions, KarpathySource, Split, WordSplit};
use crate::error::{Place, quoted};
use crate::{DataError, ExampleId, json};

#[derive(Deserialize)]
struct Document {
    #[serde(deserialize_with = "json::objects")]
    images: Vec<Image>,
}

#[derive(Deserialize)]
struct Image {
    filename: String,
    filepath: Option<String>,
    cocoid: Option<ExampleId>,
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

pub(super) fn read(source: &KarpathySource, words: WordSplit) -> Result<Captions, DataError> {
    let path = source.path.as_path();
    let document: Document = json::read_object(path)?;
    // `imgid` is a running number of the file, and no name of an image: it tells nobody which image is meant.
    let have_ids = document.images.iter().all(|image| image.cocoid.is_some());
    let mut gathered = Gathered::default();
    for (index, image) in document.images.into_iter().enumerate() {
        let split = split_named(path, index, &image.split)?;
        let image_id = image.cocoid.filter(|_| have_ids);
        let at = Place::Key(format!("images[{index}]"));
        let number = gathered.add_image(path, at, image.filename, image_id, split)?;
        gathered.set_folder(number, image.filepath);
        for (which, sentence) in image.sentences.into_iter().enumerate() {
            if words != WordSplit::Given {
                gathered.add_raw(number, sentence.raw, words);
                continue;
            }
            check_tokens(path, index, which, &sentence.tokens)?;
            let tokens = sentence.tokens.iter().map(|token| composed(token));
            gathered.add_caption(
                number,
                Caption {
                    raw: sentence.raw,
                    tokens: tokens.collect(),
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
