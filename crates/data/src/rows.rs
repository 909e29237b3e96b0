//! Rows of delimited text, held to RFC 4180: what a lenient reader would guess is an error.

use std::borrow::Cow;
use std::path::Path;

use crate::DataError;
use crate::error::Place;

/// One row, its fields in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// The line in which it begins, from 1.
    pub(crate) line: u64,
    pub(crate) fields: Vec<Field<'a>>,
}

/// One field, without its quotation marks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    /// The lines in which it begins and ends, from 1.
    pub(crate) lines: (u64, u64),
    pub(crate) text: Cow<'a, str>,
}

/// What can be wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A quotation mark opens a field, and none closes it.
    Unclosed,
    /// A quotation mark stands in a field that does not begin with one.
    QuoteInside,
    /// Text stands between a closing quotation mark and the end of the field.
    TextBehindQuote,
}

/// A row that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The line in which the field begins, from 1.
    pub(crate) line: u64,
    /// The field, from 0.
    pub(crate) field: usize,
    pub(crate) fault: Fault,
}

impl Broken {
    /// The error of the file.
    pub(crate) fn in_file(&self, path: &Path) -> DataError {
        DataError::Csv {
            path: path.to_owned(),
            at: Place::Line(self.line),
            problem: format!("field {}: {}", self.field + 1, self.fault.message()),
        }
    }
}

impl Fault {
    /// What was found and what is right.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Unclosed => {
                "found a quotation mark that opens a field and is not closed, expected one at the end \
                 of the field"
            }
            Self::QuoteInside => {
                "found a quotation mark inside a field that does not begin with one, expected the whole \
                 field in quotation marks and those inside doubled, as in \"a \"\"stop\"\" sign\""
            }
            Self::TextBehindQuote => {
                "found text behind a closing quotation mark, expected the whole field in quotation marks \
                 and those inside doubled, as in \"a \"\"stop\"\" sign\""
            }
        }
    }
}

/// Reads row after row; empty lines are passed over.
#[derive(Debug, Clone)]
pub(crate) struct Rows<'a> {
    rest: &'a str,
    line: u64,
    delimiter: char,
    /// What is left, and its line, behind the first line of the row that was read last.
    behind: (&'a str, u64),
}

impl<'a> Rows<'a> {
    /// Rows of a text whose fields are divided by `delimiter`.
    pub(crate) fn new(text: &'a str, delimiter: char) -> Self {
        Self {
            rest: text,
            line: 1,
            delimiter,
            behind: (text, 1),
        }
    }

    /// Goes on behind the line in which the last row began, whatever that row swallowed.
    pub(crate) fn go_on_behind_line(&mut self) {
        (self.rest, self.line) = self.behind;
    }

    /// The next row, or nothing at the end.
    pub(crate) fn next_row(&mut self) -> Option<Result<Record<'a>, Broken>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let (line, rest) = first_line(self.rest);
            self.behind = (rest, self.line + 1);
            if !line.trim().is_empty() {
                break;
            }
            self.go_on_behind_line();
        }
        let line = self.line;
        let mut fields = Vec::new();
        loop {
            let begins = self.line;
            let text = match self.field() {
                Ok(text) => text,
                Err(fault) => {
                    return Some(Err(Broken {
                        line: begins,
                        field: fields.len(),
                        fault,
                    }));
                }
            };
            fields.push(Field {
                lines: (begins, self.line),
                text,
            });
            if let Some(rest) = self.rest.strip_prefix(self.delimiter) {
                self.rest = rest;
            } else {
                // Here the line ends, or the text.
                let (_, rest) = first_line(self.rest);
                (self.rest, self.line) = (rest, self.line + 1);
                return Some(Ok(Record { line, fields }));
            }
        }
    }

    /// The next field; what follows it is the delimiter, the end of a line or of the text.
    fn field(&mut self) -> Result<Cow<'a, str>, Fault> {
        let Some(inside) = self.rest.strip_prefix('"') else {
            let (text, rest) = self.until_end_of_field();
            if text.contains('"') {
                return Err(Fault::QuoteInside);
            }
            self.rest = rest;
            return Ok(Cow::Borrowed(text));
        };
        let mut text = Cow::Borrowed("");
        let mut inside = inside;
        loop {
            let Some((before, after)) = inside.split_once('"') else {
                return Err(Fault::Unclosed);
            };
            match &mut text {
                Cow::Borrowed("") => text = Cow::Borrowed(before),
                text => text.to_mut().push_str(before),
            }
            if let Some(after) = after.strip_prefix('"') {
                text.to_mut().push('"');
                inside = after;
                continue;
            }
            self.rest = after;
            self.line += line_ends(&text);
            return match self.until_end_of_field() {
                ("", _) => Ok(text),
                _ => Err(Fault::TextBehindQuote),
            };
        }
    }

    /// What is left of a field without quotation marks, and what follows it.
    fn until_end_of_field(&self) -> (&'a str, &'a str) {
        let ends = |character| character == self.delimiter || "\r\n".contains(character);
        self.rest
            .split_at(self.rest.find(ends).unwrap_or(self.rest.len()))
    }
}

/// A text up to its first line end, and from behind it; lines end as on any system.
pub(crate) fn first_line(text: &str) -> (&str, &str) {
    match text.find(['\r', '\n']) {
        None => (text, ""),
        Some(at) => {
            let (line, rest) = text.split_at(at);
            (line, rest.strip_prefix("\r\n").unwrap_or(&rest[1..]))
        }
    }
}

/// The lines of a text, counted from 1, whatever ends them.
pub(crate) fn lines_of(text: &str) -> impl Iterator<Item = (u64, &str)> {
    let mut rest = text;
    (1..).map_while(move |number| {
        if rest.is_empty() {
            return None;
        }
        let (line, behind) = first_line(rest);
        rest = behind;
        Some((number, line))
    })
}

/// A name in a header without white space, quotation marks and capitals.
pub(crate) fn name_of_column(name: &str) -> String {
    let name = name.trim();
    let bare = name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'));
    bare.unwrap_or(name).trim().to_lowercase()
}

/// The number of line ends.
fn line_ends(text: &str) -> u64 {
    let mut rest = text;
    let mut ends = 0;
    while rest.contains(['\r', '\n']) {
        (_, rest) = first_line(rest);
        ends += 1;
    }
    ends
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Found = Result<(u64, Vec<String>), (u64, usize, Fault)>;

    /// Every row as its line and fields, or the line, field and fault.
    fn read(text: &str) -> Vec<Found> {
        let mut rows = Rows::new(text, ',');
        let mut found = Vec::new();
        while let Some(row) = rows.next_row() {
            let broken = row.is_err();
            found.push(
                row.map(|row| {
                    (
                        row.line,
                        row.fields
                            .iter()
                            .map(|field| field.text.to_string())
                            .collect(),
                    )
                })
                .map_err(|broken| (broken.line, broken.field, broken.fault)),
            );
            if broken {
                rows.go_on_behind_line();
            }
        }
        found
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "it is compared with what is found"
    )]
    fn row(line: u64, fields: &[&str]) -> Found {
        Ok((line, fields.iter().map(|&field| field.to_owned()).collect()))
    }

    #[test]
    fn fields_are_read_when_quoted_and_unquoted() {
        let text = "a,b\n\n \"\n";
        assert_eq!(
            read(text),
            [row(1, &["a", "b"]), Err((3, 0, Fault::QuoteInside))]
        );
        let text = "a,\"b, \"\"c\"\"\nd\",\r\n,\"\"\n\"\"\"\",e";
        assert_eq!(
            read(text),
            [
                row(1, &["a", "b, \"c\"\nd", ""]),
                row(3, &["", ""]),
                row(4, &["\"", "e"])
            ]
        );
    }

    #[test]
    fn lines_are_counted_when_they_end_as_on_other_systems() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["a,b", "", "c,\"d", "e\"", "f,g"].join(end);
            let within = format!("d{end}e");
            assert_eq!(
                read(&text),
                [
                    row(1, &["a", "b"]),
                    row(3, &["c", &within]),
                    row(5, &["f", "g"])
                ]
            );
        }
    }

    #[test]
    fn faults_are_told_with_the_line_where_the_field_begins() {
        let text = "a,\"b\nc\",\"d\ne\nf,g";
        assert_eq!(
            read(text),
            [
                Err((2, 2, Fault::Unclosed)),
                Err((2, 0, Fault::QuoteInside)),
                row(3, &["e"]),
                row(4, &["f", "g"])
            ]
        );
        assert_eq!(read("a,\"b\"c")[0], Err((1, 1, Fault::TextBehindQuote)));
        assert_eq!(read("a,\"b\" ,c")[0], Err((1, 1, Fault::TextBehindQuote)));
        assert_eq!(read("a,b\"c\"")[0], Err((1, 1, Fault::QuoteInside)));
        assert_eq!(read("a, \"b\"")[0], Err((1, 1, Fault::QuoteInside)));
    }

    proptest! {
        #[test]
        fn rows_are_those_that_another_program_wrote(
            table in prop::collection::vec(prop::collection::vec("[ab,\"\r\n é]{0,6}", 2..4), 0..5),
            quoting in prop::sample::select(vec![csv::QuoteStyle::Always, csv::QuoteStyle::Necessary]),
        ) {
            let mut writer = csv::WriterBuilder::new().flexible(true).quote_style(quoting).from_writer(Vec::new());
            for row in &table {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let found: Vec<Vec<String>> = read(&text).into_iter().map(|row| row.unwrap().1).collect();
            prop_assert_eq!(found, table);
        }
    }
}
