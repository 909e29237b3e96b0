//! Where regions lie, as five numbers behind their vectors: what self-critical.pytorch calls `use_box`.

use std::collections::HashMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::BoxSource;
use super::folder::read_array;
use crate::error::Place;
use crate::{DataError, ImageId, json};

/// Numbers of a region's box.
pub(super) const GEOMETRY: usize = 5;

/// Boxes of the regions of all images, a file an image, and the sizes of the images.
#[derive(Debug)]
pub(super) struct Boxes {
    source: BoxSource,
    /// Width and height by image id.
    sizes: HashMap<String, [f32; 2]>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(deserialize_with = "json::objects")]
    images: Vec<Image>,
}

#[derive(Deserialize)]
struct Image {
    id: ImageId,
    width: f32,
    height: f32,
}

impl json::Object for Document {
    const SHAPE: &'static str = r#"{"images": [...]}"#;
}

impl json::Object for Image {
    const SHAPE: &'static str = r#"{"id", "width", "height"}"#;
}

impl Boxes {
    /// Reads the sizes of all images.
    pub(super) fn open(source: &BoxSource) -> Result<Self, DataError> {
        let path = source.sizes.as_path();
        let document: Document = json::read_object(path)?;
        let mut sizes = HashMap::with_capacity(document.images.len());
        for (index, image) in document.images.into_iter().enumerate() {
            let size = [image.width, image.height];
            if !size.iter().all(|&side| side > 0.0 && side.is_finite()) {
                return Err(DataError::Value {
                    path: path.to_owned(),
                    at: Place::Key(format!("images[{index}]")),
                    found: format!("width {} and height {}", image.width, image.height),
                    expected: "numbers above 0".to_owned(),
                });
            }
            sizes.insert(image.id.to_text(), size);
        }
        Ok(Self {
            source: source.clone(),
            sizes,
        })
    }

    /// The geometry of an image's regions, `[regions, 5]`.
    ///
    /// ```text
    /// x1 / width, y1 / height, x2 / width, y2 / height, (x2 - x1) (y2 - y1) / (width height)
    /// ```
    pub(super) fn geometry(&self, image: &str, regions: usize) -> Result<Vec<f32>, DataError> {
        let Some(&[width, height]) = self.sizes.get(image) else {
            return Err(DataError::Value {
                path: self.source.sizes.clone(),
                at: Place::Key("images".to_owned()),
                found: format!("no image of id {image}"),
                expected: "its width and height".to_owned(),
            });
        };
        let path = self.file(image);
        let (header, bytes) = read_array(&path, None)?;
        if header.shape != [regions, 4] {
            return Err(DataError::FeatureShape {
                path,
                array: "array".to_owned(),
                found: header.shape,
                expected: format!("[{regions}, 4], the corners of every region's box"),
            });
        }
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

    fn file(&self, image: &str) -> PathBuf {
        let named = |ending: &str| self.source.path.join(format!("{image}.{ending}"));
        let npz = named("npz");
        if npz.is_file() { npz } else { named("npy") }
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
