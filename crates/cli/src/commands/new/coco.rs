//! Annotations in one file of COCO, shared out to one for each split.

use std::path::PathBuf;

use scst_data::{Captions, Split};
use serde_json::{Value, json};

/// The images of a split with their captions.
pub(super) fn annotations(captions: &Captions, split: Split) -> Value {
    let of_split = || {
        let images = captions.images.iter();
        images.filter(|image| image.split == split)
    };
    let images = of_split().map(|image| {
        let folder = image.folder.as_ref().map(PathBuf::from).unwrap_or_default();
        json!({ "id": image.image_id, "file_name": folder.join(&image.file_name) })
    });
    let annotations = of_split().flat_map(|image| {
        let captions = image.captions.iter();
        captions.map(|caption| json!({ "image_id": image.image_id, "caption": caption.raw }))
    });
    json!({
        "images": images.collect::<Vec<_>>(),
        "annotations": annotations.collect::<Vec<_>>(),
    })
}
