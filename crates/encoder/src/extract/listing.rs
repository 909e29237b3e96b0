//! The images of a folder, and what else is in it.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File},
    io::Read,
    path::Path,
};

use crate::{error::EncoderError, sniff};

/// Endings of the files that are taken for images, in any case.
const ENDINGS: [&str; 11] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "dib", "tif", "tiff",
];

/// What files with other endings have to begin as to be taken too. Two letters as of a BMP are too few to tell, and raw
/// photos begin as a TIFF.
const CONTENTS: [&str; 4] = ["a JPEG", "a PNG", "a WebP", "a GIF"];

/// Kinds of files that a message names.
const KINDS_NAMED: usize = 12;

/// What is in a folder beside images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PassedOver {
    /// Files that are no images, by their endings in small letters with a point (`.txt`); empty for those without.
    pub files: BTreeMap<String, usize>,
    /// Files whose names begin with a point.
    pub hidden: usize,
    /// Folders; what is in them is not looked at.
    pub folders: usize,
}

impl PassedOver {
    /// Files, hidden or not.
    pub fn number_of_files(&self) -> usize {
        self.files.values().sum::<usize>() + self.hidden
    }

    /// Whether there is nothing but images.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |count: usize, noun: &str| match count {
            1 => format!("1 {noun}"),
            _ => format!("{count} {noun}s"),
        };
        let mut parts = Vec::new();
        if !self.files.is_empty() {
            let kind = |(ending, &count): (&String, &usize)| {
                let ending = match ending.as_str() {
                    "" => "without an ending",
                    ending => ending,
                };
                match (count, ending) {
                    (1, ending) => ending.to_owned(),
                    (_, ending) => format!("{count} {ending}"),
                }
            };
            let kinds: Vec<String> = self.files.iter().take(KINDS_NAMED).map(kind).collect();
            let more = match self.files.len().saturating_sub(KINDS_NAMED) {
                0 => String::new(),
                more => format!(" and {}", count(more, "more kind")),
            };
            let files = count(self.files.values().sum(), "file");
            let types = match self.files.values().sum() {
                1 => "of another type",
                _ => "of other types",
            };
            parts.push(format!(
                "{files} {types} passed over: {}{more}",
                kinds.join(", ")
            ));
        }
        if self.hidden > 0 {
            parts.push(format!("{} passed over", count(self.hidden, "hidden file")));
        }
        if self.folders > 0 {
            parts.push(format!(
                "{} passed over: images in folders within the folder are not read",
                count(self.folders, "folder")
            ));
        }
        f.write_str(&parts.join("; "))
    }
}

/// File names of the images in a folder, sorted by their bytes, and what is passed over.
///
/// # Errors
/// The folder cannot be listed, holds no image, or one whose name cannot be a line of a names file.
pub(super) fn images(folder: &Path) -> Result<(Vec<String>, PassedOver), EncoderError> {
    let list = |error| EncoderError::List {
        path: folder.to_owned(),
        error,
    };
    let mut names = Vec::new();
    let mut passed_over = PassedOver::default();
    for entry in folder.read_dir().map_err(list)? {
        let path = entry.map_err(list)?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            passed_over.folders += 1;
        } else if name.as_encoded_bytes().starts_with(b".") {
            // Among them what macOS stores beside images, under their names.
            passed_over.hidden += 1;
        } else if is_image(&path) {
            match name.to_str() {
                Some(name) if name.trim() == name && !name.contains(['\n', '\r']) => {
                    names.push(name.to_owned());
                }
                _ => return Err(EncoderError::ImageName { path }),
            }
        } else {
            *passed_over.files.entry(ending(&path)).or_default() += 1;
        }
    }
    if names.is_empty() {
        return Err(EncoderError::NoImages {
            path: folder.to_owned(),
            passed_over,
        });
    }
    names.sort_unstable();
    Ok((names, passed_over))
}

/// The ending of a file in small letters, with its point.
fn ending(path: &Path) -> String {
    let ending = path.extension().map(|ending| ending.to_string_lossy());
    ending.map_or(String::new(), |ending| {
        format!(".{}", ending.to_lowercase().escape_debug())
    })
}

/// Whether a file is called as an image is, or is one whatever it is called.
fn is_image(path: &Path) -> bool {
    // What is no file, such as a pipe, might never end; what is not there is an error when it is read.
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return false;
    }
    let found = ending(path);
    if ENDINGS
        .iter()
        .any(|known| found.strip_prefix('.') == Some(known))
    {
        return true;
    }
    let mut head = Vec::new();
    let file = File::open(path).map(|file| file.take(16));
    let is_read = file.is_ok_and(|mut file| file.read_to_end(&mut head).is_ok());
    is_read && sniff::kind(&head).is_some_and(|kind| CONTENTS.contains(&kind))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn images_are_known_by_ending_or_content_and_all_else_is_counted() {
        let folder = TempDir::new().expect("a temporary directory");
        let write = |name: &str, content: &[u8]| {
            fs::write(folder.path().join(name), content).expect("a file");
        };
        for name in ["b.JPG", "c.tiff", "d.jfif"] {
            write(name, b"whatever");
        }
        write("photo", b"\xff\xd8\xff\xe0");
        write("phone.heic", b"\xff\xd8\xff\xe1");
        write("other.heic", b"\0\0\0\x18ftypheic");
        write("third.HEIC", b"\0\0\0\x18ftypheic");
        write("raw.nef", b"II*\0\x08\0\0\0");
        write("readme", b"text");
        write("._b.JPG", b"\0\x05\x16\x07");
        fs::create_dir(folder.path().join("more.jpg")).expect("a folder");
        let (names, passed_over) = images(folder.path()).expect("images");
        assert_eq!(names, ["b.JPG", "c.tiff", "d.jfif", "phone.heic", "photo"]);
        assert_eq!(passed_over.number_of_files(), 5);
        assert_eq!(
            passed_over.to_string(),
            "4 files of other types passed over: without an ending, 2 .heic, .nef; 1 hidden file passed over; \
             1 folder passed over: images in folders within the folder are not read"
        );
        fs::remove_dir(folder.path().join("more.jpg")).expect("a folder less");
        for name in names {
            fs::remove_file(folder.path().join(name)).expect("a file less");
        }
        let message = images(folder.path()).expect_err("no images").to_string();
        assert!(message.contains("2 .heic, .nef"), "{message}");
    }
}
