//! JSON documents whose errors name the key and speak of lists, objects and text.

mod plain;

use std::fmt;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::DataError;
use crate::error::Place;
use crate::looks_like::{Kind, looks_like};

/// What is wrong with a document, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The path of keys to the value, the line and column, or the file.
    pub(crate) at: Place,
    /// What was found and expected.
    pub(crate) problem: String,
}

/// A struct with derived `Deserialize` that stands for an object in a document.
pub(crate) trait Object: DeserializeOwned {
    /// The keys that it must have, as in `{"id", "file_name"}`.
    const SHAPE: &'static str;
}

/// A `T` from an object alone; by itself, what serde derives also takes a list, key by key.
#[derive(Debug)]
pub(crate) struct Whole<T>(pub(crate) T);

impl<'de, T: Object> Deserialize<'de> for Whole<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys<T>(std::marker::PhantomData<T>);
        impl<'de, T: Object> Visitor<'de> for Keys<T> {
            type Value = Whole<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an object {}", T::SHAPE)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Whole<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Whole)
            }
        }
        deserializer.deserialize_map(Keys(std::marker::PhantomData))
    }
}

/// A list of objects, for `#[serde(deserialize_with)]`.
pub(crate) fn objects<'de, T: Object, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    struct Items<T>(std::marker::PhantomData<T>);
    impl<'de, T: Object> Visitor<'de> for Items<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of objects {}", T::SHAPE)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
            let mut objects = Vec::new();
            while let Some(Whole(object)) = items.next_element()? {
                objects.push(object);
            }
            Ok(objects)
        }
    }
    deserializer.deserialize_seq(Items(std::marker::PhantomData))
}

/// The same for a list that may be absent.
pub(crate) fn some_objects<'de, T: Object, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    objects(deserializer).map(Some)
}

/// A place in a line, for a message that names the line already.
pub(crate) fn in_line(at: &Place) -> String {
    match at {
        Place::Key(key) => format!("{key}: "),
        Place::Position { column, .. } => format!("column {column}: "),
        _ => String::new(),
    }
}

/// A whole document that is a list of objects.
struct Objects<T>(Vec<T>);

impl<'de, T: Object> Deserialize<'de> for Objects<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        objects(deserializer).map(Self)
    }
}

/// Parses a document, with a byte order mark or without.
///
/// # Errors
///
/// It is not JSON, or a value has another type than `T` wants.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // Following the path of keys costs time, so it is done only once there is an error to explain.
    serde_json::from_slice(json).or_else(|_| {
        let document = &mut serde_json::Deserializer::from_slice(json);
        let value = serde_path_to_error::deserialize(&mut *document).map_err(|error| {
            let key = error.path().to_string();
            explain(json, &key, &error.into_inner())
        })?;
        let end = document.end();
        end.map(|()| value)
            .map_err(|error| explain(json, ".", &error))
    })
}

/// Reads and parses a file.
///
/// # Errors
///
/// As for [`parse`], and the file cannot be read.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, DataError> {
    let json = fs::read(path).map_err(DataError::read(path))?;
    parse(&json).map_err(|Problem { at, problem }| DataError::Json {
        path: path.to_owned(),
        at,
        problem,
    })
}

/// Reads a file that is one object.
///
/// # Errors
///
/// As for [`read`].
pub(crate) fn read_object<T: Object>(path: &Path) -> Result<T, DataError> {
    read(path).map(|Whole(object)| object)
}

/// Reads a file that is a list of objects.
///
/// # Errors
///
/// As for [`read`].
pub(crate) fn read_objects<T: Object>(path: &Path) -> Result<Vec<T>, DataError> {
    read(path).map(|Objects(objects)| objects)
}

/// The problem behind an error of the parser, for people.
fn explain(json: &[u8], key: &str, error: &serde_json::Error) -> Problem {
    let of_file = |problem: String| Problem {
        at: Place::File,
        problem,
    };
    let kind = looks_like(json);
    let known = key.trim_end_matches(['.', '?']);
    // Of JSON Lines, the first line alone is read.
    let is_first_line = kind == Kind::JsonLines
        && (known.is_empty() && error.is_data() || plain::is_behind_the_end(error));
    if is_first_line {
        return of_file(format!("this seems to be {kind}, expected JSON"));
    }
    if error.is_data() {
        return Problem {
            at: match known {
                "" => Place::File,
                known => Place::Key(known.to_owned()),
            },
            problem: plain::of_value(error),
        };
    }
    match kind {
        Kind::Json | Kind::JsonLines | Kind::Text => {}
        Kind::Unknown if json.trim_ascii_start().starts_with(b"{") => {}
        kind => return of_file(format!("this seems to be {kind}, expected JSON")),
    }
    if let Err(error) = std::str::from_utf8(json) {
        let (line, column) = plain::line_and_column(json, error.valid_up_to());
        return Problem {
            at: Place::Position { line, column },
            problem: "found bytes that are not UTF-8, expected text".to_owned(),
        };
    }
    let (line, column, problem) = plain::of_syntax(json, error);
    Problem {
        at: Place::Position { line, column },
        problem,
    }
}

#[cfg(test)]
mod tests;
