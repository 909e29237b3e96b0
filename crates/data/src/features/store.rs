//! Features of images by name, whatever the layout on disk.

use std::path::{Path, PathBuf};

use super::FeatureSource;
use super::boxes::Boxes;
use super::fingerprint::{FeatureComparison, FeatureFingerprint, Paths};
use super::folder::{self, Folder};
use super::form::Form;
use super::join::{self, ImageNames};
use super::names::{Names, Row};
use super::packed::{self, Packed};
use crate::DataError;

/// An open source of image features.
#[derive(Debug)]
pub struct FeatureStore {
    path: PathBuf,
    names: Names,
    form: Form,
    files: Files,
}

#[derive(Debug)]
enum Files {
    Packed(Packed),
    Folder(Box<Folder>),
}

/// The features of several images.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureBatch {
    /// Values `[regions of all images, D]` in C order, those of the first image first.
    pub values: Vec<f32>,
    /// The number of regions of every image, `[B]`; 1 for pooled features.
    pub regions: Vec<usize>,
    /// `D`: the length of a feature vector.
    pub dim: usize,
}

/// So many images are on their way from the disk while others are looked at.
const AHEAD: usize = 16;

impl FeatureStore {
    /// Opens features without reading them: packed files are mapped into memory, of a folder only
    /// headers are read. A file larger than memory is no problem, but it must not be changed
    /// while it is open.
    ///
    /// # Errors
    ///
    /// A file is missing, malformed, or not as long as its header says; names and rows differ in
    /// number; images differ in dimensions.
    pub fn open(source: &FeatureSource) -> Result<Self, DataError> {
        let (files, names, form) = match source {
            FeatureSource::Npy(npy) => {
                let (packed, names, form) = packed::open_npy(npy)?;
                (Files::Packed(packed), names, form)
            }
            FeatureSource::Safetensors(safetensors) => {
                let (packed, names, form) = packed::open_safetensors(safetensors)?;
                (Files::Packed(packed), names, form)
            }
            FeatureSource::Folder(folder) => {
                let (folder, names, form) = folder::open(folder)?;
                (Files::Folder(Box::new(folder)), names, form)
            }
        };
        Ok(Self {
            path: source.path().to_owned(),
            names,
            form,
            files,
        })
    }

    /// `D`: the length of a feature vector.
    pub fn dim(&self) -> usize {
        self.form.dim
    }

    /// The largest number of regions of any image, or `None` if every image has one pooled vector.
    pub fn max_regions(&self) -> Option<usize> {
        self.form.max_regions
    }

    /// The number of images with features.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// `false`: a store without features does not open.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All images, in the order of the file, or of the file names of a folder.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row> + use<> {
        (0..self.len() as u32).map(Row)
    }

    /// The name that the source gives to an image.
    ///
    /// # Panics
    ///
    /// If `row` is of another store.
    pub fn name(&self, row: Row) -> &str {
        self.names.name(row)
    }

    /// The features of all images, in their order, and the boxes that go with them.
    ///
    /// Names of rows may be file names, with or without their ending or the folder that the images'
    /// listing gives, or the ids that it gives: of one kind for all of them. Were an image without
    /// features then looked up by its id, it could get those of another image whose file is named by
    /// that number.
    ///
    /// # Errors
    ///
    /// No kind of name finds a row for every image; two images would have one row; or two kinds of
    /// names find all images and do not agree. The error gives examples of rows and images.
    pub fn locate_all(&mut self, images: &[ImageNames<'_>]) -> Result<Vec<Row>, DataError> {
        let rows = join::rows(&self.names, images)?;
        if let Files::Folder(folder) = &mut self.files {
            folder.join(images, &rows)?;
        }
        Ok(rows)
    }

    /// Reads the features of one image into `values`, in place of what it holds, and returns the
    /// number of regions (1 for pooled features).
    ///
    /// # Shapes
    ///
    /// `values`: `[R, D]` in C order, with the image's own number of regions `R`.
    ///
    /// # Errors
    ///
    /// Only for a folder: a file cannot be read, is malformed, or has another shape.
    ///
    /// # Panics
    ///
    /// If `row` is of another store.
    pub fn read(&self, row: Row, values: &mut Vec<f32>) -> Result<usize, DataError> {
        values.clear();
        self.append(row, values)
    }

    /// Reads the features of several images.
    ///
    /// # Errors
    ///
    /// As for [`FeatureStore::read`].
    ///
    /// # Panics
    ///
    /// If one of `rows` is of another store.
    pub fn read_batch(&self, rows: &[Row]) -> Result<FeatureBatch, DataError> {
        let dim = self.dim();
        // Of regions there may be one image of very many.
        let mut values = Vec::with_capacity(rows.len() * dim);
        self.expect(rows);
        let mut regions = Vec::with_capacity(rows.len());
        for &row in rows {
            regions.push(self.append(row, &mut values)?);
        }
        Ok(FeatureBatch {
            values,
            regions,
            dim,
        })
    }

    /// Reads the features of all `rows`, looks for values that are not finite and for files that do
    /// not read, and hands those of every image, `[R, D]`, to `visit`. Takes as long as reading
    /// everything once.
    ///
    /// # Errors
    ///
    /// The first problem, with file, image, region and dimension.
    ///
    /// # Panics
    ///
    /// If one of `rows` is of another store.
    pub fn check(&self, rows: &[Row], mut visit: impl FnMut(Row, &[f32])) -> Result<(), DataError> {
        let mut values = Vec::new();
        let mut rounds = rows.chunks(AHEAD).peekable();
        self.expect(rounds.peek().copied().unwrap_or_default());
        while let Some(round) = rounds.next() {
            self.expect(rounds.peek().copied().unwrap_or_default());
            for &row in round {
                self.read(row, &mut values)?;
                if let Some(index) = values.iter().position(|value| !value.is_finite()) {
                    return Err(self.not_finite(row, index, values[index]));
                }
                visit(row, &values);
            }
        }
        Ok(())
    }

    /// What the features look like now, without reading all of them.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub fn fingerprint(&self) -> Result<FeatureFingerprint, DataError> {
        let names = self.names.all();
        match &self.files {
            Files::Packed(packed) => {
                FeatureFingerprint::of_file(&self.path, names, |row| packed.bytes(row))
            }
            Files::Folder(folder) => FeatureFingerprint::of_folder(folder, names),
        }
    }

    /// Whether the features, which look like `now`, are those that looked like `then`.
    pub fn compare(
        &self,
        then: &FeatureFingerprint,
        now: &FeatureFingerprint,
    ) -> FeatureComparison {
        let boxes = match &self.files {
            Files::Folder(folder) => folder.boxes(),
            Files::Packed(_) => None,
        };
        let paths = Paths {
            features: &self.path,
            names: self.names.path(),
            boxes: boxes.map_or(&self.path, Boxes::path),
            image_sizes: boxes.map_or(&self.path, Boxes::sizes),
        };
        then.compare(now, &paths)
    }

    /// The file or folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A value of an image, by its place among them.
    fn not_finite(&self, row: Row, index: usize, value: f32) -> DataError {
        DataError::NotFinite {
            path: match &self.files {
                Files::Packed(_) => self.path.clone(),
                Files::Folder(folder) => folder.file(row).to_owned(),
            },
            image: self.names.name(row).to_owned(),
            region: index / self.dim(),
            dimension: index % self.dim(),
            value,
        }
    }

    /// Tells the system which images are read next.
    fn expect(&self, rows: &[Row]) {
        if let Files::Packed(packed) = &self.files {
            packed.expect(rows);
        }
    }

    fn append(&self, row: Row, values: &mut Vec<f32>) -> Result<usize, DataError> {
        let before = values.len();
        match &self.files {
            Files::Packed(packed) => packed.append(row, values),
            Files::Folder(folder) => folder.append(row, self.form, values)?,
        }
        Ok((values.len() - before) / self.dim())
    }
}

#[cfg(test)]
mod tests;
