//! The header of the `.npy` format, versions 1.0 to 3.0.
//!
//! Written by hand, because only the length of the header makes mapping possible, and so that a
//! hostile header can neither ask for much memory nor recurse. The format is that of NumPy's
//! `numpy.lib.format`: magic, version, length, then a Python dictionary with exactly the keys
//! `descr`, `fortran_order` and `shape`.

use std::io::{self, Read};
use std::path::Path;

use super::element::Element;
use crate::DataError;
use crate::error::quoted;
use crate::looks_like::{ENOUGH_BYTES, looks_like};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// NumPy writes 128 bytes for an array; ten times more would be a record type.
const LONGEST_HEADER: u32 = 65_536;
/// As NumPy's own limit.
const MOST_DIMENSIONS: usize = 64;

/// What the header says of the array that follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// The type of the elements.
    pub(super) element: Element,
    /// The sizes of the dimensions, in C order.
    pub(super) shape: Vec<usize>,
    /// The number of bytes before the first element.
    pub(super) length: usize,
    /// The number of bytes of all elements.
    pub(super) data_bytes: usize,
}

/// Reads the header; `array` is the name of the array for errors.
///
/// # Errors
///
/// Reading fails, the header is malformed, or the array is not one of little-endian floats in C
/// order.
pub(super) fn read_header(
    path: &Path,
    array: &str,
    mut source: impl Read,
) -> Result<Header, DataError> {
    let invalid = |problem: String| DataError::FeatureFormat {
        path: path.to_owned(),
        format: "npy",
        problem: format!("{array}: {problem}"),
    };
    let cut = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => invalid("it ends within its header".to_owned()),
        // What a compressed source gives for damage.
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
            invalid("it is damaged".to_owned())
        }
        _ => DataError::read(path)(error),
    };
    let mut start = [0; 8];
    source.read_exact(&mut start).map_err(cut)?;
    if &start[..6] != MAGIC {
        let mut start = start.to_vec();
        let more = source.take(ENOUGH_BYTES as u64).read_to_end(&mut start);
        more.map_err(cut)?;
        let kind = looks_like(&start);
        return Err(invalid(format!(
            "it looks like {kind}, expected an .npy array"
        )));
    }
    let (text_length, prefix) = match start[6] {
        1 => {
            let mut length = [0; 2];
            source.read_exact(&mut length).map_err(cut)?;
            (u32::from(u16::from_le_bytes(length)), 10)
        }
        2 | 3 => {
            let mut length = [0; 4];
            source.read_exact(&mut length).map_err(cut)?;
            (u32::from_le_bytes(length), 12)
        }
        version => {
            return Err(invalid(format!(
                "found format version {version}, expected 1 to 3"
            )));
        }
    };
    if text_length > LONGEST_HEADER {
        return Err(invalid(format!(
            "found a header of {text_length} bytes, expected at most {LONGEST_HEADER}"
        )));
    }
    let mut text = vec![0; text_length as usize];
    source.read_exact(&mut text).map_err(cut)?;
    let text = String::from_utf8_lossy(&text);
    let fields = parse_fields(&text)
        .map_err(|problem| invalid(format!("{problem} in the header {}", quoted(text.trim()))))?;

    let element = match fields.descr.as_str() {
        "<f2" => Element::F16,
        "<f4" => Element::F32,
        "<f8" => Element::F64,
        _ => {
            return Err(DataError::FeatureType {
                path: path.to_owned(),
                array: array.to_owned(),
                found: fields.descr,
            });
        }
    };
    if fields.fortran_order {
        return Err(invalid(
            "found Fortran order, expected C order (`numpy.ascontiguousarray`)".to_owned(),
        ));
    }
    let Some(data_bytes) = element.bytes_of(&fields.shape) else {
        return Err(invalid(format!(
            "the shape {:?} is too large",
            fields.shape
        )));
    };
    Ok(Header {
        element,
        shape: fields.shape,
        length: prefix + text_length as usize,
        data_bytes,
    })
}

struct Fields {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

/// Parses `{'descr': '<f2', 'fortran_order': False, 'shape': (7000, 1280), }`.
fn parse_fields(text: &str) -> Result<Fields, String> {
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    let mut cursor = Cursor(text);
    cursor.expect('{')?;
    while !cursor.take('}') {
        let key = cursor.string()?;
        cursor.expect(':')?;
        match key {
            "descr" => descr = Some(cursor.descr()?),
            "fortran_order" => fortran_order = Some(cursor.boolean()?),
            "shape" => shape = Some(cursor.tuple()?),
            _ => return Err(format!("unknown key {}", quoted(key))),
        }
        if !cursor.take(',') {
            cursor.expect('}')?;
            break;
        }
    }
    let missing = |key: &str| format!("no `{key}`");
    Ok(Fields {
        descr: descr.ok_or_else(|| missing("descr"))?,
        fortran_order: fortran_order.ok_or_else(|| missing("fortran_order"))?,
        shape: shape.ok_or_else(|| missing("shape"))?,
    })
}

/// The rest of a header's text.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn take(&mut self, character: char) -> bool {
        let rest = self.0.trim_start();
        let after = rest.strip_prefix(character);
        self.0 = after.unwrap_or(rest);
        after.is_some()
    }

    fn expect(&mut self, character: char) -> Result<(), String> {
        if self.take(character) {
            Ok(())
        } else {
            Err(format!("expected `{character}`"))
        }
    }

    fn string(&mut self) -> Result<&'a str, String> {
        let quote = if self.take('"') {
            '"'
        } else {
            self.expect('\'')?;
            '\''
        };
        let (string, rest) = self.0.split_once(quote).ok_or("expected a closing quote")?;
        self.0 = rest;
        Ok(string)
    }

    /// A type string; a record type comes back as it stands, for the message.
    fn descr(&mut self) -> Result<String, String> {
        let rest = self.0.trim_start();
        if rest.starts_with('[') {
            let end = rest.rfind(']').ok_or("expected `]`")? + 1;
            self.0 = &rest[end..];
            return Ok(rest[..end].to_owned());
        }
        self.string().map(str::to_owned)
    }

    fn boolean(&mut self) -> Result<bool, String> {
        let rest = self.0.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(after) = rest.strip_prefix(word) {
                self.0 = after;
                return Ok(value);
            }
        }
        Err("expected `True` or `False`".to_owned())
    }

    fn tuple(&mut self) -> Result<Vec<usize>, String> {
        let mut sizes = Vec::new();
        self.expect('(')?;
        while !self.take(')') {
            let rest = self.0.trim_start();
            let end = rest
                .find(|character: char| !character.is_ascii_digit())
                .unwrap_or(rest.len());
            let size = rest[..end]
                .parse()
                .map_err(|_| "expected a size of `shape`".to_owned())?;
            if sizes.len() == MOST_DIMENSIONS {
                return Err(format!("more than {MOST_DIMENSIONS} dimensions"));
            }
            sizes.push(size);
            // Python 2 wrote long integers with an L.
            self.0 = rest[end..].strip_prefix('L').unwrap_or(&rest[end..]);
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(sizes)
    }
}

#[cfg(test)]
mod tests;
