//! Kaggle's layout: a table of captions, and a table that gives every image its split.

use std::collections::HashMap;
use std::path::Path;

use super::gather::Gathered;
use super::{Caption, Captions, KaggleSource, Split, table, tokenise};
use crate::DataError;
use crate::error::{Place, quoted};

pub(super) fn read(source: &KaggleSource) -> Result<Captions, DataError> {
    let splits = read_splits(&source.splits)?;
    let path = source.captions.as_path();
    let mut gathered = Gathered::default();
    table::for_each_row(path, "caption", |line, file_name, raw| {
        let known = gathered.image_named(file_name);
        let image = if let Some(image) = known {
            image
        } else {
            let Some(&(split, _)) = splits.get(file_name) else {
                return Err(DataError::UnlistedImage {
                    path: path.to_owned(),
                    at: Place::Line(line),
                    image: quoted(file_name),
                    listing: source.splits.clone(),
                });
            };
            gathered.add_image(path, Place::Line(line), file_name.to_owned(), None, split)?
        };
        gathered.add_caption(
            image,
            Caption {
                raw: raw.to_owned(),
                tokens: tokenise(raw),
            },
        );
        Ok(())
    })?;
    let forgotten = splits
        .iter()
        .filter(|(file_name, _)| gathered.image_named(file_name).is_none())
        .min_by_key(|(_, (_, line))| *line);
    if let Some((file_name, &(_, line))) = forgotten {
        return Err(DataError::NoCaptions {
            path: source.splits.clone(),
            at: Place::Line(line),
            file_name: file_name.clone(),
        });
    }
    gathered.finish(path)
}

/// The split of every image, and the line that says so.
fn read_splits(path: &Path) -> Result<HashMap<String, (Split, u64)>, DataError> {
    let mut splits: HashMap<String, (Split, u64)> = HashMap::new();
    table::for_each_row(path, "split", |line, file_name, name| {
        let split = Split::from_name(name).ok_or_else(|| DataError::Value {
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
    })?;
    Ok(splits)
}
