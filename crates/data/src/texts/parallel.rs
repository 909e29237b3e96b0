//! Parallel files: the same line of each belongs together.

use super::row::{PairRow, filled};
use super::source::ParallelFiles;
use crate::DataError;
use crate::rows::lines_of;
use crate::text::LargeText;

/// Calls `row` for all lines, empty ones too.
pub(super) fn for_each_row(
    files: &ParallelFiles,
    mut row: impl FnMut(PairRow<'_>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let sources = LargeText::open(&files.source)?;
    let sources = sources.text()?;
    let count = lines_of(sources).count();
    let opened: Result<Vec<_>, _> = files.targets.iter().map(|p| LargeText::open(p)).collect();
    let opened = opened?;
    let mut targets = Vec::with_capacity(opened.len());
    for (path, file) in files.targets.iter().zip(&opened) {
        let text = file.text()?;
        let found = lines_of(text).count();
        if found != count {
            return Err(DataError::ParallelLines {
                path: path.clone(),
                found,
                source_path: files.source.clone(),
                expected: count,
            });
        }
        targets.push(lines_of(text));
    }
    for (number, source) in lines_of(sources) {
        let lines = targets
            .iter_mut()
            .filter_map(|lines| Some(lines.next()?.1.into()));
        row(PairRow {
            line: number,
            id: None,
            split: None,
            source: source.trim().into(),
            targets: filled(lines),
        })?;
    }
    Ok(())
}
