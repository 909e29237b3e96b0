//! Collects pairs from any files and holds them to the rules common to all.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::row::PairRow;
use crate::captions::Split;
use crate::error::{Place, quoted};
use crate::{DataError, ExampleId, Notice};

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
    pub id: Option<ExampleId>,
    /// The part of the data to which it belongs.
    pub split: Split,
    /// The source, not empty.
    pub source: Arc<str>,
    /// The targets, one or more, none empty, each once.
    pub targets: Vec<String>,
}

/// Rows that say nothing, or nothing new.
#[derive(Default)]
struct LeftOut {
    rows: usize,
    first: u64,
}

impl LeftOut {
    fn count(&mut self, line: u64) {
        if self.rows == 0 {
            self.first = line;
        }
        self.rows += 1;
    }
}

/// Pairs read so far.
#[derive(Default)]
pub(super) struct Gathered {
    pairs: Vec<TextPair>,
    by_id: HashMap<ExampleId, Known>,
    /// By split and source, those of rows without ids.
    by_source: [HashMap<Arc<str>, usize>; 3],
    files: Vec<PathBuf>,
    notices: Vec<Notice>,
}

/// A pair that has an id, and where it stood first.
#[derive(Clone, Copy)]
struct Known {
    pair: usize,
    file: usize,
    line: u64,
}

/// Whether rows with the same source are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeated {
    /// They are: their targets belong together.
    Joined,
    /// Every row is a source of its own.
    Apart,
}

/// The rows of a file, as they are read.
pub(super) struct FileRows<'a> {
    gathered: &'a mut Gathered,
    path: &'a Path,
    name: String,
    repeated: Repeated,
    is_any_whole: bool,
    incomplete: LeftOut,
    again: LeftOut,
}

impl Gathered {
    /// Adds rows of a file one by one, until [`FileRows::finish`].
    pub(super) fn file<'a>(&'a mut self, path: &'a Path, repeated: Repeated) -> FileRows<'a> {
        self.files.push(path.to_owned());
        let name = path.file_name().unwrap_or(path.as_os_str());
        FileRows {
            gathered: self,
            path,
            name: name.to_string_lossy().into_owned(),
            repeated,
            is_any_whole: false,
            incomplete: LeftOut::default(),
            again: LeftOut::default(),
        }
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
                    .get_or_insert_with(|| (pair.source.to_string(), [first, pair.split]));
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

impl FileRows<'_> {
    /// Adds a row.
    ///
    /// # Errors
    ///
    /// Its id is that of another source, or of one in another split.
    pub(super) fn add(&mut self, split: Split, row: PairRow) -> Result<(), DataError> {
        if !row.is_whole() {
            self.incomplete.count(row.line);
            return Ok(());
        }
        self.is_any_whole = true;
        let Some(pair) = self.known(split, &row)? else {
            self.add_pair(split, row);
            return Ok(());
        };
        let targets = &mut self.gathered.pairs[pair].targets;
        let before = targets.len();
        add_new(targets, row.targets);
        if targets.len() == before {
            self.again.count(row.line);
        }
        Ok(())
    }

    /// The pair to which the targets of a row belong, if it is there already.
    fn known(&self, split: Split, row: &PairRow) -> Result<Option<usize>, DataError> {
        let Some(id) = &row.id else {
            let by_source = &self.gathered.by_source[split as usize];
            return Ok(by_source.get(row.source.as_str()).copied());
        };
        let Some(&Known { pair, file, line }) = self.gathered.by_id.get(id) else {
            return Ok(None);
        };
        let first = &self.gathered.pairs[pair];
        if *first.source == *row.source && first.split == split {
            return Ok(Some(pair));
        }
        let (at, path) = (Place::Line(line), &self.gathered.files[file]);
        Err(DataError::Duplicate {
            path: self.path.to_owned(),
            at: Place::Line(row.line),
            key: format!("id {} of another source", quoted(&id.to_text())),
            first: if path == self.path {
                at.to_string()
            } else {
                format!("{at} of `{}`", path.display())
            },
        })
    }

    fn add_pair(&mut self, split: Split, row: PairRow) {
        let (pair, file) = (self.gathered.pairs.len(), self.gathered.files.len() - 1);
        let source = Arc::from(row.source);
        let name = match &row.id {
            Some(id) => {
                let line = row.line;
                let known = Known { pair, file, line };
                self.gathered.by_id.insert(id.clone(), known);
                id.to_text()
            }
            None => {
                if self.repeated == Repeated::Joined {
                    let by_source = &mut self.gathered.by_source[split as usize];
                    by_source.insert(Arc::clone(&source), pair);
                }
                format!("{}:{}", self.name, row.line)
            }
        };
        let mut targets = Vec::with_capacity(row.targets.len());
        add_new(&mut targets, row.targets);
        self.gathered.pairs.push(TextPair {
            name,
            id: row.id,
            split,
            source,
            targets,
        });
    }

    /// Notes what was left out.
    ///
    /// # Errors
    ///
    /// No row had a source and a target.
    pub(super) fn finish(self) -> Result<(), DataError> {
        let path = || self.path.to_owned();
        if !self.is_any_whole {
            return Err(DataError::NoPairs { path: path() });
        }
        let notices = &mut self.gathered.notices;
        if self.incomplete.rows > 0 {
            notices.push(Notice::IncompletePairs {
                path: path(),
                rows: self.incomplete.rows,
                line: self.incomplete.first,
            });
        }
        if self.again.rows > 0 {
            notices.push(Notice::RepeatedPairs {
                path: path(),
                rows: self.again.rows,
                line: self.again.first,
            });
        }
        Ok(())
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
