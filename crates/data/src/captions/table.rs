//! Tables in text, of captions or of splits, whose errors name the line and the row.
//!
//! | layout | told by its first line |
//! |---|---|
//! | CSV, as Kaggle's `captions.txt`, with commas, semicolons or tabs; other columns are passed over | `image,caption` |
//! | Flickr30k's `results.csv` | `image_name\| comment_number\| comment` |
//! | Flickr8k's `Flickr8k.token.txt` | `name.jpg#0`, a tab, a caption |

mod lines;

use std::path::Path;

use crate::error::{Place, quoted};
use crate::looks_like::{Kind, looks_like};
use crate::notice::Notice;
use crate::rows::{Broken, Record, Rows, lines_of, name_of_column};
use crate::{DataError, text};

use lines::Line;

/// What the second column of a table says of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Caption,
    Split,
}

impl Column {
    /// Its name in a header.
    fn name(self) -> &'static str {
        match self {
            Self::Caption => "caption",
            Self::Split => "split",
        }
    }

    /// Whether a header names it so.
    fn is_named(self, name: &str) -> bool {
        name == self.name() || (self == Self::Caption && name == "comment")
    }
}

/// How the table came to be, which decides what is usual in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// A table that somebody made for this data.
    Own,
    /// A file of Flickr8k or Flickr30k, which holds more images than their splits do.
    Flickr,
}

/// What there is to say of a table beside its rows.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) layout: Layout,
    /// What the table was taken for, unless it is CSV with two columns.
    pub(super) seen_as: Option<&'static str>,
    pub(super) notices: Vec<Notice>,
}

/// Whether text begins as a table of captions.
pub(crate) fn has_header(text: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    matches!(
        Header::find(Path::new(""), Column::Caption, text),
        Ok(Some(_))
    )
}

/// Calls `row` with line, image and value of every row.
///
/// `is_image` knows names of images, so that a quotation mark that swallows rows is found out.
///
/// # Errors
///
/// The file cannot be read, is not UTF-8, has a header of none of the layouts, holds a row that is malformed, or `row`
/// fails.
pub(super) fn for_each_row(
    path: &Path,
    column: Column,
    is_image: impl Fn(&str) -> bool,
    mut row: impl FnMut(u64, &str, &str) -> Result<(), DataError>,
) -> Result<Read, DataError> {
    let text = text::read(path)?;
    let Some(header) = Header::find(path, column, &text)? else {
        return Err(DataError::NoImages {
            path: path.to_owned(),
        });
    };
    match header {
        Header::Delimited(columns) => {
            read_delimited(path, &text, &columns, &is_image, &mut row)?;
            Ok(Read {
                layout: Layout::Own,
                seen_as: columns.seen_as(),
                notices: Vec::new(),
            })
        }
        Header::Pipes { columns } => read_lines(path, &text, true, &mut row, |line| {
            lines::of_pipes(line, columns)
        }),
        Header::Tokens => read_lines(path, &text, false, &mut row, lines::of_token_file),
    }
}

/// Where a table with a header has its columns.
struct Columns {
    delimiter: char,
    names: Vec<String>,
    image: usize,
    value: usize,
}

/// What the first line says.
enum Header {
    Delimited(Columns),
    Pipes { columns: usize },
    Tokens,
}

impl Header {
    /// The header of a text, or nothing if there is no line in it.
    fn find(path: &Path, column: Column, text: &str) -> Result<Option<Self>, DataError> {
        let Some((number, line)) = lines_of(text).find(|(_, line)| !line.trim().is_empty()) else {
            return Ok(None);
        };
        for delimiter in [',', ';', '\t', '|'] {
            let names: Vec<String> = line.split(delimiter).map(name_of_column).collect();
            let place = |is_it: &dyn Fn(&str) -> bool| names.iter().position(|name| is_it(name));
            let image = place(&|name| name == "image" || name == "image_name");
            let value = place(&|name| column.is_named(name));
            let (Some(image), Some(value)) = (image, value) else {
                continue;
            };
            if delimiter == '|' && (image, value + 1) == (0, names.len()) {
                return Ok(Some(Self::Pipes {
                    columns: names.len(),
                }));
            }
            return Ok(Some(Self::Delimited(Columns {
                delimiter,
                names,
                image,
                value,
            })));
        }
        if column == Column::Caption && matches!(lines::of_token_file(line), Line::Caption(..)) {
            return Ok(Some(Self::Tokens));
        }
        let expected = format!("`image,{}`", column.name());
        match looks_like(text.as_bytes()) {
            Kind::Table | Kind::Text => Err(DataError::Value {
                path: path.to_owned(),
                at: Place::Line(number),
                found: format!("header {}", quoted(line)),
                expected,
            }),
            kind => Err(DataError::SeemsToBe {
                path: path.to_owned(),
                kind,
                expected: format!("a table with the header {expected}"),
            }),
        }
    }
}

fn read_delimited(
    path: &Path,
    text: &str,
    columns: &Columns,
    is_image: &dyn Fn(&str) -> bool,
    row: &mut dyn FnMut(u64, &str, &str) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut rows = Rows::new(text, columns.delimiter);
    // The header.
    let _ = rows.next_row();
    let mut number = 0;
    while let Some(record) = rows.next_row() {
        number += 1;
        let record =
            record.map_err(|broken| columns.broken(path, number, &broken, rows.clone()))?;
        columns.check(path, number, &record, is_image)?;
        let image = record.fields[columns.image].text.trim();
        let value = &record.fields[columns.value].text;
        row(record.line, image, value)?;
    }
    if number == 0 {
        return Err(DataError::NoImages {
            path: path.to_owned(),
        });
    }
    Ok(())
}

impl Columns {
    fn malformed(path: &Path, line: u64, row: u64, problem: String) -> DataError {
        DataError::Csv {
            path: path.to_owned(),
            at: Place::Row { line, row },
            problem,
        }
    }

    /// What the table is, unless it is CSV with two columns.
    fn seen_as(&self) -> Option<&'static str> {
        match (self.delimiter, self.names.len()) {
            (',', 2) => None,
            (',', _) => Some("a table with more columns"),
            (';', _) => Some("a table with semicolons between its columns"),
            ('\t', _) => Some("a table with tabs between its columns"),
            _ => Some("a table with bars between its columns"),
        }
    }

    /// The error of a row that cannot be read, with the lines of the next ones.
    fn broken(&self, path: &Path, row: u64, broken: &Broken, mut rows: Rows<'_>) -> DataError {
        /// As many lines are named beside the first.
        const MORE: usize = 3;
        let mut more = Vec::new();
        rows.go_on_behind_line();
        while more.len() < MORE {
            match rows.next_row() {
                None => break,
                Some(Ok(_)) => {}
                Some(Err(broken)) => {
                    more.push(broken.line.to_string());
                    rows.go_on_behind_line();
                }
            }
        }
        let column = match self.names.get(broken.field).map(String::as_str) {
            None | Some("") => format!("field {}", broken.field + 1),
            Some(name) => format!("`{name}`"),
        };
        let more = match more.as_slice() {
            [] => String::new(),
            [one] => format!("; line {one} is wrong too"),
            lines => format!("; lines {} are wrong too", lines.join(", ")),
        };
        let problem = format!("{column}: {}{more}", broken.fault.message());
        Self::malformed(path, broken.line, row, problem)
    }

    /// Holds a row to the header, and its fields to what they can be.
    fn check(
        &self,
        path: &Path,
        row: u64,
        record: &Record<'_>,
        is_image: &dyn Fn(&str) -> bool,
    ) -> Result<(), DataError> {
        let (found, expected) = (record.fields.len(), self.names.len());
        if found != expected {
            let what = if found == 1 { "field" } else { "fields" };
            let hint = match (found > expected, self.delimiter) {
                (true, ',') => " (a value with a comma must stand in quotation marks)",
                (true, ';') => " (a value with a semicolon must stand in quotation marks)",
                (true, _) => " (a value with a tab must stand in quotation marks)",
                (false, _) => " as in the header",
            };
            let problem = format!("found {found} {what}, expected {expected}{hint}");
            return Err(Self::malformed(path, record.line, row, problem));
        }
        let image = &record.fields[self.image];
        for field in &record.fields {
            let (first, last) = field.lines;
            if first == last {
                continue;
            }
            let begins_a_row = |line: &str| {
                let name = line.split(self.delimiter).next().unwrap_or_default();
                let name = name.trim().trim_matches('"');
                line.contains(self.delimiter)
                    && (is_image(name) || name == image.text.trim() || ends_as_image(name))
            };
            let mut inside = lines_of(&field.text).skip(1);
            let swallowed = inside.find(|(_, line)| begins_a_row(line));
            if let Some((nth, _)) = swallowed {
                let problem = format!(
                    "found a quotation mark that opens a field and is closed no sooner than in line {last}, behind the \
                     row that begins in line {}, expected one at the end of the field",
                    first + nth - 1
                );
                return Err(Self::malformed(path, first, row, problem));
            }
        }
        if image.lines.0 != image.lines.1 {
            let problem = "found a line break in the name of an image, expected none".to_owned();
            return Err(Self::malformed(path, image.lines.0, row, problem));
        }
        Ok(())
    }
}

/// Whether a name ends as files of images do.
fn ends_as_image(name: &str) -> bool {
    let ending = name
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_lowercase());
    let endings = ["jpg", "jpeg", "png", "gif", "webp", "bmp", "tif", "tiff"];
    ending.is_some_and(|ending| endings.contains(&ending.as_str()))
}

fn read_lines<'t>(
    path: &Path,
    text: &'t str,
    has_header: bool,
    row: &mut dyn FnMut(u64, &str, &str) -> Result<(), DataError>,
    parse: impl Fn(&'t str) -> Line<'t>,
) -> Result<Read, DataError> {
    let mut notices = Vec::new();
    let mut missing = (0, 0);
    let lines = lines_of(text).filter(|(_, line)| !line.trim().is_empty());
    let mut rows = 0;
    for (line, content) in lines.skip(usize::from(has_header)) {
        rows += 1;
        match parse(content) {
            Line::Caption(image, caption) => row(line, image, caption)?,
            Line::Mended(image, caption) => {
                notices.push(Notice::MissingDelimiter {
                    path: path.to_owned(),
                    line,
                    caption: caption.to_owned(),
                });
                row(line, image, caption)?;
            }
            Line::Missing => {
                missing = (missing.0 + 1, if missing.0 == 0 { line } else { missing.1 });
            }
            Line::Malformed => {
                let expected = if has_header {
                    "name.jpg| 0| a caption"
                } else {
                    "name.jpg#0, a tab and a caption"
                };
                let problem = format!(
                    "found {}, expected a row such as {expected}",
                    quoted(content)
                );
                return Err(Columns::malformed(path, line, rows, problem));
            }
        }
    }
    if let (rows @ 1.., line) = missing {
        notices.push(Notice::MissingCaptions {
            path: path.to_owned(),
            rows,
            line,
        });
    }
    Ok(Read {
        layout: Layout::Flickr,
        seen_as: Some(if has_header {
            "`results.csv` of Flickr30k"
        } else {
            "`Flickr8k.token.txt`"
        }),
        notices,
    })
}
