//! Collects pairs from any files and holds them to the rules common to all.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::row::PairRow;
use crate::captions::Split;
use crate::error::{Place, quoted};
use crate::{DataError, ImageId, Notice};

/// All sources with their targets, in the order of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPairs {
    /// The sources; each has at least one target.
    pub pairs: Vec<TextPair>,
    /// What was left out, and what may be a slip.
    pub notices: Vec<Notice>,
}

/// One source and its targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPair {
    /// Its id, or its file and line, as `val.tsv:12`. Unique.
    pub name: String,
    /// Its id, where the files give one. Unique.
    pub id: Option<ImageId>,
    /// The part of the data to which it belongs.
    pub split: Split,
    /// The source, not empty.
    pub source: String,
    /// The targets, one or more, none empty, each once.
    pub targets: Vec<String>,
}

/// Rows without a source or without a target.
#[derive(Default)]
struct LeftOut {
    rows: usize,
    first: u64,
}

/// Pairs read so far, with the places where they stand.
#[derive(Default)]
pub(super) struct Gathered {
    pairs: Vec<TextPair>,
    places: Vec<(PathBuf, Place)>,
    by_id: HashMap<ImageId, usize>,
    by_source: HashMap<(Split, String), usize>,
    notices: Vec<Notice>,
}

/// Whether rows with the same source are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeated {
    /// They are: their targets belong together.
    Joined,
    /// Every row is a source of its own.
    Apart,
}

impl Gathered {
    /// Adds the rows of a file.
    ///
    /// # Errors
    ///
    /// Two rows have one id and different sources or splits.
    pub(super) fn add_file(
        &mut self,
        path: &Path,
        rows: Vec<(Split, PairRow)>,
        repeated: Repeated,
    ) -> Result<(), DataError> {
        let file = path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned();
        let (mut without, mut again) = (LeftOut::default(), LeftOut::default());
        for (split, row) in rows {
            let line = match row.at {
                Place::Line(line) => line,
                _ => 0,
            };
            let empty = row.source.is_empty() || row.targets.is_empty();
            let count = |left_out: &mut LeftOut| {
                left_out.rows += 1;
                if left_out.rows == 1 {
                    left_out.first = line;
                }
            };
            if empty {
                count(&mut without);
            } else if self.add(path, &file, line, split, row, repeated)? {
                count(&mut again);
            }
        }
        if without.rows > 0 {
            self.notices.push(Notice::IncompletePairs {
                path: path.to_owned(),
                rows: without.rows,
                line: without.first,
            });
        }
        if again.rows > 0 {
            self.notices.push(Notice::RepeatedPairs {
                path: path.to_owned(),
                rows: again.rows,
                line: again.first,
            });
        }
        Ok(())
    }

    /// Adds a row; whether it says nothing new.
    fn add(
        &mut self,
        path: &Path,
        file: &str,
        line: u64,
        split: Split,
        row: PairRow,
        repeated: Repeated,
    ) -> Result<bool, DataError> {
        let known = match &row.id {
            Some(id) => self.by_id.get(id).copied(),
            None if repeated == Repeated::Joined => {
                self.by_source.get(&(split, row.source.clone())).copied()
            }
            None => None,
        };
        if let Some(index) = known {
            let pair = &mut self.pairs[index];
            if pair.source != row.source || pair.split != split {
                let (first_path, first_at) = &self.places[index];
                let first = if first_path == path {
                    first_at.to_string()
                } else {
                    format!("{first_at} of `{}`", first_path.display())
                };
                let id = row.id.map(|id| id.to_text()).unwrap_or_default();
                return Err(DataError::Duplicate {
                    path: path.to_owned(),
                    at: row.at,
                    key: format!("id {} of another source", quoted(&id)),
                    first,
                });
            }
            let before = pair.targets.len();
            add_new(&mut pair.targets, row.targets);
            return Ok(pair.targets.len() == before);
        }
        let index = self.pairs.len();
        match &row.id {
            Some(id) => {
                self.by_id.insert(id.clone(), index);
            }
            None if repeated == Repeated::Joined => {
                self.by_source.insert((split, row.source.clone()), index);
            }
            None => {}
        }
        let mut targets = Vec::with_capacity(row.targets.len());
        add_new(&mut targets, row.targets);
        self.pairs.push(TextPair {
            name: row
                .id
                .as_ref()
                .map_or_else(|| format!("{file}:{line}"), ImageId::to_text),
            id: row.id,
            split,
            source: row.source,
            targets,
        });
        self.places.push((path.to_owned(), row.at));
        Ok(false)
    }

    /// All pairs, with a notice of sources that stand in two splits.
    pub(super) fn finish(mut self) -> TextPairs {
        drop((self.by_id, self.by_source));
        let mut splits: HashMap<&str, Split> = HashMap::new();
        let mut shared = (0, None);
        for pair in &self.pairs {
            let first = *splits.entry(&pair.source).or_insert(pair.split);
            if first != pair.split {
                shared.0 += 1;
                shared
                    .1
                    .get_or_insert_with(|| (pair.source.clone(), [first, pair.split]));
            }
        }
        if let (sources, Some((first, splits))) = shared {
            self.notices.push(Notice::SourcesInTwoSplits {
                sources,
                first,
                splits,
            });
        }
        TextPairs {
            pairs: self.pairs,
            notices: self.notices,
        }
    }
}

/// Adds targets that are not there yet.
fn add_new(targets: &mut Vec<String>, more: Vec<String>) {
    for target in more {
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
}
