//! The images of a folder, and what else is in it.

use std::{
    collections::{HashSet, VecDeque},
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::passed_over::PassedOver;
use crate::{error::EncoderError, sniff};

/// Endings of the files that are taken for images, in any case.
const ENDINGS: [&str; 11] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "dib", "tif", "tiff",
];

/// What files with other endings have to begin as to be taken too. Two letters as of a BMP are too few to tell, and raw
/// photos begin as a TIFF.
const CONTENTS: [&str; 4] = ["a JPEG", "a PNG", "a WebP", "a GIF"];

/// File names of the images in a folder, sorted by their bytes, and what is passed over. With `is_recursive`, those in
/// folders within it too, as paths from the folder with `/` between their parts.
///
/// # Errors
/// A folder cannot be listed, none holds an image, or one whose name cannot be a line of a names file.
pub fn list_images(
    folder: &Path,
    is_recursive: bool,
) -> Result<(Vec<String>, PassedOver), EncoderError> {
    let mut listing = Listing {
        is_recursive,
        ..Listing::default()
    };
    // Each folder is read once, whatever links lead to it: under its own name if it is within the folder.
    let mut read = HashSet::new();
    let mut links = VecDeque::new();
    let mut next = Some((folder.to_owned(), String::new()));
    while let Some((path, prefix)) = next {
        listing.walk(path, prefix, &mut read, &mut links)?;
        next = links.pop_front();
    }
    let Listing {
        mut names,
        passed_over,
        ..
    } = listing;
    if names.is_empty() {
        return Err(EncoderError::NoImages {
            path: folder.to_owned(),
            passed_over,
        });
    }
    names.sort_unstable();
    Ok((names, passed_over))
}

/// A folder, and what the names of its images begin with.
type Folder = (PathBuf, String);

/// What has been found.
#[derive(Default)]
struct Listing {
    is_recursive: bool,
    names: Vec<String>,
    passed_over: PassedOver,
}

impl Listing {
    /// Lists a folder and those within it, but for links, which are left for later.
    fn walk(
        &mut self,
        path: PathBuf,
        prefix: String,
        read: &mut HashSet<PathBuf>,
        links: &mut VecDeque<Folder>,
    ) -> Result<(), EncoderError> {
        let mut folders = vec![(path, prefix)];
        while let Some((path, prefix)) = folders.pop() {
            let real = fs::canonicalize(&path).map_err(list(&path))?;
            if !read.insert(real) {
                self.passed_over.links += 1;
                continue;
            }
            for (path, prefix) in self.list(&path, &prefix)? {
                if path.is_symlink() {
                    links.push_back((path, prefix));
                } else {
                    folders.push((path, prefix));
                }
            }
        }
        Ok(())
    }

    /// Takes the images of one folder; returns the folders within it that are to be read, sorted.
    fn list(&mut self, folder: &Path, prefix: &str) -> Result<Vec<Folder>, EncoderError> {
        let mut entries = Vec::new();
        for entry in folder.read_dir().map_err(list(folder))? {
            entries.push(entry.map_err(list(folder))?.path());
        }
        entries.sort_unstable();
        let mut folders = Vec::new();
        for path in entries {
            let name = path.file_name().unwrap_or_default();
            let is_hidden = name.as_encoded_bytes().starts_with(b".");
            let passed_over = &mut self.passed_over;
            match (path.is_dir(), is_hidden) {
                (true, true) => passed_over.hidden_folders += 1,
                (true, false) if self.is_recursive => {
                    let name = name_of(&path, name, prefix)?;
                    folders.push((path, name + "/"));
                }
                (true, false) => {
                    passed_over.folders += 1;
                    passed_over.images_in_folders += images_within(&path);
                }
                // Among them what macOS stores beside images, under their names.
                (false, true) => passed_over.hidden += 1,
                (false, false) if is_image(&path) => {
                    self.names.push(name_of(&path, name, prefix)?);
                }
                (false, false) => *passed_over.files.entry(ending(&path)).or_default() += 1,
            }
        }
        Ok(folders)
    }
}

/// The error for a folder that cannot be listed.
fn list(folder: &Path) -> impl FnOnce(io::Error) -> EncoderError {
    move |error| EncoderError::List {
        path: folder.to_owned(),
        error,
    }
}

/// The name of a file or folder as a part of a line of a names file.
fn name_of(path: &Path, name: &OsStr, prefix: &str) -> Result<String, EncoderError> {
    match name.to_str() {
        Some(name) if name.trim() == name && !name.contains(['\n', '\r']) => {
            Ok(format!("{prefix}{name}"))
        }
        _ => Err(EncoderError::ImageName {
            path: path.to_owned(),
        }),
    }
}

/// Files below a folder that are called as images are, links not followed; as many as can be listed.
fn images_within(folder: &Path) -> usize {
    let mut images = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !is_hidden => folders.push(entry.path()),
                Ok(kind) if !kind.is_dir() && !is_hidden => {
                    images += usize::from(is_called_image(&entry.path()));
                }
                _ => {}
            }
        }
    }
    images
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
    if is_called_image(path) {
        return true;
    }
    let mut head = Vec::new();
    let file = File::open(path).map(|file| file.take(16));
    let is_read = file.is_ok_and(|mut file| file.read_to_end(&mut head).is_ok());
    is_read && sniff::kind(&head).is_some_and(|kind| CONTENTS.contains(&kind))
}

/// Whether a file is called as an image is.
fn is_called_image(path: &Path) -> bool {
    let found = ending(path);
    let found = found.strip_prefix('.');
    ENDINGS.iter().any(|known| found == Some(known))
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
        let (names, passed_over) = list_images(folder.path(), false).expect("images");
        assert_eq!(names, ["b.JPG", "c.tiff", "d.jfif", "phone.heic", "photo"]);
        assert_eq!(passed_over.number_of_files(), 5);
        assert_eq!(
            passed_over.to_string(),
            "4 files of other types passed over: without an ending, 2 .heic, .nef; 1 hidden file passed over; \
             1 folder without images passed over"
        );
        fs::remove_dir(folder.path().join("more.jpg")).expect("a folder less");
        for name in names {
            fs::remove_file(folder.path().join(name)).expect("a file less");
        }
        let error = list_images(folder.path(), false).expect_err("no images");
        let message = error.to_string();
        assert!(message.contains("2 .heic, .nef"), "{message}");
    }

    #[test]
    fn folders_within_are_counted_or_read() {
        let folder = TempDir::new().expect("a temporary directory");
        let path = |name: &str| folder.path().join(name);
        for name in [
            "b/a.jpg",
            "a/x/a.jpg",
            "c.png",
            "a/notes.txt",
            ".old/a.jpg",
            "d/e/a.gif",
            "a-b/a.jpg",
        ] {
            let path = path(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(path, "whatever").expect("a file");
        }
        let (names, passed_over) = list_images(folder.path(), false).expect("images");
        assert_eq!(names, ["c.png"]);
        assert_eq!(
            passed_over.to_string(),
            "1 hidden folder passed over; 4 folders with 4 images passed over (--recursive reads them)"
        );
        let all = ["a-b/a.jpg", "a/x/a.jpg", "b/a.jpg", "c.png", "d/e/a.gif"];
        let (names, passed_over) = list_images(folder.path(), true).expect("images");
        assert_eq!(names, all);
        assert_eq!(
            passed_over.to_string(),
            "1 file of another type passed over: .txt; 1 hidden folder passed over"
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_once() {
        use std::os::unix::fs::symlink;
        let folder = TempDir::new().expect("a temporary directory");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("photos/z")).expect("folders");
        fs::create_dir(path("elsewhere")).expect("a folder");
        for name in ["photos/z/1.jpg", "elsewhere/2.jpg"] {
            fs::write(path(name), "whatever").expect("a file");
        }
        let links = [
            ("..", "photos/z/up"),
            ("photos/z", "photos/a"),
            ("elsewhere", "photos/b"),
            ("elsewhere", "photos/c"),
            ("photos", "elsewhere/back"),
        ];
        for (target, link) in links {
            let target = if target == ".." {
                target.into()
            } else {
                path(target)
            };
            symlink(target, path(link)).expect("a link");
        }
        let (names, passed_over) = list_images(&path("photos"), true).expect("images");
        // By the name within the folder, and where there is none by the first link.
        assert_eq!(names, ["b/2.jpg", "z/1.jpg"]);
        assert_eq!(
            passed_over.to_string(),
            "4 links to folders that are read already passed over"
        );
    }
}
