//! One `.npy` or `.npz` file an image, as in the layouts `cocobu_fc` and `cocobu_att`.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use super::FolderSource;
use super::boxes::{self, Boxes, GEOMETRY};
use super::form::Form;
use super::names::Names;
use super::npy::{self, Header};
use super::store::Row;
use crate::DataError;
use crate::error::Place;

/// The files of a folder.
#[derive(Debug)]
pub(super) struct Folder {
    files: Vec<PathBuf>,
    key: Option<String>,
    normalise: bool,
    boxes: Option<Boxes>,
}

/// Lists the folder. Pooled features take their form from the first file; for regions the header
/// of every file is read, since their number differs.
pub(super) fn open(source: &FolderSource) -> Result<(Folder, Names, Form), DataError> {
    let path = source.path.as_path();
    let read = DataError::read;
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(read(path))? {
        let file = entry.map_err(read(path))?.path();
        if is_npy(&file) || is_npz(&file) {
            files.push(file);
        }
    }
    files.sort_unstable();
    let file_name = |row: usize| {
        let name: Option<&std::ffi::OsStr> = files[row].file_name();
        name.map_or(Cow::Borrowed(""), |name| name.to_string_lossy())
    };
    let names = Names::new(path, files.iter().map(|file| stem(file)).collect(), |row| {
        Place::Key(file_name(row).into_owned())
    })?;
    let folder = Folder {
        files,
        key: source.key.clone(),
        normalise: source.normalise,
        boxes: source.boxes.as_ref().map(Boxes::open).transpose()?,
    };
    let mut form = folder.form(Row(0))?.0;
    if form.max_regions.is_some() {
        for row in 1..folder.files.len() {
            form = folder.joined(form, Row(row as u32))?;
        }
    }
    Ok((folder, names, form))
}

impl Folder {
    /// The file of an image.
    pub(super) fn file(&self, row: Row) -> &Path {
        &self.files[row.0 as usize]
    }

    /// Appends the values of one image to `values`.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is malformed, or does not have the form of the others.
    pub(super) fn append(
        &self,
        row: Row,
        form: Form,
        values: &mut Vec<f32>,
    ) -> Result<(), DataError> {
        let path = self.file(row);
        let (header, bytes) = read_array(path, self.key.as_deref())?;
        if form.joined(self.form_of(path, &header)?).is_none() {
            return Err(Form::shape_error(
                path,
                "array",
                &header.shape,
                &form.to_string(),
            ));
        }
        if !self.normalise && self.boxes.is_none() {
            header.element.append(&bytes, values);
            return Ok(());
        }
        let mut vectors = Vec::new();
        header.element.append(&bytes, &mut vectors);
        let dim = header.shape.last().copied().unwrap_or(1);
        if self.normalise {
            boxes::normalise(&mut vectors, dim);
        }
        let Some(boxes) = &self.boxes else {
            values.append(&mut vectors);
            return Ok(());
        };
        let geometry = boxes.geometry(&stem(path), vectors.len() / dim)?;
        boxes::join((&vectors, dim), (&geometry, GEOMETRY), values);
        Ok(())
    }

    /// The form of an image's features, with the geometry of its regions.
    fn form_of(&self, path: &Path, header: &Header) -> Result<Form, DataError> {
        let form = Form::of_image(path, "array", &header.shape)?;
        if self.boxes.is_none() {
            return Ok(form);
        }
        if form.max_regions.is_none() {
            let expected = "[regions, dimensions], for `boxes` say where regions lie";
            return Err(Form::shape_error(path, "array", &header.shape, expected));
        }
        let dim = form.dim + GEOMETRY;
        Ok(Form { dim, ..form })
    }

    fn form(&self, row: Row) -> Result<(Form, Header), DataError> {
        let path = self.file(row);
        let header = with_array(path, self.key.as_deref(), |array, source| {
            npy::read_header(path, array, source)
        })?;
        Ok((self.form_of(path, &header)?, header))
    }

    fn joined(&self, form: Form, row: Row) -> Result<Form, DataError> {
        let (found, header) = self.form(row)?;
        form.joined(found).ok_or_else(|| {
            Form::shape_error(self.file(row), "array", &header.shape, &form.to_string())
        })
    }
}

/// The header and the values of the array in a `.npy` or `.npz` file.
///
/// # Errors
///
/// The file cannot be read, is malformed, or not as long as its header says.
pub(super) fn read_array(path: &Path, key: Option<&str>) -> Result<(Header, Vec<u8>), DataError> {
    let (header, bytes) = with_array(path, key, |array, mut source| {
        let header = npy::read_header(path, array, &mut source)?;
        let mut bytes = Vec::new();
        source
            .read_to_end(&mut bytes)
            .map_err(|error| damaged(path, error))?;
        Ok((header, bytes))
    })?;
    if bytes.len() != header.data_bytes {
        return Err(DataError::FeatureLength {
            path: path.to_owned(),
            found: (header.length + bytes.len()) as u64,
            expected: (header.length as u64).saturating_add(header.data_bytes as u64),
        });
    }
    Ok((header, bytes))
}

/// Calls `read` with the name and the bytes of the array in a file.
fn with_array<T>(
    path: &Path,
    key: Option<&str>,
    read: impl FnOnce(&str, &mut dyn Read) -> Result<T, DataError>,
) -> Result<T, DataError> {
    let file = File::open(path).map_err(DataError::read(path))?;
    let mut file = BufReader::new(file);
    if is_npy(path) {
        return read("array", &mut file);
    }
    let mut archive = ZipArchive::new(file).map_err(|error| damaged_zip(path, error))?;
    let member = member(path, key, &archive)?;
    let mut array = archive
        .by_name(&member)
        .map_err(|error| damaged_zip(path, error))?;
    read(&format!("array `{member}`"), &mut array)
}

/// The name of the member of a `.npz` to read.
fn member<R: Read + Seek>(
    path: &Path,
    key: Option<&str>,
    archive: &ZipArchive<R>,
) -> Result<String, DataError> {
    let mut members = Vec::with_capacity(archive.len());
    for name in archive.file_names() {
        let name = name.map_err(|error| damaged_zip(path, error))?;
        members.push(name.into_owned());
    }
    if let (None, [only]) = (key, members.as_slice()) {
        return Ok(only.clone());
    }
    let key = key.unwrap_or("feat");
    let wanted = format!("{key}.npy");
    if members.contains(&wanted) {
        return Ok(wanted);
    }
    members.sort_unstable();
    let arrays: Vec<_> = members
        .iter()
        .map(|name| format!("`{}`", name.trim_end_matches(".npy")))
        .collect();
    Err(DataError::Value {
        path: path.to_owned(),
        at: Place::Key("arrays".to_owned()),
        found: if arrays.is_empty() {
            "none".to_owned()
        } else {
            arrays.join(", ")
        },
        expected: format!("`{key}`, or another `key` for `features.folder`"),
    })
}

/// The name of a file without its ending.
fn stem(file: &Path) -> String {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy());
    stem.map_or(String::new(), Cow::into_owned)
}

fn is_npy(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "npy")
}

fn is_npz(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "npz")
}

fn damaged_zip(path: &Path, error: ZipError) -> DataError {
    match error {
        ZipError::Io(error) => damaged(path, error),
        other => DataError::FeatureFormat {
            path: path.to_owned(),
            format: "npz",
            problem: other.to_string(),
        },
    }
}

/// Damage within a compressed file shows as an error of reading.
fn damaged(path: &Path, error: std::io::Error) -> DataError {
    use std::io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    match error.kind() {
        InvalidData | InvalidInput | Other | UnexpectedEof => DataError::FeatureFormat {
            path: path.to_owned(),
            format: "npz",
            problem: error.to_string(),
        },
        _ => DataError::read(path)(error),
    }
}
