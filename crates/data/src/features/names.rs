//! The names that a source gives to its rows.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::DataError;
use crate::error::{Place, quoted};
use crate::text;

/// The features of one image within a [`FeatureStore`](super::FeatureStore).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row(pub(crate) u32);

impl Row {
    /// Its place in the store, from 0: the row of an array.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The names of a source of features, and the row of each.
#[derive(Debug)]
pub(super) struct Names {
    path: PathBuf,
    of_rows: Vec<String>,
    rows: HashMap<String, u32>,
}

impl Names {
    /// Names in the order of the rows; `place` says where the name of a row stands in `path`.
    ///
    /// # Errors
    ///
    /// A name is empty or appears twice, or there is none.
    pub(super) fn new(
        path: &Path,
        names: Vec<String>,
        place: impl Fn(usize) -> Place,
    ) -> Result<Self, DataError> {
        if names.is_empty() {
            return Err(DataError::NoFeatures {
                path: path.to_owned(),
            });
        }
        if u32::try_from(names.len()).is_err() {
            return Err(DataError::Value {
                path: path.to_owned(),
                at: place(names.len() - 1),
                found: format!("{} names", names.len()),
                expected: format!("at most {}", u32::MAX),
            });
        }
        let mut rows = HashMap::with_capacity(names.len());
        for (row, name) in names.iter().enumerate() {
            if name.is_empty() {
                return Err(DataError::Value {
                    path: path.to_owned(),
                    at: place(row),
                    found: "an empty name".to_owned(),
                    expected: "the name of an image".to_owned(),
                });
            }
            if let Some(first) = rows.insert(name.clone(), row as u32) {
                return Err(DataError::Duplicate {
                    path: path.to_owned(),
                    at: place(row),
                    key: format!("name {}", quoted(name)),
                    first: place(first as usize).to_string(),
                });
            }
        }
        Ok(Self {
            path: path.to_owned(),
            of_rows: names,
            rows,
        })
    }

    /// Names from a text file, one a line, without white space around them.
    ///
    /// # Errors
    ///
    /// As for [`Names::new`], and the file cannot be read or is not UTF-8.
    pub(super) fn read(path: &Path) -> Result<Self, DataError> {
        let text = text::read(path)?;
        let names = text.lines().map(|line| line.trim().to_owned()).collect();
        Self::new(path, names, |row| Place::Line(row as u64 + 1))
    }

    /// The number of rows.
    pub(super) fn len(&self) -> usize {
        self.of_rows.len()
    }

    /// The name of a row.
    pub(super) fn name(&self, row: Row) -> &str {
        &self.of_rows[row.0 as usize]
    }

    /// All names, in the order of the rows.
    pub(super) fn all(&self) -> &[String] {
        &self.of_rows
    }

    /// The row of that name.
    pub(super) fn row(&self, name: &str) -> Option<Row> {
        self.rows.get(name).copied().map(Row)
    }

    /// The file or folder that gives the names.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// The names file that goes with a `.npy` unless the user says otherwise.
pub(super) fn beside(path: &Path) -> PathBuf {
    path.with_extension("names.txt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_names_both_lines_when_a_name_appears_twice() {
        let folder = crate::samples::Folder::new();
        // A byte order mark, line ends of Windows, white space around names.
        let path = folder.file("n.txt", "\u{feff}a.jpg\r\nb.jpg\r\n");
        let names = Names::read(&path).unwrap();
        assert_eq!(names.all(), ["a.jpg", "b.jpg"]);
        let path = folder.file("n.txt", "a.jpg\r\nb.jpg\n a.jpg\t\n");
        assert_eq!(
            folder.shorten(Names::read(&path).unwrap_err()),
            "`n.txt`: line 3: name \"a.jpg\" appears twice, first at line 1"
        );
    }

    #[test]
    fn names_file_stands_beside_features_when_not_given() {
        assert_eq!(
            beside(Path::new("f/x_pooled.npy")),
            Path::new("f/x_pooled.names.txt")
        );
    }
}
