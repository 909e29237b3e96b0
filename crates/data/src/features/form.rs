//! The shape of an image's features: one pooled vector, or a vector per region.

use std::fmt;
use std::path::Path;

use crate::DataError;

/// The common shape of the features of several images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// The length of every vector.
    pub(super) dim: usize,
    /// The largest number of regions, `None` for one pooled vector.
    pub(super) max_regions: Option<usize>,
}

impl Form {
    /// The form of one image of this shape, `[D]`, `[R, D]`, or `[rows, columns, D]` of a grid of regions; `None` if
    /// the shape is another.
    pub(super) fn of(shape: &[usize]) -> Option<Self> {
        let (dim, max_regions) = match *shape {
            [dim] => (dim, None),
            [regions, dim] if regions > 0 => (dim, Some(regions)),
            [rows, columns, dim] if rows > 0 && columns > 0 => {
                (dim, Some(rows.checked_mul(columns)?))
            }
            _ => return None,
        };
        (dim > 0).then_some(Self { dim, max_regions })
    }

    /// As [`Form::of`], with an error that names the array.
    pub(super) fn of_image(path: &Path, array: &str, shape: &[usize]) -> Result<Self, DataError> {
        Self::of(shape).ok_or_else(|| {
            let expected = "[dimensions], [regions, dimensions] or [rows, columns, dimensions], none of them 0";
            Self::shape_error(path, array, shape, expected)
        })
    }

    /// The form of both together; `None` if they have different dimensions or only one is pooled.
    pub(super) fn joined(self, other: Self) -> Option<Self> {
        let fits =
            self.dim == other.dim && self.max_regions.is_some() == other.max_regions.is_some();
        fits.then_some(Self {
            dim: self.dim,
            max_regions: self.max_regions.max(other.max_regions),
        })
    }

    /// The error for an array of another shape.
    pub(super) fn shape_error(
        path: &Path,
        array: &str,
        shape: &[usize],
        expected: &str,
    ) -> DataError {
        DataError::FeatureShape {
            path: path.to_owned(),
            array: array.to_owned(),
            found: shape.to_vec(),
            expected: expected.to_owned(),
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.max_regions {
            None => write!(f, "[{}] as in the other images", self.dim),
            Some(_) => write!(f, "[regions, {}] as in the other images", self.dim),
        }
    }
}
