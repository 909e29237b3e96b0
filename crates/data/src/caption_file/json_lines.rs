//! Captions in JSON Lines.

use std::path::Path;

use serde::Deserialize;

use crate::coco_evaluation::CaptionResult;
use crate::error::Place;
use crate::json::{self, Object, Whole};
use crate::{DataError, ExampleId, text};

/// What a line says of an image.
#[derive(Deserialize)]
struct Row {
    #[serde(alias = "image")]
    image_id: ExampleId,
    caption: Option<String>,
    captions: Option<Vec<String>>,
}

impl Object for Row {
    const SHAPE: &'static str = r#"{"image_id", "caption"}"#;
}

/// Whether a file, of which this is the beginning, is one line with a caption.
pub(super) fn is_one_line(start: &[u8]) -> bool {
    let is_one = start.trim_ascii().iter().all(|&byte| byte != b'\n');
    is_one && json::parse::<Whole<Row>>(start).is_ok()
}

/// Reads the captions of all lines; empty lines are passed over.
pub(super) fn read(path: &Path) -> Result<Vec<CaptionResult>, DataError> {
    let text = text::read(path)?;
    let mut results = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |problem: String| DataError::Json {
            path: path.to_owned(),
            at: Place::Line(number),
            problem,
        };
        let Whole(row) = json::parse::<Whole<Row>>(line.as_bytes())
            .map_err(|error| wrong(format!("{}{}", json::in_line(&error.at), error.problem)))?;
        let captions = match (row.caption, row.captions) {
            (Some(caption), None) => vec![caption],
            (None, Some(captions)) => captions,
            (None, None) => {
                return Err(wrong("found no key `caption`, expected one".to_owned()));
            }
            (Some(_), Some(_)) => {
                let problem = "found `caption` and `captions`, expected one of them";
                return Err(wrong(problem.to_owned()));
            }
        };
        results.extend(captions.into_iter().map(|caption| CaptionResult {
            image_id: row.image_id.clone(),
            caption,
            at: Some(Place::Line(number)),
        }));
    }
    Ok(results)
}
