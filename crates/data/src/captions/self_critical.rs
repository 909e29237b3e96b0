//! The layout of self-critical.pytorch: `cocotalk.json` with images and words, `cocotalk_label.h5` with captions.
//!
//! Captions are those that a model over there was trained on: cut at the length of the labels, rare words replaced by
//! `UNK`, which reads as `<unk>` here. For scores to report, Karpathy's file of the same data set has all words.

use serde::Deserialize;

use super::gather::Gathered;
use super::labels::Labels;
use super::{Caption, Captions, SelfCriticalSource, Split};
use crate::error::{Place, quoted};
use crate::vocabulary::self_critical::{IdsToWords, words_by_id};
use crate::{DataError, ExampleId, json};

#[derive(Deserialize)]
struct Document {
    ix_to_word: IdsToWords,
    #[serde(deserialize_with = "json::objects")]
    images: Vec<Image>,
}

#[derive(Deserialize)]
struct Image {
    id: ExampleId,
    split: String,
    file_path: Option<String>,
}

impl json::Object for Document {
    const SHAPE: &'static str = r#"{"ix_to_word": {...}, "images": [...]}"#;
}

impl json::Object for Image {
    const SHAPE: &'static str = r#"{"id", "split"}"#;
}

pub(super) fn read(source: &SelfCriticalSource) -> Result<Captions, DataError> {
    let path = source.json.as_path();
    let document: Document = json::read_object(path)?;
    let words = words_by_id(path, document.ix_to_word)?;
    let labels = Labels::read(&source.labels, (document.images.len(), words.len()), path)?;
    let mut gathered = Gathered::default();
    for (index, image) in document.images.into_iter().enumerate() {
        let at = |key: &str| Place::Key(format!("images[{index}]{key}"));
        let split = match image.split.as_str() {
            "restval" => Some(Split::Train),
            name => Split::from_name(name),
        };
        let split = split.ok_or_else(|| DataError::Value {
            path: path.to_owned(),
            at: at(".split"),
            found: quoted(&image.split),
            expected: "`train`, `restval`, `val` or `test`".to_owned(),
        })?;
        let (folder, file_name) = match image.file_path.as_deref() {
            None => (None, image.id.to_text()),
            Some(file) => match file.rsplit_once('/') {
                None => (None, file.to_owned()),
                Some((folder, file)) => (Some(folder.to_owned()), file.to_owned()),
            },
        };
        let number = gathered.add_image(path, at(""), file_name, Some(image.id), split)?;
        gathered.set_folder(number, folder);
        for caption in labels.of_image(index)? {
            let tokens = labels.tokens(caption, &words);
            let raw = tokens.join(" ");
            gathered.add_caption(number, Caption { raw, tokens });
        }
    }
    gathered.finish(path)
}
