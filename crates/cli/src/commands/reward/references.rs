//! The references that captions are compared with, of every layout of caption files.

use std::path::Path;

use scst_data::{
    CaptionLayout, Captions, ExampleId, JsonLayout, Split, caption_layout, coco_evaluation,
    references_by_image::{GivenCaption, read_references_by_image},
};
use scst_reward::serve::{ServedCaption, ServedImage, Words};

use crate::{
    arguments::RewardArguments, commands::caption_file::caption_source, failure::Failure,
    output::warn,
};

/// The images of a file.
pub(super) fn read(
    path: &Path,
    arguments: &RewardArguments,
    words: &Words,
) -> Result<Vec<ServedImage>, Failure> {
    let split = Split::from(arguments.split);
    match caption_layout(path)? {
        CaptionLayout::Json(JsonLayout::Other) => return by_image(path, words),
        CaptionLayout::Json(JsonLayout::Coco) => return coco(path, arguments, words),
        _ => {}
    }
    let source = caption_source(path, arguments.splits.as_deref(), arguments.split)?;
    of_captions(source.read(None)?, split, words, path)
}

/// The images of captions that belong to a split; `path` is where they come from.
pub(super) fn of_captions(
    captions: Captions,
    split: Split,
    words: &Words,
    path: &Path,
) -> Result<Vec<ServedImage>, Failure> {
    captions.notices.iter().for_each(warn);
    only_text(path, words)?;
    let images = captions.images.into_iter();
    let served = images.filter(|image| image.split == split).map(|image| {
        let texts = image.captions.into_iter().map(|caption| match words {
            Words::Text(_) => caption.raw,
            _ => caption.tokens.join(" "),
        });
        let id = image.image_id.as_ref().map(ExampleId::to_text);
        ServedImage {
            names: [image.file_name].into_iter().chain(id).collect(),
            references: texts.map(text).collect(),
        }
    });
    let served: Vec<ServedImage> = served.collect();
    if served.is_empty() {
        let problem = format!("found no {split} images, expected 1 or more");
        return Err(of_file(path, &problem));
    }
    Ok(served)
}

/// COCO's annotations: those with file names, as for training, or those of its evaluation, where ids are enough.
fn coco(
    path: &Path,
    arguments: &RewardArguments,
    words: &Words,
) -> Result<Vec<ServedImage>, Failure> {
    if let Ok(captions) = caption_source(path, None, arguments.split)?.read(None) {
        return of_captions(captions, arguments.split.into(), words, path);
    }
    only_text(path, words)?;
    let images = coco_evaluation::read_references(path)?;
    coco_evaluation::check_referenced(path, &images)?;
    let images = images.into_iter().map(|image| ServedImage {
        names: vec![image.id.to_text()],
        references: image.captions.into_iter().map(text).collect(),
    });
    Ok(images.collect())
}

/// References that were written for this command.
fn by_image(path: &Path, words: &Words) -> Result<Vec<ServedImage>, Failure> {
    let images = read_references_by_image(path)?;
    let images = images.into_iter().map(|image| {
        let captions = image.captions.into_iter().map(|caption| match caption {
            GivenCaption::Text(raw) => text(raw),
            GivenCaption::Ids(ids) => ServedCaption {
                tokens: Some(ids),
                text: None,
            },
        });
        ServedImage {
            names: vec![image.name],
            references: captions.collect(),
        }
    });
    let images: Vec<ServedImage> = images.collect();
    let mut captions = images.iter().flat_map(|image| &image.references);
    match words {
        Words::Text(_) if captions.any(|caption| caption.text.is_none()) => Err(of_file(
            path,
            "found token ids, expected --ids with them, or --vocabulary",
        )),
        Words::Ids { .. } if captions.any(|caption| caption.tokens.is_none()) => {
            only_text(path, words).map(|()| images)
        }
        _ => Ok(images),
    }
}

fn text(text: String) -> ServedCaption {
    ServedCaption {
        tokens: None,
        text: Some(text),
    }
}

/// That a file of text is not to be compared as ids without words.
fn only_text(path: &Path, words: &Words) -> Result<(), Failure> {
    if matches!(words, Words::Ids { .. }) {
        return Err(of_file(
            path,
            "found text, expected {\"x.jpg\": [[4, 7, 0]]} with --ids, or --vocabulary for text",
        ));
    }
    Ok(())
}

/// The place of a file in a message.
fn of_file(path: &Path, problem: &str) -> Failure {
    Failure::Mistake(format!("`{}`: {problem}", path.display()))
}
