//! Reads pairs of texts from the files that a configuration names.

use std::path::Path;

use super::gather::{Gathered, Repeated, TextPairs};
use super::row::PairRow;
use super::source::{FileSource, PairSource};
use super::{json_lines, parallel, table};
use crate::DataError;
use crate::captions::Split;
use crate::error::Place;
use crate::records::{Field, Records};
use crate::splitting::{Shares, SplitTable};
use crate::text::LargeText;

impl PairSource {
    /// Reads and checks all pairs. Rows with the same source, or the same id, in one split are one source with several
    /// targets; lines of parallel files are a source each.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, is malformed or holds no pairs; an id of two sources; an unknown split; parallel files
    /// of different lengths; shares that do not go with so many sources; no room for the texts.
    pub fn read(&self) -> Result<TextPairs, DataError> {
        let mut gathered = Gathered::default();
        match self {
            Self::Splits(files) => {
                for (split, path) in
                    Split::ALL
                        .into_iter()
                        .zip([&files.train, &files.val, &files.test])
                {
                    let Some(path) = path else { continue };
                    let mut rows = gathered.file(path, Repeated::Joined);
                    for_each_row(path, LargeText::open(path)?.text()?, |row| {
                        rows.add(split, row)
                    })?;
                    rows.finish()?;
                }
            }
            Self::File(file) => read_file(file, &mut gathered)?,
            Self::Parallel(files) => {
                for (split, files) in
                    Split::ALL
                        .into_iter()
                        .zip([&files.train, &files.val, &files.test])
                {
                    let Some(files) = files else { continue };
                    let mut rows = gathered.file(&files.source, Repeated::Apart);
                    parallel::for_each_row(files, |row| rows.add(split, row))?;
                    rows.finish()?;
                }
            }
        }
        Ok(gathered.finish())
    }
}

impl FileSource {
    /// Whether a row says its split.
    ///
    /// # Errors
    ///
    /// The file cannot be read or is malformed.
    pub fn has_splits(&self) -> Result<bool, DataError> {
        let mut has_splits = false;
        for_each_row(&self.path, LargeText::open(&self.path)?.text()?, |row| {
            has_splits |= row.split.is_some();
            Ok(())
        })?;
        Ok(has_splits)
    }
}

/// Calls `row` for all rows of a table or of JSON Lines.
fn for_each_row(
    path: &Path,
    text: &str,
    row: impl FnMut(PairRow<'_>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    if json_lines::is_it(text) {
        json_lines::for_each_row(path, text, true, row)
    } else {
        table::for_each_row(path, text, row)
    }
}

/// Reads a file for all splits: as it says itself, or by shares, the same for the same source.
fn read_file(file: &FileSource, gathered: &mut Gathered) -> Result<(), DataError> {
    let path = file.path.as_path();
    let file_text = LargeText::open(path)?;
    let text = file_text.text()?;
    let mut sources = Records::default();
    let drawn = match &file.shares {
        None => None,
        Some(shares) => Some(draw(file, shares, text, &mut sources)?),
    };
    let drawn = drawn.as_ref().map(SplitTable::by_name);
    let mut rows = gathered.file(path, Repeated::Joined);
    for_each_row(path, text, |row| {
        let split = match &drawn {
            // Rows that are left out have none.
            Some(drawn) => *drawn.get(&*row.source).unwrap_or(&Split::Train),
            None => row.split.ok_or_else(|| DataError::Value {
                path: path.to_owned(),
                at: Place::Line(row.line),
                found: "a source without a split".to_owned(),
                expected: "a column or key `split`, or `data.text.pairs.file.shares` such as \"0.8,0.1,0.1\""
                    .to_owned(),
            })?,
        };
        rows.add(split, row)
    })?;
    rows.finish()
}

/// The split of every source of a text whose rows have none; `sources` keeps them.
fn draw<'a>(
    file: &FileSource,
    shares: &str,
    text: &str,
    sources: &'a mut Records,
) -> Result<SplitTable<&'a str>, DataError> {
    let path = file.path.as_path();
    let mut starts = Vec::new();
    for_each_row(path, text, |row| {
        if row.split.is_some() {
            return Err(DataError::Value {
                path: path.to_owned(),
                at: Place::Line(row.line),
                found: "a split, and `data.text.pairs.file.shares`".to_owned(),
                expected: "one of the two".to_owned(),
            });
        }
        if row.is_whole() {
            starts.push(sources.push([Field::of_text(&row.source)].into_iter())?);
        }
        Ok(())
    })?;
    if starts.is_empty() {
        let path = path.to_owned();
        return Err(DataError::NoPairs { path });
    }
    let shared = |problem| DataError::Shares {
        path: path.to_owned(),
        problem,
    };
    let shares: Shares = shares.parse().map_err(shared)?;
    let sources = &*sources;
    let names = starts.into_iter().flat_map(|start| sources.fields(start));
    SplitTable::draw(names.map(Field::text).collect(), &shares, file.seed).map_err(shared)
}
