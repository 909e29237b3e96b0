//! Tables of pairs: a source and its targets a row.

use std::borrow::Cow;
use std::path::Path;

use super::row::{PairRow, SPLITS, SourceText, filled, split_named, trimmed};
use crate::error::{Place, quoted};
use crate::rows::{Rows, lines_of, name_of_column};
use crate::{DataError, ExampleId};

/// Where the columns of a table are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    /// How many.
    count: usize,
    pub(super) source: usize,
    targets: Vec<usize>,
    id: Option<usize>,
    split: Option<usize>,
}

impl Columns {
    /// The columns of a header, if a line is one: it names a source, and nothing that is no column.
    pub(super) fn of_header(line: &str, delimiter: char) -> Option<Self> {
        let mut columns = Self::default();
        let mut has_source = false;
        for (at, name) in line.split(delimiter).map(name_of_column).enumerate() {
            columns.count += 1;
            match name.as_str() {
                "source" if !has_source => (columns.source, has_source) = (at, true),
                "id" => columns.id = Some(at),
                "split" => columns.split = Some(at),
                name => {
                    let number = name
                        .strip_prefix("target")
                        .map(|rest| rest.trim_start_matches('s'));
                    let number = number.map(|number| number.trim_start_matches(['_', '-', ' ']));
                    if number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
                    {
                        columns.targets.push(at);
                    }
                }
            }
        }
        has_source.then_some(columns)
    }
}

/// Calls `row` for all rows of a table; without a header, it is the source, a tab and the targets.
pub(super) fn for_each_row(
    path: &Path,
    text: &str,
    mut row: impl FnMut(PairRow<'_>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let first = lines_of(text).find(|(_, line)| !line.trim().is_empty());
    let Some((number, header)) = first else {
        return Ok(());
    };
    let with_targets = |delimiter| {
        let columns = Columns::of_header(header, delimiter);
        columns.filter(|columns| !columns.targets.is_empty())
    };
    if let Some(columns) = with_targets(',').filter(|_| !header.contains('\t')) {
        let mut rows = Rows::new(text, ',');
        // The header.
        let _ = rows.next_row();
        while let Some(record) = rows.next_row() {
            let record = record.map_err(|broken| broken.in_file(path))?;
            let fields: Vec<_> = record.fields.into_iter().map(|field| field.text).collect();
            row(columns.row(path, record.line, &fields)?)?;
        }
        return Ok(());
    }
    let columns = with_targets('\t');
    if columns.is_none() && Columns::of_header(header, '\t').is_some() {
        return Err(DataError::Value {
            path: path.to_owned(),
            at: Place::Line(number),
            found: format!("header {}", quoted(header)),
            expected: "a column `target` beside `source`".to_owned(),
        });
    }
    let lines = lines_of(text).filter(|(_, line)| !line.trim().is_empty());
    for (number, line) in lines.skip(usize::from(columns.is_some())) {
        let fields: Vec<Cow<str>> = line.split('\t').map(Cow::Borrowed).collect();
        row(match &columns {
            Some(columns) => columns.row(path, number, &fields)?,
            None => without_header(path, number, &fields)?,
        })?;
    }
    Ok(())
}

fn without_header<'a>(
    path: &Path,
    line: u64,
    fields: &[Cow<'a, str>],
) -> Result<PairRow<'a>, DataError> {
    let [source, targets @ ..] = fields else {
        return Err(too_few(path, line, fields));
    };
    if targets.is_empty() {
        return Err(too_few(path, line, fields));
    }
    Ok(PairRow {
        line,
        id: None,
        split: None,
        source: trimmed(source.clone()),
        targets: filled(targets.iter().cloned()),
    })
}

fn too_few(path: &Path, line: u64, fields: &[Cow<'_, str>]) -> DataError {
    let found = fields
        .first()
        .map(|field| quoted(field))
        .unwrap_or_default();
    DataError::Value {
        path: path.to_owned(),
        at: Place::Line(line),
        found: format!("{found} without a tab"),
        expected: "a source, a tab and a target".to_owned(),
    }
}

impl Columns {
    /// The source of a row.
    pub(super) fn source_of(
        &self,
        path: &Path,
        line: u64,
        fields: &[Cow<'_, str>],
    ) -> Result<SourceText, DataError> {
        let row = self.row(path, line, fields)?;
        Ok(SourceText::new(row.id, line, &row.source))
    }

    fn row<'a>(
        &self,
        path: &Path,
        line: u64,
        fields: &[Cow<'a, str>],
    ) -> Result<PairRow<'a>, DataError> {
        if fields.len() != self.count {
            let what = if fields.len() == 1 { "field" } else { "fields" };
            return Err(DataError::Csv {
                path: path.to_owned(),
                at: Place::Line(line),
                problem: format!(
                    "found {} {what}, expected {} as in the header",
                    fields.len(),
                    self.count
                ),
            });
        }
        let split = match self.split.map(|at| fields[at].trim()) {
            None => None,
            Some(name) => Some(split_named(name).ok_or_else(|| DataError::Value {
                path: path.to_owned(),
                at: Place::Line(line),
                found: format!("split {}", quoted(name)),
                expected: SPLITS.to_owned(),
            })?),
        };
        let id = self
            .id
            .map(|at| fields[at].trim())
            .filter(|id| !id.is_empty());
        Ok(PairRow {
            line,
            id: id.map(ExampleId::from),
            split,
            source: trimmed(fields[self.source].clone()),
            targets: filled(self.targets.iter().map(|&at| fields[at].clone())),
        })
    }
}
