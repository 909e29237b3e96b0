//! CSV tables of two columns whose errors name the line.

use std::path::Path;

use crate::DataError;
use crate::error::{Place, quoted};
use crate::text;

/// Calls `row` with the line and the two fields of every row of a table `image,<second>`.
///
/// # Errors
///
/// The file cannot be read, is not UTF-8, has another header or rows of other than two fields, or
/// `row` fails.
pub(super) fn for_each_row(
    path: &Path,
    second: &str,
    mut row: impl FnMut(u64, &str, &str) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let text = text::read(path)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut lines = Lines::new(&text);
    let mut record = csv::StringRecord::new();
    let mut header_seen = false;
    loop {
        let more = reader.read_record(&mut record);
        let line = lines.line_of(&record);
        if !more.map_err(|error| malformed(path, line, error.to_string()))? {
            break;
        }
        let fields = (record.get(0), record.get(1), record.len());
        let (Some(image), Some(value), 2) = fields else {
            let found = record.len();
            let problem = format!(
                "found {found} fields, expected 2 (a value with a comma must stand in quotes)"
            );
            return Err(malformed(path, line, problem));
        };
        if header_seen {
            row(line, image, value)?;
        } else if image == "image" && value == second {
            header_seen = true;
        } else {
            return Err(DataError::Value {
                path: path.to_owned(),
                at: Place::Line(line),
                found: format!("header {}", quoted(&format!("{image},{value}"))),
                expected: format!("`image,{second}`"),
            });
        }
    }
    if header_seen {
        Ok(())
    } else {
        Err(DataError::NoImages {
            path: path.to_owned(),
        })
    }
}

fn malformed(path: &Path, line: u64, problem: String) -> DataError {
    DataError::Csv {
        path: path.to_owned(),
        at: Place::Line(line),
        problem,
    }
}

/// Counts lines up to a record. The reader's own count leaves out the empty lines before it.
struct Lines<'a> {
    bytes: &'a [u8],
    counted: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            counted: 0,
            line: 1,
        }
    }

    fn line_of(&mut self, record: &csv::StringRecord) -> u64 {
        let start = record
            .position()
            .map_or(0, |position| position.byte() as usize);
        let is_break = |&&byte: &&u8| byte == b'\n' || byte == b'\r';
        let rest = self.bytes.get(start..).unwrap_or_default();
        let start = start + rest.iter().take_while(is_break).count();
        let passed = self.bytes.get(self.counted..start).unwrap_or_default();
        self.line += text::breaks(passed);
        self.counted = start.max(self.counted);
        self.line
    }
}
