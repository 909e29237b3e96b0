//! All images in one mapped file: `.npy` and `.safetensors`.

use std::path::Path;

use memmap2::Mmap;
use safetensors::{Dtype, SafeTensorError, SafeTensors};

use super::element::Element;
use super::form::Form;
use super::names::{self, Names, Row};
use super::{NpySource, SafetensorsSource, npy};
use crate::error::Place;
use crate::looks_like::looks_like;
use crate::{DataError, map};

/// A mapped file, and where in it every image lies.
#[derive(Debug)]
pub(super) struct Packed {
    map: Mmap,
    element: Element,
    arrays: Vec<Array>,
    /// Whether images are read alone.
    are_large: bool,
}

/// The array of one image.
#[derive(Debug)]
struct Array {
    offset: usize,
    bytes: usize,
}

/// Images of so many bytes are read alone: a system that reads ahead, in steps of 128 KiB to some MiB, reads others' instead.
const LARGE: usize = 1 << 16;

impl Packed {
    fn new(map: Mmap, element: Element, arrays: Vec<Array>) -> Self {
        let bytes: usize = arrays.iter().map(|array| array.bytes).sum();
        let are_large = bytes >= LARGE * arrays.len();
        if are_large {
            map::read_nothing_ahead(&map);
        }
        Self {
            map,
            element,
            arrays,
            are_large,
        }
    }

    /// Tells the system which images are read next.
    pub(super) fn expect(&self, rows: &[Row]) {
        for row in rows.iter().filter(|_| self.are_large) {
            let Array { offset, bytes } = self.arrays[row.0 as usize];
            map::expect(&self.map, offset, bytes);
        }
    }

    /// The bytes of one image, as they stand in the file.
    pub(super) fn bytes(&self, row: Row) -> &[u8] {
        let Array { offset, bytes } = self.arrays[row.0 as usize];
        &self.map[offset..offset + bytes]
    }

    /// Appends the values of one image to `values`.
    pub(super) fn append(&self, row: Row, values: &mut Vec<f32>) {
        self.element.append(self.bytes(row), values);
    }
}

/// Opens a `.npy` array `[N, D]` or `[N, R, D]`.
pub(super) fn open_npy(source: &NpySource) -> Result<(Packed, Names, Form), DataError> {
    let path = source.path.as_path();
    let map = map::open(path)?;
    let header = npy::read_header(path, "array", &map[..])?;
    check_length(path, &map, header.length as u64, header.data_bytes as u64)?;
    let Some((&rows, image_shape)) = header.shape.split_first() else {
        return Err(Form::shape_error(path, "array", &header.shape, BATCHED));
    };
    let form = Form::of(image_shape)
        .filter(|_| rows > 0)
        .ok_or_else(|| Form::shape_error(path, "array", &header.shape, BATCHED))?;

    let names_path = source.names.clone().unwrap_or_else(|| names::beside(path));
    let names = Names::read(&names_path)?;
    if names.len() != rows {
        return Err(DataError::NameCount {
            path: names_path,
            names: names.len(),
            features: path.to_owned(),
            rows,
        });
    }
    let bytes = header.data_bytes / rows;
    let arrays = (0..rows)
        .map(|row| Array {
            offset: header.length + row * bytes,
            bytes,
        })
        .collect();
    let packed = Packed::new(map, header.element, arrays);
    Ok((packed, names, form))
}

const BATCHED: &str = "[images, dimensions], [images, regions, dimensions] or [images, rows, columns, dimensions], none of them 0";

/// Opens a `.safetensors` file with a tensor `[D]` or `[R, D]` for every image.
pub(super) fn open_safetensors(
    source: &SafetensorsSource,
) -> Result<(Packed, Names, Form), DataError> {
    let path = source.path.as_path();
    let map = map::open(path)?;
    let (header_length, metadata) =
        SafeTensors::read_metadata(&map).map_err(|error| explain(path, &map, &error))?;
    let keys = metadata.offset_keys();
    let mut arrays = Vec::with_capacity(keys.len());
    let mut common: Option<(Form, Element)> = None;
    for key in &keys {
        let Some(info) = metadata.info(key) else {
            continue;
        };
        let element = match info.dtype {
            Dtype::F16 => Element::F16,
            Dtype::F32 => Element::F32,
            Dtype::F64 => Element::F64,
            other => {
                return Err(DataError::FeatureType {
                    path: path.to_owned(),
                    array: tensor(key),
                    found: other.to_string(),
                });
            }
        };
        let form = Form::of_image(path, &tensor(key), &info.shape)?;
        common = match common {
            None => Some((form, element)),
            Some((_, first)) if first != element => {
                return Err(DataError::FeatureFormat {
                    path: path.to_owned(),
                    format: "safetensors",
                    problem: format!(
                        "{}: found elements of another type than in the first tensor",
                        tensor(key)
                    ),
                });
            }
            Some((all, first)) => {
                let all = all.joined(form).ok_or_else(|| {
                    Form::shape_error(path, &tensor(key), &info.shape, &all.to_string())
                })?;
                Some((all, first))
            }
        };
        let (start, end) = info.data_offsets;
        arrays.push(Array {
            offset: 8 + header_length + start,
            bytes: end - start,
        });
    }
    let names = Names::new(path, keys, |row| Place::Key(format!("tensor {row}")))?;
    let Some((form, element)) = common else {
        return Err(DataError::NoFeatures {
            path: path.to_owned(),
        });
    };
    let packed = Packed::new(map, element, arrays);
    Ok((packed, names, form))
}

fn tensor(key: &str) -> String {
    format!("tensor `{key}`")
}

/// The error for a file whose header safetensors refuses; a cut file is told apart by its length.
fn explain(path: &Path, map: &[u8], error: &SafeTensorError) -> DataError {
    let (length, rest) = map.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    let header = usize::try_from(u64::from_le_bytes(*length))
        .ok()
        .and_then(|length| rest.get(..length));
    let tensors: Option<serde_json::Map<String, serde_json::Value>> =
        header.and_then(|header| serde_json::from_slice(header).ok());
    let end = tensors.and_then(|tensors| {
        let end_of = |tensor: &serde_json::Value| tensor.get("data_offsets")?.get(1)?.as_u64();
        tensors.values().filter_map(end_of).max()
    });
    if let (SafeTensorError::MetadataIncompleteBuffer, Some(header), Some(end)) =
        (error, header, end)
        && let Err(error) = check_length(path, map, 8 + header.len() as u64, end)
    {
        return error;
    }
    let problem = match error {
        // The length of the header, and then its first byte.
        _ if map.get(8).is_some_and(|&first| first != b'{') => {
            let kind = looks_like(map);
            format!("it looks like {kind}, expected the length of a header and JSON")
        }
        SafeTensorError::HeaderTooSmall => {
            format!("found {} bytes, expected at least 8", map.len())
        }
        SafeTensorError::HeaderTooLarge => "found a header beyond 100 MB".to_owned(),
        SafeTensorError::InvalidHeaderLength => format!(
            "found a header of {} bytes in a file of {}",
            u64::from_le_bytes(*length),
            map.len()
        ),
        SafeTensorError::InvalidHeader(_) => "its header is not UTF-8".to_owned(),
        SafeTensorError::InvalidHeaderDeserialization(_) | SafeTensorError::JsonError(_) => {
            "its header is not JSON with `dtype`, `shape` and `data_offsets` of every tensor"
                .to_owned()
        }
        SafeTensorError::TensorInvalidInfo | SafeTensorError::ValidationOverflow => {
            "a tensor has another size than its shape".to_owned()
        }
        SafeTensorError::MetadataIncompleteBuffer => "the tensors do not fill the file".to_owned(),
        other => other.to_string(),
    };
    DataError::FeatureFormat {
        path: path.to_owned(),
        format: "safetensors",
        problem,
    }
}

fn check_length(path: &Path, map: &[u8], header: u64, data: u64) -> Result<(), DataError> {
    let found = map.len() as u64;
    let expected = header.saturating_add(data);
    if found == expected {
        return Ok(());
    }
    Err(DataError::FeatureLength {
        path: path.to_owned(),
        found,
        expected,
    })
}
