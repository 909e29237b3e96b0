//! Kaggle's layout: a table of captions, and a table that gives every image its split.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::gather::Gathered;
use super::table::{self, Column, Layout};
use super::{Captions, KaggleSource, Split, WordSplit};
use crate::coco_evaluation::CaptionResult;
use crate::error::{Place, quoted};
use crate::notice::Notice;
use crate::{DataError, ExampleId};

pub(super) fn read(source: &KaggleSource, words: WordSplit) -> Result<Captions, DataError> {
    let splits = read_splits(&source.splits)?;
    let path = source.captions.as_path();
    let mut gathered = Gathered::default();
    // Images without a split, in order, and the line of the first one.
    let mut unlisted: Vec<(u64, String)> = Vec::new();
    let mut seen = HashSet::new();
    let is_image = |name: &str| splits.contains_key(name);
    let read = table::for_each_row(path, Column::Caption, is_image, |line, file_name, raw| {
        let image = match (gathered.image_named(file_name), splits.get(file_name)) {
            (Some(image), _) => image,
            (None, Some(&(split, _))) => {
                gathered.add_image(path, Place::Line(line), file_name.to_owned(), None, split)?
            }
            (None, None) => {
                if seen.insert(file_name.to_owned()) {
                    unlisted.push((line, file_name.to_owned()));
                }
                return Ok(());
            }
        };
        gathered.add_raw(image, raw.to_owned(), words);
        Ok(())
    })?;
    gathered.notices.extend(read.notices);
    if let Some((line, first)) = unlisted.first() {
        if read.layout == Layout::Own {
            return Err(DataError::UnlistedImage {
                path: path.to_owned(),
                at: Place::Line(*line),
                image: quoted(first),
                listing: source.splits.clone(),
            });
        }
        gathered.notices.push(Notice::UnlistedImages {
            path: path.to_owned(),
            images: unlisted.len(),
            first: first.clone(),
            listing: source.splits.clone(),
        });
    }
    let forgotten = splits
        .iter()
        .filter(|(file_name, _)| gathered.image_named(file_name).is_none())
        .min_by_key(|(_, (_, line))| *line);
    if let Some((file_name, &(_, line))) = forgotten {
        return Err(DataError::UncaptionedImage {
            path: path.to_owned(),
            seen_as: read.seen_as,
            file_name: file_name.clone(),
            listing: source.splits.clone(),
            line,
        });
    }
    gathered.finish(path)
}

/// The captions of a table without splits, in order.
pub(crate) fn table_captions(path: &Path) -> Result<(Vec<CaptionResult>, Vec<Notice>), DataError> {
    let mut captions = Vec::new();
    let never = |_: &str| false;
    let read = table::for_each_row(path, Column::Caption, never, |line, file_name, caption| {
        check_name(path, line, file_name)?;
        captions.push(CaptionResult {
            image_id: ExampleId::from(file_name),
            caption: caption.to_owned(),
            at: Some(Place::Line(line)),
        });
        Ok(())
    })?;
    Ok((captions, read.notices))
}

/// The images of a table of captions, in order, each once.
pub(crate) fn table_names(path: &Path) -> Result<Vec<String>, DataError> {
    let mut names = Vec::new();
    let mut seen = HashSet::new();
    let never = |_: &str| false;
    table::for_each_row(path, Column::Caption, never, |line, file_name, _| {
        check_name(path, line, file_name)?;
        if seen.insert(file_name.to_owned()) {
            names.push(file_name.to_owned());
        }
        Ok(())
    })?;
    Ok(names)
}

fn check_name(path: &Path, line: u64, file_name: &str) -> Result<(), DataError> {
    if !file_name.is_empty() {
        return Ok(());
    }
    Err(DataError::Value {
        path: path.to_owned(),
        at: Place::Line(line),
        found: "an empty file name".to_owned(),
        expected: "the name of an image".to_owned(),
    })
}

/// The split of every image, and the line that says so.
fn read_splits(path: &Path) -> Result<HashMap<String, (Split, u64)>, DataError> {
    let mut splits: HashMap<String, (Split, u64)> = HashMap::new();
    table::for_each_row(
        path,
        Column::Split,
        |_| false,
        |line, file_name, name| {
            let split = Split::from_name(name.trim()).ok_or_else(|| DataError::Value {
                path: path.to_owned(),
                at: Place::Line(line),
                found: format!("split {}", quoted(name)),
                expected: "`train`, `val` or `test`".to_owned(),
            })?;
            match splits.insert(file_name.to_owned(), (split, line)) {
                None => Ok(()),
                Some((_, first)) => Err(DataError::Duplicate {
                    path: path.to_owned(),
                    at: Place::Line(line),
                    key: format!("file name {}", quoted(file_name)),
                    first: Place::Line(first).to_string(),
                }),
            }
        },
    )?;
    Ok(splits)
}
