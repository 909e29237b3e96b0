//! One `.npy` or `.npz` file an image, as in the layouts `cocobu_fc` and `cocobu_att`.

use std::path::{Path, PathBuf};

use super::FolderSource;
use super::array_file::{read_array, read_header};
use super::boxes::{self, Boxes, GEOMETRY};
use super::form::Form;
use super::join::ImageNames;
use super::listing::list;
use super::names::{Names, Row};
use super::npy::Header;
use crate::DataError;

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
    let (files, names) = list(&source.path)?;
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

    /// All files, in the order of the rows.
    pub(super) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Where the regions lie, if that goes with their vectors.
    pub(super) fn boxes(&self) -> Option<&Boxes> {
        self.boxes.as_ref()
    }

    /// Takes note of which images the rows are, to find their boxes.
    ///
    /// # Errors
    ///
    /// An image has no boxes, or no size.
    pub(super) fn join(
        &mut self,
        images: &[ImageNames<'_>],
        rows: &[Row],
    ) -> Result<(), DataError> {
        let boxes = self.boxes.as_mut();
        boxes.map_or(Ok(()), |boxes| boxes.join(images, rows))
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
        let (header, bytes) = read_array(path, self.key.as_deref(), |header| {
            match form.joined(self.form_of(path, header)?) {
                Some(_) => Ok(()),
                None => Err(Form::shape_error(
                    path,
                    "array",
                    &header.shape,
                    &form.to_string(),
                )),
            }
        })?;
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
        let geometry = boxes.geometry(row, vectors.len() / dim, path)?;
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
        let header = read_header(path, self.key.as_deref())?;
        Ok((self.form_of(path, &header)?, header))
    }

    fn joined(&self, form: Form, row: Row) -> Result<Form, DataError> {
        let (found, header) = self.form(row)?;
        form.joined(found).ok_or_else(|| {
            Form::shape_error(self.file(row), "array", &header.shape, &form.to_string())
        })
    }
}
