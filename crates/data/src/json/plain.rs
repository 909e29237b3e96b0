//! What the parser says, in the words of people who write JSON and have never seen the parser.

use serde_json::error::Category;

use crate::error::quoted;

/// What is wrong with a value that is valid JSON.
pub(super) fn of_value(error: &serde_json::Error) -> String {
    let message = without_position(error);
    let kinds = ["invalid type: ", "invalid value: ", "invalid length "];
    let mismatch = kinds.iter().find_map(|kind| message.strip_prefix(kind));
    if let Some((found, expected)) = mismatch.and_then(|text| text.rsplit_once(", expected ")) {
        return format!(
            "found {}, expected {}",
            of_found(found),
            of_expected(expected)
        );
    }
    if let Some(key) = message.strip_prefix("missing field ") {
        return format!("the key {key} is missing");
    }
    if let Some(key) = message.strip_prefix("duplicate field ") {
        return format!("the key {key} appears twice");
    }
    message
}

/// The message without its last words, which say line and column.
fn without_position(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    match message.strip_suffix(&position) {
        Some(message) => message.to_owned(),
        None => message,
    }
}

/// What stands in the document.
fn of_found(found: &str) -> String {
    if let Some(text) = found.strip_prefix("string ") {
        // As the parser quotes it.
        let text = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        return format!("the text {}", cut(text.unwrap_or_default()));
    }
    let quoted = ["boolean ", "integer ", "floating point ", "number "];
    if let Some(value) = quoted.iter().find_map(|kind| found.strip_prefix(kind)) {
        return value.trim_matches('`').to_owned();
    }
    match found {
        "map" => "an object".to_owned(),
        "sequence" => "a list".to_owned(),
        "unit value" => "null".to_owned(),
        other => other.to_owned(),
    }
}

/// Text that is escaped already, in quotes and no longer than in other messages.
fn cut(escaped: &str) -> String {
    const LONGEST: usize = 60;
    match escaped.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("\"{}\"...", &escaped[..end]),
        None => format!("\"{escaped}\""),
    }
}

/// What the program takes.
fn of_expected(expected: &str) -> &str {
    match expected {
        "u64" | "usize" => "a whole number from 0",
        "u32" => "a whole number from 0 to 4294967295",
        "u16" => "a whole number from 0 to 65535",
        "u8" => "a whole number from 0 to 255",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" | "a borrowed string" | "a character" => "text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        "unit" => "null",
        other if other.starts_with("struct ") => "an object",
        other if other.starts_with("a tuple ") || other.starts_with("an array ") => "a list",
        other => other,
    }
}

/// Whether a document is followed by something.
pub(super) fn is_behind_the_end(error: &serde_json::Error) -> bool {
    without_position(error) == "trailing characters"
}

/// Line and column, counted from 1 in characters, and what is wrong there.
pub(super) fn of_syntax(json: &[u8], error: &serde_json::Error) -> (u64, u64, String) {
    let lines = json.split(|&byte| byte == b'\n');
    let start: usize = lines
        .take(error.line().saturating_sub(1))
        .map(|line| line.len() + 1)
        .sum();
    // A line break within a text is told as column 0 of the next line.
    let at = (start + error.column()).saturating_sub(1).min(json.len());
    let (line, column) = line_and_column(json, at);
    let message = without_position(error);
    if error.classify() == Category::Eof {
        let inside = match message.trim_start_matches("EOF while parsing ") {
            "a list" => "a list",
            "an object" => "an object",
            "a string" => "a text",
            _ => "a value",
        };
        let (line, column) = line_and_column(json, json.len());
        let problem = format!("the file ends in the middle of {inside}: it is cut short");
        return (line, column.saturating_sub(1), problem);
    }
    let found = found_at(json, at);
    let problem = match message.as_str() {
        "trailing comma" => format!("found {found} behind a comma, expected no comma at the end"),
        "trailing characters" => {
            format!("found {found} behind the end of the document, expected nothing")
        }
        "key must be a string" => format!("found {found}, expected a key in double quotes"),
        "expected value" => {
            format!("found {found}, expected a value (text stands in double quotes)")
        }
        "expected ident" => format!("found {found}, expected true, false or null"),
        "invalid escape" => "found a backslash that escapes nothing that JSON knows, expected \\\\ \
                             for the backslash itself"
            .to_owned(),
        "invalid number" | "number out of range" => {
            "found a number that JSON cannot have, expected one such as 7 or -0.5".to_owned()
        }
        message if message.starts_with("control character") => {
            "found a line break or another control character in a text, expected it as \\n, \\t or \\u"
                .to_owned()
        }
        message if message.starts_with("expected ") => format!("found {found}, {message}"),
        message => format!("found {found}: {message}"),
    };
    (line, column, problem)
}

/// The word or character that begins at a byte, quoted.
fn found_at(json: &[u8], at: usize) -> String {
    let rest = String::from_utf8_lossy(&json[at..json.len().min(at + 200)]);
    let is_word = |character: &char| character.is_alphanumeric() || "_-+.".contains(*character);
    let word: String = rest.chars().take_while(is_word).collect();
    match (word.is_empty(), rest.chars().next()) {
        (false, _) => quoted(&word),
        (true, Some(character)) => quoted(&character.to_string()),
        (true, None) => "the end of the file".to_owned(),
    }
}

/// Line and column of a byte, counted from 1, columns in characters.
pub(super) fn line_and_column(json: &[u8], at: usize) -> (u64, u64) {
    let before = &json[..at];
    let start = before
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |end| end + 1);
    let line = before.split(|&byte| byte == b'\n').count() as u64;
    let column = String::from_utf8_lossy(&before[start..]).chars().count() as u64 + 1;
    (line, column)
}
