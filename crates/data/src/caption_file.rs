//! Captions from a file whose layout is told by what it holds, whatever it is called: to score, and to score against.
//!
//! | layout | what it looks like |
//! |---|---|
//! | Karpathy's splits | `{"images": [{"filename", "split", "sentences"}]}` |
//! | COCO annotations | `{"images": [{"id"}], "annotations": [{"image_id", "caption"}]}` |
//! | COCO results | `[{"image_id", "caption"}]` |
//! | JSON Lines | `{"image_id", "caption"}` a line; `image` for `image_id`, a list `captions` for `caption` |
//! | tables | as `captions.kaggle` reads them, with a table of splits or without |
//! | plain text | a caption a line, in the order of the images |

mod json_lines;

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::captions::{table_captions, table_has_header};
use crate::coco_evaluation::{
    CaptionResult, ReferencedImage, check_length, read_references, read_results,
};
use crate::error::Place;
use crate::looks_like::{ENOUGH_BYTES, Kind, looks_like};
use crate::{
    CaptionSource, DataError, ExampleId, JsonLayout, KaggleSource, KarpathySource, Notice, Split,
    json_layout, text,
};

/// The layout of a file of captions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptionLayout {
    /// An object in JSON.
    Json(JsonLayout),
    /// A list in JSON: COCO results.
    Results,
    /// A value of JSON a line.
    JsonLines,
    /// A table with a header that `captions.kaggle` reads, or `Flickr8k.token.txt`.
    Table,
    /// Other text: a caption a line.
    Lines,
}

/// What is expected of a file that is something else.
const EXPECTED: &str = "captions: JSON of Karpathy or COCO, JSON Lines, a table with the header `image,caption`, or plain text";

/// Tells the layout of a file by what it holds.
///
/// # Errors
///
/// The file cannot be read, is no text, or is JSON that breaks off.
pub fn caption_layout(path: &Path) -> Result<CaptionLayout, DataError> {
    let start = start_of(path)?;
    match looks_like(&start) {
        Kind::Json if opens_with(&start, b'[') => Ok(CaptionLayout::Results),
        Kind::Json if json_lines::is_one_line(&start) => Ok(CaptionLayout::JsonLines),
        Kind::Json => Ok(CaptionLayout::Json(json_layout(path)?)),
        Kind::JsonLines => Ok(CaptionLayout::JsonLines),
        Kind::Table | Kind::Text if table_has_header(&String::from_utf8_lossy(&start)) => {
            Ok(CaptionLayout::Table)
        }
        Kind::Table | Kind::Text => Ok(CaptionLayout::Lines),
        kind => Err(DataError::SeemsToBe {
            path: path.to_owned(),
            kind,
            expected: EXPECTED.to_owned(),
        }),
    }
}

/// Whether text looks as a table does.
pub(crate) fn has_columns(path: &Path) -> Result<bool, DataError> {
    Ok(looks_like(&start_of(path)?) == Kind::Table)
}

/// The first bytes of a file.
fn start_of(path: &Path) -> Result<Vec<u8>, DataError> {
    let mut start = Vec::new();
    let file = File::open(path).map_err(DataError::read(path))?;
    let read = file.take(ENOUGH_BYTES as u64).read_to_end(&mut start);
    read.map_err(DataError::read(path))?;
    Ok(start)
}

/// Whether text begins so, behind white space.
fn opens_with(start: &[u8], character: u8) -> bool {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    start.trim_ascii_start().first() == Some(&character)
}

/// What a file of captions holds.
#[derive(Debug)]
pub struct CaptionFile {
    /// How it was read.
    pub layout: CaptionLayout,
    /// Captions with their images, in the order of the file; of plain text, the lines with their numbers as ids.
    pub captions: Vec<CaptionResult>,
    /// All images that the file lists, those without captions too.
    pub images: Vec<ReferencedImage>,
    /// What there is to tell of it.
    pub notices: Vec<Notice>,
}

/// Reads captions of any layout.
///
/// `splits`, a table of splits, goes with a table of captions; `split` chooses images where splits are known, and
/// without it all are taken.
///
/// # Errors
///
/// The file cannot be read, is malformed or is of no layout with captions; a split is asked for where there is none.
pub fn read_captions(
    path: &Path,
    splits: Option<&Path>,
    split: Option<Split>,
) -> Result<CaptionFile, DataError> {
    let layout = caption_layout(path)?;
    let has_splits = match layout {
        CaptionLayout::Table => splits.is_some(),
        CaptionLayout::Json(layout) => layout == JsonLayout::Karpathy,
        _ => false,
    };
    let wants_splits = split.is_some() || splits.is_some();
    if wants_splits && !has_splits {
        return Err(DataError::WithoutSplits {
            path: path.to_owned(),
            is_table: layout == CaptionLayout::Table,
        });
    }
    let (captions, images, notices) = match layout {
        CaptionLayout::Json(JsonLayout::Karpathy) => {
            let path = path.to_owned();
            with_splits(&CaptionSource::Karpathy(KarpathySource { path }), split)?
        }
        CaptionLayout::Json(JsonLayout::SelfCritical) => {
            return Err(DataError::OnlyWords {
                path: path.to_owned(),
            });
        }
        CaptionLayout::Json(_) => of_images(read_references(path)?),
        CaptionLayout::Results => of_captions(read_results(path)?),
        CaptionLayout::JsonLines => of_captions(json_lines::read(path)?),
        CaptionLayout::Table => match splits {
            Some(splits) => {
                let source = KaggleSource {
                    captions: path.to_owned(),
                    splits: splits.to_owned(),
                };
                with_splits(&CaptionSource::Kaggle(source), split)?
            }
            None => {
                let (captions, notices) = table_captions(path)?;
                let (captions, images, _) = of_captions(captions);
                (captions, images, notices)
            }
        },
        CaptionLayout::Lines => of_captions(lines(path)?),
    };
    for (index, caption) in captions.iter().enumerate() {
        check_length(path, || caption.place(index).to_string(), &caption.caption)?;
    }
    if images.is_empty() {
        let path = path.to_owned();
        return Err(match split {
            None => DataError::NoImages { path },
            Some(split) => DataError::NoImagesOfSplit { path, split },
        });
    }
    Ok(CaptionFile {
        layout,
        captions,
        images,
        notices,
    })
}

type Parts = (Vec<CaptionResult>, Vec<ReferencedImage>, Vec<Notice>);

/// The images of a layout of training, as far as they are in the split.
fn with_splits(source: &CaptionSource, split: Option<Split>) -> Result<Parts, DataError> {
    let read = source.read(None)?;
    let images = read.images.into_iter();
    let images = images.filter(|image| split.is_none_or(|split| image.split == split));
    let images = images.map(|image| ReferencedImage {
        id: image
            .image_id
            .unwrap_or_else(|| ExampleId::from(image.file_name.as_str())),
        file_name: Some(image.file_name),
        captions: image.captions.into_iter().map(|c| c.raw).collect(),
    });
    let (captions, images, _) = of_images(images.collect());
    Ok((captions, images, read.notices))
}

fn of_images(images: Vec<ReferencedImage>) -> Parts {
    let captions = images.iter().flat_map(|image| {
        let captions = image.captions.iter();
        captions.map(|caption| CaptionResult {
            image_id: image.id.clone(),
            caption: caption.clone(),
            at: None,
        })
    });
    (captions.collect(), images, Vec::new())
}

/// The images of captions, in the order of their first ones.
fn of_captions(captions: Vec<CaptionResult>) -> Parts {
    let mut numbers = HashMap::new();
    let mut images: Vec<ReferencedImage> = Vec::new();
    for caption in &captions {
        let number = *numbers.entry(&caption.image_id).or_insert_with(|| {
            images.push(ReferencedImage {
                id: caption.image_id.clone(),
                file_name: None,
                captions: Vec::new(),
            });
            images.len() - 1
        });
        images[number].captions.push(caption.caption.clone());
    }
    drop(numbers);
    (captions, images, Vec::new())
}

/// A caption a line; empty lines are captions too.
fn lines(path: &Path) -> Result<Vec<CaptionResult>, DataError> {
    let text = text::read(path)?;
    let lines = (1..).zip(text.lines());
    let captions = lines.map(|(number, line)| CaptionResult {
        image_id: ExampleId::Number(number),
        caption: line.to_owned(),
        at: Some(Place::Line(number as u64)),
    });
    Ok(captions.collect())
}

impl CaptionFile {
    /// Gives the lines of plain text to images, the first line to the first image.
    ///
    /// # Errors
    ///
    /// There are more or fewer lines than images, or both files are of another layout, so that nothing says which line
    /// belongs to which image.
    pub fn number_lines(
        &mut self,
        path: &Path,
        (references_path, references): (&Path, &CaptionFile),
    ) -> Result<(), DataError> {
        if self.layout != CaptionLayout::Lines {
            return Ok(());
        }
        let (found, expected) = (self.captions.len(), references.images.len());
        if found != expected {
            return Err(DataError::LineCount {
                path: path.to_owned(),
                found,
                first: self.captions.first().map(|line| line.caption.clone()),
                references: references_path.to_owned(),
                expected,
            });
        }
        for (line, image) in self.captions.iter_mut().zip(&references.images) {
            line.image_id = image.id.clone();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
