//! Which row belongs to which image: by names and ids that the user gave, and by nothing else.
//!
//! A row may be named by an image's file name, with or without its ending or with the folder that the
//! captions give, by a path that ends in it or that it ends in, or by its id, but all rows by the same kind of name.
//! Names are compared as text: capitals and leading zeros count.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use super::listed::Listed;
use super::names::{Names, Row};
use crate::DataError;
use crate::error::quoted;

/// What an image is called, wherever it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageNames<'a> {
    /// Its file name.
    pub file_name: &'a str,
    /// The folder of the file, if the listing gives one.
    pub folder: Option<&'a str>,
    /// Its id as text, if the listing gives one.
    pub id: Option<String>,
}

impl<'a> ImageNames<'a> {
    /// An image of which nothing but its name in a source of features is known.
    pub fn only(name: &'a str) -> Self {
        Self {
            file_name: name,
            folder: None,
            id: Some(name.to_owned()),
        }
    }
}

impl fmt::Display for ImageNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quoted(self.file_name))?;
        match &self.id {
            Some(id) if id != self.file_name => write!(f, " (id {id})"),
            _ => Ok(()),
        }
    }
}

/// A file name without its ending.
pub(super) fn stem(file_name: &str) -> &str {
    match file_name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file_name,
    }
}

/// What a row may be named by.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Path,
    FileName,
    /// A path of which one is the end of the other: `val/a.jpg` of `a.jpg` and of `photos/val/a.jpg`.
    PathEnd,
    Stem,
    Id,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Path,
        Self::FileName,
        Self::PathEnd,
        Self::Stem,
        Self::Id,
    ];

    /// The name of an image, `None` if it has none of this kind.
    fn name<'a>(self, image: &'a ImageNames<'_>) -> Option<Cow<'a, str>> {
        match self {
            Self::Path => {
                let folder = image.folder?.trim_end_matches('/');
                Some(format!("{folder}/{}", image.file_name).into())
            }
            Self::PathEnd => Self::Path.name(image).or(Some(image.file_name.into())),
            Self::FileName => Some(image.file_name.into()),
            Self::Stem => Some(stem(image.file_name).into()),
            Self::Id => image.id.as_deref().map(Cow::Borrowed),
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Path => "by its folder and file name",
            Self::FileName => "by its file name",
            Self::PathEnd => "by the end of its path",
            Self::Stem => "by its file name without ending",
            Self::Id => "by its id",
        }
    }
}

/// Rows by the last parts of their names.
struct PathEnds<'a> {
    names: &'a Names,
    rows: HashMap<&'a str, Vec<u32>>,
}

impl<'a> PathEnds<'a> {
    fn new(names: &'a Names) -> Self {
        let mut rows: HashMap<&str, Vec<u32>> = HashMap::new();
        for (row, name) in names.all().iter().enumerate() {
            rows.entry(last_part(name)).or_default().push(row as u32);
        }
        Self { names, rows }
    }

    /// The row of that very path, or the only one of which the path is the end or that is the end of the path.
    fn row(&self, path: &str) -> Option<Row> {
        if let Some(row) = self.names.row(path) {
            return Some(row);
        }
        let rows = self.rows.get(last_part(path))?.iter().copied().map(Row);
        let mut fitting = rows.filter(|&row| {
            let name = self.names.name(row);
            is_end(path, name) || is_end(name, path)
        });
        let row = fitting.next();
        row.filter(|_| fitting.next().is_none())
    }
}

/// A path from behind its last `/`.
fn last_part(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, last)| last)
}

/// Whether a path ends in these whole parts.
fn is_end(path: &str, end: &str) -> bool {
    let before = path.strip_suffix(end);
    before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// The rows of all images by one kind of name, as far as there are.
struct Reading {
    kind: Kind,
    rows: Vec<Option<Row>>,
}

impl Reading {
    fn new(names: &Names, images: &[ImageNames<'_>], kind: Kind) -> Self {
        let ends = match kind {
            Kind::PathEnd => Some(PathEnds::new(names)),
            _ => None,
        };
        let rows = images.iter().map(|image| {
            let name = kind.name(image)?;
            match &ends {
                None => names.row(&name),
                Some(ends) => ends.row(&name),
            }
        });
        Self {
            kind,
            rows: rows.collect(),
        }
    }

    fn missing(&self) -> usize {
        self.rows.iter().filter(|row| row.is_none()).count()
    }

    /// The images that have the row of an earlier one, each with that one.
    fn shared(&self, names: &Names) -> Vec<(usize, usize)> {
        let mut owner = vec![None; names.len()];
        let mut shared = Vec::new();
        for (image, row) in self.rows.iter().enumerate() {
            let Some(Row(row)) = *row else { continue };
            match owner[row as usize] {
                None => owner[row as usize] = Some(image),
                Some(first) => shared.push((first, image)),
            }
        }
        shared
    }
}

/// The rows of all images.
///
/// # Errors
///
/// No kind of name gives every image a row of its own, or two kinds do and give other rows.
pub(super) fn rows(names: &Names, images: &[ImageNames<'_>]) -> Result<Vec<Row>, DataError> {
    let readings = Kind::ALL.map(|kind| Reading::new(names, images, kind));
    let (whole, partial): (Vec<_>, Vec<_>) = readings
        .into_iter()
        .partition(|reading| reading.missing() == 0);
    let mut refused = None;
    let mut taken: Option<Reading> = None;
    for reading in whole {
        let shared = reading.shared(names);
        if !shared.is_empty() {
            refused = refused.or(Some(sharing(names, images, &reading, &shared)));
        } else if let Some(first) = &taken {
            ambiguous(names, images, first, &reading)?;
        } else {
            taken = Some(reading);
        }
    }
    match (taken, refused) {
        (Some(reading), _) => Ok(reading.rows.into_iter().flatten().collect()),
        (None, Some(refused)) => Err(refused),
        (None, None) => Err(missing(names, images, &partial)),
    }
}

/// The error for two images of one row.
fn sharing(
    names: &Names,
    images: &[ImageNames<'_>],
    reading: &Reading,
    shared: &[(usize, usize)],
) -> DataError {
    let examples = shared.iter().map(|&(first, second)| {
        let row = reading.rows[first].map_or("", |row| names.name(row));
        format!(
            "{} is that of {} and {}",
            quoted(row),
            images[first],
            images[second]
        )
    });
    DataError::SharedFeatures {
        path: names.path().to_owned(),
        rows: Listed::new(examples),
    }
}

/// Refuses two ways to read the names that do not say the same.
fn ambiguous(
    names: &Names,
    images: &[ImageNames<'_>],
    first: &Reading,
    second: &Reading,
) -> Result<(), DataError> {
    let pairs = first.rows.iter().zip(&second.rows).zip(images);
    let differing = pairs.filter(|((first, second), _)| first != second);
    let images = Listed::new(differing.filter_map(|((one, other), image)| {
        let (one, other) = (quoted(names.name((*one)?)), quoted(names.name((*other)?)));
        let (by, or_by) = (first.kind.describe(), second.kind.describe());
        Some(format!(
            "{image} has row {one} {by} and row {other} {or_by}"
        ))
    }));
    if images.all == 0 {
        return Ok(());
    }
    Err(DataError::AmbiguousFeatures {
        path: names.path().to_owned(),
        images,
    })
}

/// The error for images without a row, by the kind of name that misses the fewest.
fn missing(names: &Names, images: &[ImageNames<'_>], readings: &[Reading]) -> DataError {
    let closest = readings.iter().min_by_key(|reading| reading.missing());
    let rows = closest.map_or(&[][..], |reading| reading.rows.as_slice());
    let mut fits = vec![false; names.len()];
    for row in rows.iter().flatten() {
        fits[row.0 as usize] = true;
    }
    let spare = names.all().iter().zip(&fits).filter(|(_, fits)| !**fits);
    let without = images.iter().zip(rows).filter(|(_, row)| row.is_none());
    DataError::MissingFeatures {
        path: names.path().to_owned(),
        of: images.len(),
        images: Listed::new(without.map(|(image, _)| image.to_string())),
        rows: Listed::new(spare.map(|(name, _)| quoted(name))),
        with_ids: images.iter().all(|image| image.id.is_some()),
    }
}

#[cfg(test)]
mod tests;
