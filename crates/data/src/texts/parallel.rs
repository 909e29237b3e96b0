//! Parallel files: the same line of each belongs together.

use super::row::PairRow;
use super::source::ParallelFiles;
use crate::rows::lines_of;
use crate::{DataError, text};

/// Calls `row` for all lines, empty ones too.
pub(super) fn for_each_row(
    files: &ParallelFiles,
    mut row: impl FnMut(PairRow) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let sources = text::read(&files.source)?;
    let count = lines_of(&sources).count();
    let mut targets = Vec::with_capacity(files.targets.len());
    for path in &files.targets {
        let text = text::read(path)?;
        let found = lines_of(&text).count();
        if found != count {
            return Err(DataError::ParallelLines {
                path: path.clone(),
                found,
                source_path: files.source.clone(),
                expected: count,
            });
        }
        targets.push(text);
    }
    let mut targets: Vec<_> = targets.iter().map(|text| lines_of(text)).collect();
    for (number, source) in lines_of(&sources) {
        let lines = targets
            .iter_mut()
            .filter_map(|lines| Some(lines.next()?.1.trim()));
        row(PairRow {
            line: number,
            id: None,
            split: None,
            source: source.trim().to_owned(),
            targets: lines
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect(),
        })?;
    }
    Ok(())
}
