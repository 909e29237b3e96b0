//! Which row belongs to which image.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::store::Row;
use crate::error::{Place, quoted};
use crate::text;
use crate::{DataError, ImageId};

/// The names of a source of features, and the row of each.
#[derive(Debug)]
pub(super) struct Names {
    names: Vec<String>,
    rows: HashMap<String, u32>,
}

/// What the names of a source say of an image, in the order in which they are tried.
const KINDS: [fn(&str, Option<&ImageId>) -> Option<String>; 3] = [
    |file_name, _| Some(file_name.to_owned()),
    |file_name, _| Some(stem(file_name).to_owned()),
    |_, image_id| image_id.map(ImageId::to_text),
];

/// A file name without its extension.
pub(super) fn stem(file_name: &str) -> &str {
    match file_name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file_name,
    }
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
        Ok(Self { names, rows })
    }

    /// Names from a text file, one a line.
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
        self.names.len()
    }

    /// The name of a row.
    pub(super) fn name(&self, row: Row) -> &str {
        &self.names[row.0 as usize]
    }

    /// The rows of all images, by the first kind of name that finds them all.
    ///
    /// # Errors
    ///
    /// No kind of name finds all images; the error counts what the best kind misses.
    pub(super) fn locate_all<'a>(
        &self,
        path: &Path,
        images: impl ExactSizeIterator<Item = (&'a str, Option<&'a ImageId>)> + Clone,
    ) -> Result<Vec<Row>, DataError> {
        let mut best: Option<(usize, (&str, Option<&ImageId>))> = None;
        for kind in KINDS {
            let mut rows = Vec::with_capacity(images.len());
            let mut first_missing = None;
            for (file_name, image_id) in images.clone() {
                let name = kind(file_name, image_id);
                match name.and_then(|name| self.rows.get(&name)) {
                    Some(&row) => rows.push(Row(row)),
                    None => first_missing = first_missing.or(Some((file_name, image_id))),
                }
            }
            let Some(first) = first_missing else {
                return Ok(rows);
            };
            let missing = images.len() - rows.len();
            if best.is_none_or(|(least, _)| missing < least) {
                best = Some((missing, first));
            }
        }
        let (missing, (file_name, image_id)) = best.unwrap_or_default();
        Err(DataError::MissingFeatures {
            path: path.to_owned(),
            missing,
            images: images.len(),
            file_name: file_name.to_owned(),
            image_id: image_id.cloned(),
        })
    }
}

/// The names file that goes with a `.npy` unless the user says otherwise.
pub(super) fn beside(path: &Path) -> PathBuf {
    path.with_extension("names.txt")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Names {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Names::new(Path::new("names.txt"), names, |row| {
            Place::Line(row as u64 + 1)
        })
        .expect("names are distinct")
    }

    fn located(names: &Names, images: &[(&str, i64)]) -> Result<Vec<u32>, String> {
        let ids: Vec<ImageId> = images.iter().map(|&(_, id)| id.into()).collect();
        let images = images
            .iter()
            .zip(&ids)
            .map(|(&(name, _), id)| (name, Some(id)));
        names
            .locate_all(Path::new("features.npy"), images)
            .map(|rows| rows.into_iter().map(|row| row.0).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn rows_are_found_when_names_are_file_names_stems_or_ids() {
        let images = [("b.jpg", 7), ("a.jpg", 12)];
        for given in [["a.jpg", "b.jpg"], ["a", "b"], ["12", "7"]] {
            assert_eq!(located(&names(&given), &images), Ok(vec![1, 0]));
        }
    }

    #[test]
    fn kinds_of_names_do_not_mix_when_an_id_looks_like_a_stem() {
        // "5.jpg" has no features; its id 1 must not give it those of "1.jpg".
        let error = located(&names(&["1", "2"]), &[("1.jpg", 9), ("5.jpg", 1)]);
        assert_eq!(
            error,
            Err(
                "`features.npy`: no features for 1 of 2 images, the first is `5.jpg` (image id 1)"
                    .to_owned()
            )
        );
    }

    #[test]
    fn error_names_both_lines_when_a_name_appears_twice() {
        let twice = vec!["a.jpg".to_owned(), "b.jpg".to_owned(), "a.jpg".to_owned()];
        let error = Names::new(Path::new("n.txt"), twice, |row| Place::Line(row as u64 + 1));
        assert_eq!(
            error.expect_err("duplicate").to_string(),
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
