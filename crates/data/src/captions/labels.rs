//! The captions of self-critical.pytorch: ids of words in `cocotalk_label.h5`.

use std::ops::Range;
use std::path::Path;

use hdf5_pure::{DType, Dataset, File};

use crate::DataError;
use crate::error::Place;
use crate::looks_like::{Kind, looks_like};

/// As many ids as a byte of a label file may hold; compression by gzip reaches 258, for zeros alone.
const ELEMENTS_A_BYTE: u64 = 64;

/// The arrays of a label file.
pub(super) struct Labels<'a> {
    path: &'a Path,
    /// Ids of words from 1 on, `[captions, length]`, 0 behind the last one.
    ids: Vec<u64>,
    length: usize,
    /// The first and the last caption of every image, counted from 1, `[images]`.
    first: Vec<u64>,
    last: Vec<u64>,
}

/// The values of an array as they stand in the file.
enum Values {
    Unsigned(Vec<u64>),
    Signed(Vec<i64>),
    Float(Vec<f64>),
}

impl Values {
    fn read(array: &Dataset) -> Result<Option<Self>, hdf5_pure::Error> {
        Ok(match array.dtype()? {
            DType::U8 | DType::U16 | DType::U32 | DType::U64 => {
                Some(Self::Unsigned(array.read_u64()?))
            }
            DType::I8 | DType::I16 | DType::I32 | DType::I64 => {
                Some(Self::Signed(array.read_i64()?))
            }
            DType::F32 | DType::F64 => Some(Self::Float(array.read_f64()?)),
            _ => None,
        })
    }

    /// All values up to `largest`, or the position of the first other one and how it is written.
    fn whole_numbers(self, largest: u64) -> Result<Vec<u64>, (usize, String)> {
        let checked = |value: Option<u64>| value.filter(|&value| value <= largest);
        match self {
            Self::Unsigned(values) => match values.iter().position(|&value| value > largest) {
                None => Ok(values),
                Some(at) => Err((at, values[at].to_string())),
            },
            Self::Signed(values) => whole(&values, |value| checked(u64::try_from(value).ok())),
            Self::Float(values) => whole(&values, |value| {
                // Every whole number up to 2^53 is a floating-point number, and ids are below.
                let is_whole = value >= 0.0 && value.fract() == 0.0 && value <= 2f64.powi(53);
                checked(is_whole.then_some(value as u64))
            }),
        }
    }
}

/// The values as whole numbers, or the position of the first that is none and how it is written.
fn whole<T: Copy + std::fmt::Debug>(
    values: &[T],
    number: impl Fn(T) -> Option<u64>,
) -> Result<Vec<u64>, (usize, String)> {
    let mut numbers = Vec::with_capacity(values.len());
    for (at, &value) in values.iter().enumerate() {
        numbers.push(number(value).ok_or_else(|| (at, format!("{value:?}")))?);
    }
    Ok(numbers)
}

impl<'a> Labels<'a> {
    /// Reads and checks the labels of so many images and words; `listing` is the file that lists the images.
    pub(super) fn read(
        path: &'a Path,
        (images, words): (usize, usize),
        listing: &Path,
    ) -> Result<Self, DataError> {
        let bytes = std::fs::read(path).map_err(DataError::read(path))?;
        let kind = looks_like(&bytes);
        if kind != Kind::Hdf5 {
            return Err(DataError::SeemsToBe {
                path: path.to_owned(),
                kind,
                expected: "an HDF5 file with `labels`, `label_start_ix` and `label_end_ix`"
                    .to_owned(),
            });
        }
        let bound = bytes.len() as u64;
        let invalid = |problem: String| DataError::FeatureFormat {
            path: path.to_owned(),
            format: "HDF5",
            problem,
        };
        let file = File::from_bytes(bytes)
            .map_err(|_| invalid("it is damaged or cut short".to_owned()))?;
        let array = |name: &str, dimensions: usize| {
            let named =
                |_: hdf5_pure::Error| invalid(format!("`{name}` is missing, damaged or cut short"));
            let array: Dataset = file.dataset(name).map_err(named)?;
            let shape = array.shape().map_err(named)?;
            // Before memory is asked for: however well a file is compressed, ids take some of it.
            let elements = shape
                .iter()
                .try_fold(1u64, |all, &size| all.checked_mul(size));
            if shape.len() != dimensions
                || elements.is_none_or(|elements| elements / ELEMENTS_A_BYTE > bound)
            {
                return Err(invalid(format!("`{name}`: found the shape {shape:?}")));
            }
            let values = Values::read(&array).map_err(named)?;
            let values = values.ok_or_else(|| {
                invalid(format!(
                    "`{name}`: found elements of another kind, expected whole numbers"
                ))
            })?;
            Ok((shape, values))
        };
        let (shape, ids) = array("labels", 2)?;
        let length = shape[1] as usize;
        let wrong = |at: String, found: String, expected: String| DataError::Value {
            path: path.to_owned(),
            at: Place::Key(at),
            found,
            expected,
        };
        let ids = ids.whole_numbers(words as u64).map_err(|(at, found)| {
            let (row, column) = (at / length.max(1), at % length.max(1));
            let expected = format!("0 or the id of one of {words} words");
            wrong(format!("labels[{row}][{column}]"), found, expected)
        })?;
        let captions = ids.len() / length.max(1);
        let positions = |name: &str| {
            let (_, values) = array(name, 1)?;
            let numbers = values.whole_numbers(u64::MAX).map_err(|(at, found)| {
                let expected = format!("one of the captions 1 to {captions}");
                wrong(format!("{name}[{at}]"), found, expected)
            })?;
            let found = numbers.len();
            if found == images {
                return Ok(numbers);
            }
            let listing = listing.display();
            Err(invalid(format!(
                "`{name}`: found {found} images, expected the {images} of `{listing}`"
            )))
        };
        Ok(Self {
            path,
            first: positions("label_start_ix")?,
            last: positions("label_end_ix")?,
            ids,
            length,
        })
    }

    /// The captions of an image, counted from 0.
    pub(super) fn of_image(&self, image: usize) -> Result<Range<usize>, DataError> {
        let (first, last) = (self.first[image], self.last[image]);
        let captions = (self.ids.len() / self.length.max(1)) as u64;
        // An image without captions ends before it begins.
        if last <= captions && (1..=last + 1).contains(&first) {
            return Ok(first as usize - 1..last as usize);
        }
        Err(DataError::Value {
            path: self.path.to_owned(),
            at: Place::Key(format!("label_start_ix[{image}]")),
            found: format!("captions {first} to {last}"),
            expected: format!("some of the captions 1 to {captions}"),
        })
    }

    /// The words of a caption.
    pub(super) fn tokens(&self, caption: usize, words: &[String]) -> Vec<String> {
        let row = &self.ids[caption * self.length..][..self.length];
        let ids = row.iter().take_while(|&&id| id != 0);
        // No id is larger than the number of words.
        ids.map(|&id| words[id as usize - 1].clone()).collect()
    }
}
