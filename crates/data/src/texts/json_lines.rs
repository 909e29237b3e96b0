//! Pairs in JSON Lines: an object a line.

use std::path::Path;

use serde::Deserialize;

use super::row::{PairRow, SPLITS, filled, split_named, trimmed};
use crate::error::{Place, quoted};
use crate::json::{self, Object, Whole};
use crate::rows::lines_of;
use crate::{DataError, ExampleId};

/// What a line says of a source.
#[derive(Deserialize)]
struct Line {
    source: String,
    target: Option<String>,
    targets: Option<Vec<String>>,
    id: Option<ExampleId>,
    split: Option<String>,
}

impl Object for Line {
    const SHAPE: &'static str = r#"{"source", "target"}"#;
}

/// Whether text begins as JSON Lines do.
pub(super) fn is_it(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Calls `row` for all lines; empty ones are passed over.
pub(super) fn for_each_row(
    path: &Path,
    text: &str,
    needs_targets: bool,
    mut row: impl FnMut(PairRow<'_>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    for (number, line) in lines_of(text) {
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |problem: String| DataError::Json {
            path: path.to_owned(),
            at: Place::Line(number),
            problem,
        };
        let Whole(line) = json::parse::<Whole<Line>>(line.as_bytes())
            .map_err(|error| wrong(format!("{}{}", json::in_line(&error.at), error.problem)))?;
        let targets = match (line.target, line.targets) {
            (Some(target), None) => vec![target],
            (None, Some(targets)) => targets,
            (None, None) if !needs_targets => Vec::new(),
            (None, None) => {
                return Err(wrong(
                    "found no key `target` or `targets`, expected one of them".to_owned(),
                ));
            }
            (Some(_), Some(_)) => {
                return Err(wrong(
                    "found `target` and `targets`, expected one of them".to_owned(),
                ));
            }
        };
        let split = match line.split.as_deref() {
            None => None,
            Some(name) => Some(split_named(name).ok_or_else(|| DataError::Value {
                path: path.to_owned(),
                at: Place::Line(number),
                found: format!("split {}", quoted(name)),
                expected: SPLITS.to_owned(),
            })?),
        };
        row(PairRow {
            line: number,
            id: line.id,
            split,
            source: trimmed(line.source.into()),
            targets: filled(targets.into_iter().map(Into::into)),
        })?;
    }
    Ok(())
}
