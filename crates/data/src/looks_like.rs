//! What a file seems to be, by its first bytes: for messages about files that are something else.

use std::fmt;

/// A kind of file that people hand in by mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Nothing at all.
    Empty,
    /// What Git LFS leaves in the place of a large file.
    LfsPointer,
    /// A page of the web, commonly an error page in the place of a download.
    Html,
    /// Other XML.
    Xml,
    /// Compressed by gzip.
    Gzip,
    /// An archive, or whatever is made of one.
    Zip,
    /// The archive of `torch.save`.
    PyTorch,
    /// The archive of `numpy.savez`.
    Npz,
    /// Compressed by bzip2.
    Bzip2,
    /// Compressed by xz.
    Xz,
    /// Compressed by Zstandard.
    Zstandard,
    /// A 7-Zip archive.
    SevenZip,
    /// A tar archive.
    Tar,
    /// A pickle of Python.
    Pickle,
    /// A NumPy array.
    Npy,
    /// An HDF5 file, as MATLAB and Keras write too.
    Hdf5,
    /// Named tensors of the library safetensors.
    Safetensors,
    /// A table of columns in Apache Parquet.
    Parquet,
    /// An SQLite database.
    Sqlite,
    /// A PDF document.
    Pdf,
    /// A JPEG image.
    Jpeg,
    /// A PNG image.
    Png,
    /// A GIF, WebP, BMP or TIFF image.
    Image,
    /// A document-frequency table of this project.
    DocumentFrequency,
    /// Text in UTF-16, as Windows programs save it.
    Utf16,
    /// One JSON value a line.
    JsonLines,
    /// JSON.
    Json,
    /// A table with commas, semicolons, tabs or pipes between its columns.
    Table,
    /// Other text.
    Text,
    /// None of these.
    Unknown,
}

impl Kind {
    /// Whether it is text that people can read as it stands.
    pub fn is_text(self) -> bool {
        matches!(
            self,
            Self::Html | Self::Xml | Self::JsonLines | Self::Json | Self::Table | Self::Text
        )
    }
}

/// Enough of a file for [`looks_like`], in bytes.
pub const ENOUGH_BYTES: usize = 4096;

/// First bytes that tell a kind.
const SIGNATURES: [(&[u8], Kind); 28] = [
    (
        b"version https://git-lfs.github.com/spec/",
        Kind::LfsPointer,
    ),
    (b"scst-df\n", Kind::DocumentFrequency),
    (b"\x1f\x8b", Kind::Gzip),
    (b"PK\x03\x04", Kind::Zip),
    (b"PK\x05\x06", Kind::Zip),
    (b"BZh", Kind::Bzip2),
    (b"\xfd7zXZ\0", Kind::Xz),
    (b"\x28\xb5\x2f\xfd", Kind::Zstandard),
    (b"7z\xbc\xaf\x27\x1c", Kind::SevenZip),
    (b"\x93NUMPY", Kind::Npy),
    (b"\x89HDF\r\n\x1a\n", Kind::Hdf5),
    (b"PAR1", Kind::Parquet),
    (b"SQLite format 3\0", Kind::Sqlite),
    (b"%PDF-", Kind::Pdf),
    (b"\xff\xd8\xff", Kind::Jpeg),
    (b"\x89PNG\r\n\x1a\n", Kind::Png),
    (b"GIF8", Kind::Image),
    (b"II*\0", Kind::Image),
    (b"MM\0*", Kind::Image),
    (b"\xff\xfe", Kind::Utf16),
    (b"\xfe\xff", Kind::Utf16),
    // Protocols 0 to 5; 0 and 1 have no mark of their own.
    (b"\x80\x02", Kind::Pickle),
    (b"\x80\x03", Kind::Pickle),
    (b"\x80\x04", Kind::Pickle),
    (b"\x80\x05", Kind::Pickle),
    (b"(dp", Kind::Pickle),
    (b"(lp", Kind::Pickle),
    (b"}q", Kind::Pickle),
];

/// What a file seems to be, by its bytes or its first [`ENOUGH_BYTES`] of them.
pub fn looks_like(bytes: &[u8]) -> Kind {
    let bytes = &bytes[..bytes.len().min(ENOUGH_BYTES)];
    if bytes.is_empty() {
        return Kind::Empty;
    }
    let signature = |(start, _): &&(&[u8], Kind)| bytes.starts_with(start);
    if let Some(&(_, kind)) = SIGNATURES.iter().find(signature) {
        return match kind {
            Kind::Zip => archive(bytes),
            kind => kind,
        };
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return Kind::Tar;
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Kind::Image;
    }
    if bytes.starts_with(b"BM") && bytes.get(6..10) == Some(&[0; 4]) {
        return Kind::Image;
    }
    if is_safetensors(bytes) {
        return Kind::Safetensors;
    }
    text(bytes)
}

/// A zip archive by the name of its first member.
fn archive(bytes: &[u8]) -> Kind {
    let length = bytes
        .get(26..28)
        .map(|two| usize::from(u16::from_le_bytes([two[0], two[1]])));
    let name = length
        .and_then(|length| bytes.get(30..30 + length))
        .unwrap_or_default();
    if name.ends_with(b".npy") {
        Kind::Npz
    } else if name.ends_with(b"data.pkl") {
        Kind::PyTorch
    } else {
        Kind::Zip
    }
}

/// Eight bytes of length, then a JSON object.
fn is_safetensors(bytes: &[u8]) -> bool {
    let length = bytes
        .first_chunk::<8>()
        .map(|length| u64::from_le_bytes(*length));
    length.is_some_and(|length| (2..1 << 40).contains(&length)) && bytes.get(8..10) == Some(b"{\"")
}

fn text(bytes: &[u8]) -> Kind {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // UTF-16 without a mark: every other byte of plain text is 0.
    let is_zero_at = |at: usize| {
        bytes
            .iter()
            .skip(at)
            .step_by(2)
            .take(8)
            .all(|&byte| byte == 0)
    };
    if bytes.len() >= 4 && bytes[0] != bytes[1] && (is_zero_at(0) || is_zero_at(1)) {
        return Kind::Utf16;
    }
    // The last character may be cut.
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return Kind::Unknown,
    };
    if text.contains('\0') {
        return Kind::Unknown;
    }
    let start = text.trim_start();
    if start.is_empty() {
        return Kind::Empty;
    }
    if start.starts_with('<') {
        let lower = start
            .get(..start.len().min(512))
            .unwrap_or(start)
            .to_ascii_lowercase();
        let is_page = ["<!doctype html", "<html", "<head", "<body"];
        return if is_page.iter().any(|tag| lower.contains(tag)) {
            Kind::Html
        } else {
            Kind::Xml
        };
    }
    if start.starts_with(['{', '[']) {
        return if is_json_lines(start) {
            Kind::JsonLines
        } else {
            Kind::Json
        };
    }
    let mut lines = start.lines().filter(|line| !line.trim().is_empty());
    let (first, second) = (lines.next().unwrap_or_default(), lines.next());
    let is_between = |line: &str, character: char| line.contains(character);
    let separates = |&character: &char| {
        is_between(first, character) && second.is_none_or(|line| is_between(line, character))
    };
    if ['\t', '|', ';', ','].iter().any(separates) {
        Kind::Table
    } else {
        Kind::Text
    }
}

/// A first line that is a whole JSON value, and another one behind it.
fn is_json_lines(text: &str) -> bool {
    let mut lines = text.lines();
    let is_value = |line: &str| serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok();
    let Some((first, second)) = lines.next().zip(lines.find(|line| !line.trim().is_empty())) else {
        return false;
    };
    is_value(first) && second.trim_start().starts_with(['{', '['])
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "an empty file",
            Self::LfsPointer => {
                "a pointer of Git LFS in the place of the file (`git lfs pull` fetches it)"
            }
            Self::Html => "a web page (HTML)",
            Self::Xml => "XML",
            Self::Gzip => "a file compressed by gzip (unpack it first)",
            Self::Zip => "a zip archive (unpack it first)",
            Self::PyTorch => "a PyTorch checkpoint",
            Self::Npz => "an archive of NumPy arrays (.npz)",
            Self::Bzip2 => "a file compressed by bzip2 (unpack it first)",
            Self::Xz => "a file compressed by xz (unpack it first)",
            Self::Zstandard => "a file compressed by Zstandard (unpack it first)",
            Self::SevenZip => "a 7-Zip archive (unpack it first)",
            Self::Tar => "a tar archive (unpack it first)",
            Self::Pickle => "a pickle of Python",
            Self::Npy => "a NumPy array (.npy)",
            Self::Hdf5 => "an HDF5 file",
            Self::Safetensors => "a safetensors file",
            Self::Parquet => "a Parquet file",
            Self::Sqlite => "an SQLite database",
            Self::Pdf => "a PDF document",
            Self::Jpeg => "a JPEG image",
            Self::Png => "a PNG image",
            Self::Image => "an image",
            Self::DocumentFrequency => "a document-frequency table of `scst document-frequency`",
            Self::Utf16 => "text in UTF-16 (save it as UTF-8)",
            Self::JsonLines => "JSON Lines, one JSON value a line",
            Self::Json => "JSON",
            Self::Table => "a table in text (CSV)",
            Self::Text => "plain text",
            Self::Unknown => "data of an unknown kind",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_is_told_when_the_first_bytes_are_known() {
        let mut tar = vec![b'a'; 512];
        tar[257..262].copy_from_slice(b"ustar");
        let zip = |name: &[u8]| {
            let mut bytes = b"PK\x03\x04".to_vec();
            bytes.resize(26, 0);
            bytes.extend((name.len() as u16).to_le_bytes());
            bytes.extend([0, 0]);
            bytes.extend(name);
            bytes
        };
        let utf16: Vec<u8> = "image,caption\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let cases: [(&[u8], Kind); 33] = [
            (b"", Kind::Empty),
            (b" \n\t\n", Kind::Empty),
            (b"\xef\xbb\xbf", Kind::Empty),
            (
                b"version https://git-lfs.github.com/spec/v1\noid sha256:",
                Kind::LfsPointer,
            ),
            (b"\n<!DOCTYPE html>\n<html>", Kind::Html),
            (b"<HTML lang=en>", Kind::Html),
            (b"<?xml version='1.0'?><a/>", Kind::Xml),
            (b"\x1f\x8b\x08\0", Kind::Gzip),
            (&zip(b"captions.csv"), Kind::Zip),
            (&zip(b"archive/data.pkl"), Kind::PyTorch),
            (&zip(b"feat.npy"), Kind::Npz),
            (b"PK\x03\x04", Kind::Zip),
            (&tar, Kind::Tar),
            (b"\x80\x04\x95\x10\0\0", Kind::Pickle),
            (b"(dp0\nS'a'\n", Kind::Pickle),
            (b"\x93NUMPY\x01\0", Kind::Npy),
            (b"\x89HDF\r\n\x1a\n\0", Kind::Hdf5),
            (b"\x40\0\0\0\0\0\0\0{\"a\":", Kind::Safetensors),
            (b"\xff\xd8\xff\xe0", Kind::Jpeg),
            (b"\x89PNG\r\n\x1a\n", Kind::Png),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Kind::Image),
            (b"\xff\xfei\0m\0", Kind::Utf16),
            (&utf16, Kind::Utf16),
            (b"{\"a\": 1}\n{\"a\": 2}\n", Kind::JsonLines),
            (b"\xef\xbb\xbf[1, 2]", Kind::Json),
            (b"{\n\"a\": 1}", Kind::Json),
            (b"image,caption\na.jpg,a dog\n", Kind::Table),
            (b"image_name| comment_number| comment\n", Kind::Table),
            (b"a.jpg#0\ta dog\n", Kind::Table),
            (b"a dog\na cat, too\n", Kind::Text),
            ("caf\u{e9}".as_bytes().split_last().unwrap().1, Kind::Text),
            (b"\x00\x01\x02\x03\xff", Kind::Unknown),
            (b"scst-df\n\0\0", Kind::DocumentFrequency),
        ];
        for (bytes, kind) in cases {
            assert_eq!(
                looks_like(bytes),
                kind,
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}
