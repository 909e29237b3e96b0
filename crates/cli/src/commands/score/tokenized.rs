//! Captions and references as the words that metrics count.

use std::sync::Arc;

use rayon::prelude::*;
use scst_data::coco_evaluation::{Group, ReferencedImage};
use scst_reward::Item;

use super::report::Row;
use crate::arguments::Tokenizer;

/// One caption with the references of its image, tokenised.
pub(super) struct Tokenized<'a> {
    image: &'a ReferencedImage,
    raw: &'a str,
    pub(super) candidate: String,
    pub(super) references: Arc<Vec<String>>,
}

impl Tokenized<'_> {
    pub(super) fn row(&self) -> Row {
        let image = self.image.file_name.clone();
        Row {
            id: self.image.id.clone(),
            image: image.filter(|name| *name != self.image.id.to_text()),
            caption: self.raw.to_owned(),
        }
    }

    pub(super) fn item(&self) -> Item<'_, str, String> {
        Item {
            candidate: self.candidate.as_str(),
            references: self.references.as_slice(),
        }
    }

    /// The caption and the references as they were read.
    pub(super) fn raw_item(&self) -> Item<'_, str, String> {
        Item {
            candidate: self.raw,
            references: &self.image.captions,
        }
    }
}

/// The captions of all groups, one after the other.
pub(super) fn tokenize<'a>(groups: &[Group<'a>], tokenizer: Tokenizer) -> Vec<Tokenized<'a>> {
    let captions = groups.par_iter().flat_map_iter(|(image, results)| {
        let references = Arc::new(tokenize_all(&image.captions, tokenizer));
        results.iter().map(move |result| Tokenized {
            image,
            raw: &result.caption,
            candidate: tokenizer.tokenize(&result.caption),
            references: Arc::clone(&references),
        })
    });
    captions.collect()
}

pub(super) fn tokenize_all<T: AsRef<str>>(captions: &[T], tokenizer: Tokenizer) -> Vec<String> {
    let captions = captions.iter();
    captions
        .map(|caption| tokenizer.tokenize(caption.as_ref()))
        .collect()
}
