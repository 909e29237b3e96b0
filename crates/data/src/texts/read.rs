//! Reads pairs of texts from the files that a configuration names.

use std::path::Path;

use super::gather::{Gathered, Repeated, TextPairs};
use super::row::PairRow;
use super::source::{FileSource, PairSource, ParallelFiles};
use super::{json_lines, parallel, table};
use crate::captions::Split;
use crate::error::Place;
use crate::splitting::{Shares, SplitTable};
use crate::{DataError, text};

impl PairSource {
    /// Reads and checks all pairs. Rows with the same source, or the same id, in one split are one source with several
    /// targets; lines of parallel files are a source each.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, is malformed or holds no pairs; an id of two sources; an unknown split; parallel files
    /// of different lengths; shares that do not go with so many sources.
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
                    let rows = rows_of(path)?.into_iter().map(|row| (split, row)).collect();
                    gathered.add_file(path, rows, Repeated::Joined)?;
                }
            }
            Self::File(file) => {
                let rows = with_splits(file, rows_of(&file.path)?)?;
                gathered.add_file(&file.path, rows, Repeated::Joined)?;
            }
            Self::Parallel(files) => {
                for (split, files) in
                    Split::ALL
                        .into_iter()
                        .zip([&files.train, &files.val, &files.test])
                {
                    let Some(files) = files else { continue };
                    gathered.add_file(&files.source, lines_of(files, split)?, Repeated::Apart)?;
                }
            }
        }
        Ok(gathered.finish())
    }
}

/// The rows of a table or of JSON Lines; at least one is whole.
fn rows_of(path: &Path) -> Result<Vec<PairRow>, DataError> {
    let text = text::read(path)?;
    let mut rows = Vec::new();
    let add = |row| {
        rows.push(row);
        Ok(())
    };
    if json_lines::is_it(&text) {
        json_lines::for_each_row(path, &text, true, add)?;
    } else {
        table::for_each_row(path, &text, add)?;
    }
    check_some(path, rows.iter())?;
    Ok(rows)
}

fn lines_of(files: &ParallelFiles, split: Split) -> Result<Vec<(Split, PairRow)>, DataError> {
    let mut rows = Vec::new();
    parallel::for_each_row(files, |row| {
        rows.push((split, row));
        Ok(())
    })?;
    check_some(&files.source, rows.iter().map(|(_, row)| row))?;
    Ok(rows)
}

/// Some row has a source and a target.
fn check_some<'a>(
    path: &Path,
    mut rows: impl Iterator<Item = &'a PairRow>,
) -> Result<(), DataError> {
    if rows.any(|row| !row.source.is_empty() && !row.targets.is_empty()) {
        return Ok(());
    }
    Err(DataError::NoPairs {
        path: path.to_owned(),
    })
}

/// The split of every row: as the file says, or by shares, the same for the same source.
fn with_splits(file: &FileSource, rows: Vec<PairRow>) -> Result<Vec<(Split, PairRow)>, DataError> {
    let path = file.path.as_path();
    let wrong = |at: &Place, found: &str, expected: &str| DataError::Value {
        path: path.to_owned(),
        at: at.clone(),
        found: found.to_owned(),
        expected: expected.to_owned(),
    };
    let Some(shares) = &file.shares else {
        let of_row = |row: PairRow| match row.split {
            Some(split) => Ok((split, row)),
            None => Err(wrong(
                &row.at,
                "a source without a split",
                "a column or key `split`, or `data.text.pairs.file.shares` such as \"0.8,0.1,0.1\"",
            )),
        };
        return rows.into_iter().map(of_row).collect();
    };
    if let Some(row) = rows.iter().find(|row| row.split.is_some()) {
        return Err(wrong(
            &row.at,
            "a split, and `data.text.pairs.file.shares`",
            "one of the two",
        ));
    }
    let shared = |problem| DataError::Shares {
        path: path.to_owned(),
        problem,
    };
    let shares: Shares = shares.parse().map_err(shared)?;
    let is_whole = |row: &&PairRow| !row.source.is_empty() && !row.targets.is_empty();
    let sources = rows.iter().filter(is_whole).map(|row| row.source.clone());
    let drawn = SplitTable::draw(sources.collect(), &shares, file.seed).map_err(shared)?;
    let drawn = drawn.by_name();
    let of_row = |row: PairRow| {
        // Rows that are left out have none.
        let split = drawn
            .get(row.source.as_str())
            .copied()
            .unwrap_or(Split::Train);
        (split, row)
    };
    Ok(rows.into_iter().map(of_row).collect())
}
