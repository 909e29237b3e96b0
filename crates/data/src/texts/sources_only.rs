//! Sources without targets: what is to be decoded.

use std::path::Path;

use super::json_lines;
use super::row::SourceText;
use super::table::Columns;
use crate::rows::{Rows, lines_of};
use crate::{DataError, text};

/// Reads sources: a source a line, JSON Lines with `source`, or a table whose header has a column `source`. Lines of plain
/// text count even when they are empty, so that what is decoded has as many lines.
///
/// # Errors
///
/// The file cannot be read or is malformed.
pub fn read_sources(path: &Path) -> Result<Vec<SourceText>, DataError> {
    let text = text::read(path)?;
    let mut sources = Vec::new();
    if json_lines::is_it(&text) {
        let mut number = 0;
        json_lines::for_each_row(path, &text, false, |row| {
            number += 1;
            sources.push(SourceText::new(row.id, number, &row.source));
            Ok(())
        })?;
        return Ok(sources);
    }
    let header = lines_of(&text).next().map_or("", |(_, line)| line);
    let delimiter = if header.contains('\t') { '\t' } else { ',' };
    if let Some(columns) = Columns::of_header(header, delimiter) {
        if delimiter == ',' {
            let mut rows = Rows::new(&text, ',');
            // The header.
            let _ = rows.next_row();
            while let Some(row) = rows.next_row() {
                let row = row.map_err(|broken| broken.in_file(path))?;
                let fields: Vec<_> = row.fields.into_iter().map(|field| field.text).collect();
                sources.push(columns.source_of(path, row.line, &fields)?);
            }
        } else {
            let lines = lines_of(&text)
                .skip(1)
                .filter(|(_, line)| !line.trim().is_empty());
            for (number, line) in lines {
                let fields: Vec<_> = line.split('\t').map(std::borrow::Cow::Borrowed).collect();
                sources.push(columns.source_of(path, number, &fields)?);
            }
        }
        return Ok(sources);
    }
    let lines = lines_of(&text);
    Ok(lines
        .map(|(number, line)| SourceText::new(None, number, line))
        .collect())
}
