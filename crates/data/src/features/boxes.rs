//! Where regions lie, as five numbers behind their vectors: what self-critical.pytorch calls `use_box`.
//!
//! Features, boxes and sizes are each found by the names of an image, so that they may be named differently.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::BoxSource;
use super::array_file::read_array;
use super::form::Form;
use super::join::{self, ImageNames};
use super::listing::list;
use super::names::{Names, Row};
use super::sizes::Sizes;
use crate::DataError;
use crate::error::Place;

/// Numbers of a region's box.
pub(super) const GEOMETRY: usize = 5;

/// Boxes of the regions of all images, a file an image, and the sizes of the images.
#[derive(Debug)]
pub(super) struct Boxes {
    source: BoxSource,
    files: Vec<PathBuf>,
    names: Names,
    sizes: Sizes,
    /// The boxes of a row of features, and width and height of its image.
    joined: HashMap<Row, (Row, [f32; 2])>,
}

impl Boxes {
    /// Lists the boxes and reads the sizes of all images.
    pub(super) fn open(source: &BoxSource) -> Result<Self, DataError> {
        let (files, names) = list(&source.path)?;
        Ok(Self {
            source: source.clone(),
            files,
            names,
            sizes: Sizes::read(&source.sizes)?,
            joined: HashMap::new(),
        })
    }

    /// All files, in the order of their names.
    pub(super) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        &self.source.path
    }

    /// The file with the sizes of the images.
    pub(super) fn sizes(&self) -> &Path {
        &self.source.sizes
    }

    /// Finds boxes and size of every image; `rows` are the rows of their features.
    ///
    /// # Errors
    ///
    /// An image has no boxes, or no size.
    pub(super) fn join(
        &mut self,
        images: &[ImageNames<'_>],
        rows: &[Row],
    ) -> Result<(), DataError> {
        let boxes = join::rows(&self.names, images)?;
        for ((image, &row), boxes) in images.iter().zip(rows).zip(boxes) {
            let size = self.sizes.of(image)?;
            self.joined.insert(row, (boxes, size));
        }
        Ok(())
    }

    /// The geometry of an image's regions, `[regions, 5]`; `features` is the file of their vectors.
    ///
    /// ```text
    /// x1 / width, y1 / height, x2 / width, y2 / height, (x2 - x1) (y2 - y1) / (width height)
    /// ```
    pub(super) fn geometry(
        &self,
        row: Row,
        regions: usize,
        features: &Path,
    ) -> Result<Vec<f32>, DataError> {
        let Some(&(boxes, [width, height])) = self.joined.get(&row) else {
            return Err(DataError::Value {
                path: features.to_owned(),
                at: Place::Key("boxes".to_owned()),
                found: "no image that the features are known to be of".to_owned(),
                expected: "one, whose boxes go with them".to_owned(),
            });
        };
        let path = self.files[boxes.0 as usize].as_path();
        let (header, bytes) = read_array(path, None, |header| {
            if header.shape == [regions, 4] {
                return Ok(());
            }
            let expected = format!("[{regions}, 4], the corners of every region's box");
            Err(Form::shape_error(path, "array", &header.shape, &expected))
        })?;
        let mut corners = Vec::with_capacity(4 * regions);
        header.element.append(&bytes, &mut corners);
        let mut geometry = Vec::with_capacity(GEOMETRY * regions);
        for &[x1, y1, x2, y2] in corners.as_chunks::<4>().0 {
            let area = (x2 - x1) * (y2 - y1) / (width * height);
            geometry.extend([x1 / width, y1 / height, x2 / width, y2 / height, area]);
        }
        if self.source.normalise {
            normalise(&mut geometry, GEOMETRY);
        }
        Ok(geometry)
    }
}

/// Brings every vector of length `columns` to Euclidean length 1; a vector of zeros stays.
pub(super) fn normalise(values: &mut [f32], columns: usize) {
    for vector in values.chunks_exact_mut(columns) {
        let squares = vector.iter().map(|&value| f64::from(value).powi(2));
        let length = squares.sum::<f64>().sqrt() as f32;
        if length > 0.0 {
            for value in vector {
                *value /= length;
            }
        }
    }
}

/// Rows of `left` and `right`, `[rows, columns]` each, side by side at the end of `values`.
pub(super) fn join(left: (&[f32], usize), right: (&[f32], usize), values: &mut Vec<f32>) {
    let rows = left
        .0
        .chunks_exact(left.1)
        .zip(right.0.chunks_exact(right.1));
    for (left, right) in rows {
        values.extend_from_slice(left);
        values.extend_from_slice(right);
    }
}

#[cfg(test)]
mod tests;
