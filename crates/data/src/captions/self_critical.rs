//! The layout of self-critical.pytorch: `cocotalk.json` with images and words, `cocotalk_label.h5` with captions.
//!
//! Captions are those that a model over there was trained on: cut at the length of the labels, rare words replaced by
//! `UNK`, which reads as `<unk>` here. For scores to report, Karpathy's file of the same data set has all words.

use std::path::Path;

use hdf5_pure::{Dataset, File};
use serde::Deserialize;

use super::gather::Gathered;
use super::{Caption, Captions, SelfCriticalSource, Split};
use crate::error::{Place, quoted};
use crate::vocabulary::self_critical::{IdsToWords, words_by_id};
use crate::{DataError, ImageId, json};

#[derive(Deserialize)]
struct Document {
    ix_to_word: IdsToWords,
    #[serde(deserialize_with = "json::objects")]
    images: Vec<Image>,
}

#[derive(Deserialize)]
struct Image {
    id: ImageId,
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
    let labels = Labels::read(&source.labels, document.images.len(), path)?;
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
            let tokens = labels.tokens(caption, &words)?;
            let raw = tokens.join(" ");
            gathered.add_caption(number, Caption { raw, tokens });
        }
    }
    gathered.finish(path)
}

/// As many ids as a byte of a label file may hold; compression by gzip reaches 258, for zeros alone.
const ELEMENTS_A_BYTE: u64 = 64;

/// The arrays of a label file.
struct Labels<'a> {
    path: &'a Path,
    /// Ids of words from 1 on, `[captions, length]`, 0 behind the last one.
    ids: Vec<u32>,
    length: usize,
    /// The first and the last caption of every image, counted from 1, `[images]`.
    first: Vec<u32>,
    last: Vec<u32>,
}

impl<'a> Labels<'a> {
    fn read(path: &'a Path, images: usize, listing: &Path) -> Result<Self, DataError> {
        let bytes = std::fs::read(path).map_err(DataError::read(path))?;
        let bound = bytes.len() as u64;
        let invalid = |problem: String| DataError::FeatureFormat {
            path: path.to_owned(),
            format: "HDF5",
            problem,
        };
        let file = File::from_bytes(bytes).map_err(|error| invalid(error.to_string()))?;
        let array = |name: &str, dimensions: usize| {
            let named = |error: hdf5_pure::Error| invalid(format!("`{name}`: {error}"));
            let array: Dataset = file.dataset(name).map_err(named)?;
            let shape = array.shape().map_err(named)?;
            // Before memory is asked for: however well a file is compressed, ids take some of it.
            let elements = shape
                .iter()
                .try_fold(1u64, |all, &size| all.checked_mul(size));
            if shape.len() != dimensions
                || elements.is_none_or(|elements| elements / ELEMENTS_A_BYTE > bound)
            {
                return Err(invalid(format!("`{name}`: found the shape {shape:?}")));
            }
            Ok((shape, array.read_u32().map_err(named)?))
        };
        let (shape, ids) = array("labels", 2)?;
        let (_, first) = array("label_start_ix", 1)?;
        let (_, last) = array("label_end_ix", 1)?;
        for (name, found) in [
            ("label_start_ix", first.len()),
            ("label_end_ix", last.len()),
        ] {
            if found != images {
                let listing = listing.display();
                return Err(invalid(format!(
                    "`{name}`: found {found} images, expected the {images} of `{listing}`"
                )));
            }
        }
        Ok(Self {
            path,
            ids,
            length: shape[1] as usize,
            first,
            last,
        })
    }

    /// The captions of an image, counted from 0.
    fn of_image(&self, image: usize) -> Result<std::ops::Range<usize>, DataError> {
        let (first, last) = (self.first[image] as usize, self.last[image] as usize);
        let captions = self.ids.len() / self.length.max(1);
        // An image without captions ends before it begins.
        if (1..=last + 1).contains(&first) && last <= captions {
            return Ok(first - 1..last);
        }
        Err(self.wrong(
            format!("label_start_ix[{image}]"),
            format!("captions {first} to {last}"),
            format!("some of the captions 1 to {captions}"),
        ))
    }

    fn tokens(&self, caption: usize, words: &[String]) -> Result<Vec<String>, DataError> {
        let row = &self.ids[caption * self.length..][..self.length];
        let ids = row.iter().take_while(|&&id| id != 0);
        let tokens = ids.enumerate().map(|(position, &id)| {
            let word = words.get(id as usize - 1);
            word.cloned().ok_or_else(|| {
                self.wrong(
                    format!("labels[{caption}][{position}]"),
                    format!("id {id}"),
                    format!("0 or the id of one of {} words", words.len()),
                )
            })
        });
        tokens.collect()
    }

    fn wrong(&self, at: String, found: String, expected: String) -> DataError {
        DataError::Value {
            path: self.path.to_owned(),
            at: Place::Key(at),
            found,
            expected,
        }
    }
}
