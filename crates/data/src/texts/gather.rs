//! Collects pairs from any files and holds them to the rules common to all.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::path::{Path, PathBuf};

use super::row::PairRow;
use crate::captions::Split;
use crate::error::{Place, quoted};
use crate::records::{Field, Fields, Records};
use crate::{DataError, ExampleId, Notice};

/// All sources with their targets, in the order of the files. Their texts need not fit into memory.
#[derive(Debug, Default)]
pub struct TextPairs {
    /// A record for every row: its place, name, id, source and targets.
    rows: Records,
    pairs: Vec<Pair>,
    /// Rows that add targets to a pair.
    more: Vec<More>,
    /// What was left out, and what may be a slip.
    pub notices: Vec<Notice>,
}

/// Where the texts of a pair are.
#[derive(Debug, Clone, Copy)]
struct Pair {
    row: usize,
    split: Split,
    /// The number in `more`, from 1, of the last row with further targets.
    last: usize,
}

/// Where further targets of a pair are.
#[derive(Debug, Clone, Copy)]
struct More {
    row: usize,
    /// As [`Pair::last`], of the row before.
    before: usize,
}

/// One source and its targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPair<'a> {
    /// Its id, or its file and line, as `val.tsv:12`. Unique.
    pub name: &'a str,
    /// Its id, where the files give one. Unique.
    pub id: Option<ExampleId>,
    /// The part of the data to which it belongs.
    pub split: Split,
    /// The source, not empty.
    pub source: &'a str,
    /// The targets, one or more, none empty, each once.
    pub targets: Vec<&'a str>,
}

impl PartialEq for TextPairs {
    fn eq(&self, other: &Self) -> bool {
        self.notices == other.notices && self.iter().eq(other.iter())
    }
}

impl Eq for TextPairs {}

/// A row as its record.
struct Row<'a> {
    /// The file's number, then the two halves of the line's.
    place: &'a [u32],
    name: &'a str,
    id: &'a str,
    source: &'a str,
    targets: Fields<'a>,
}

impl TextPairs {
    /// The pairs one by one.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = TextPair<'_>> + Clone + Send {
        self.pairs.iter().map(|pair| {
            let row = self.row(pair.row);
            TextPair {
                name: row.name,
                id: ExampleId::read(row.id),
                split: pair.split,
                source: row.source,
                targets: self.targets(pair),
            }
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    fn row(&self, row: usize) -> Row<'_> {
        let mut fields = self.rows.fields(row);
        let mut next = || fields.next().unwrap_or(Field::of_text(""));
        Row {
            place: next().ids(),
            name: next().text(),
            id: next().text(),
            source: next().text(),
            targets: fields,
        }
    }

    fn source(&self, pair: usize) -> &str {
        self.row(self.pairs[pair].row).source
    }

    fn targets(&self, pair: &Pair) -> Vec<&str> {
        let own = self.row(pair.row).targets;
        let mut rows = Vec::new();
        let mut last = pair.last;
        while let Some(more) = last.checked_sub(1).map(|at| self.more[at]) {
            rows.push(more.row);
            last = more.before;
        }
        let more = rows.into_iter().rev();
        own.chain(more.flat_map(|row| self.row(row).targets))
            .map(Field::text)
            .collect()
    }
}

/// Pairs by something that their texts say, of which memory holds hashes alone.
#[derive(Default)]
struct Known {
    hasher: RandomState,
    pairs: HashMap<u64, usize>,
}

impl Known {
    /// The pair with this key, `has` telling whether one has it.
    fn find(&self, key: impl Hash, has: impl Fn(usize) -> bool) -> Option<usize> {
        let mut hash = self.hasher.hash_one(key);
        loop {
            let pair = *self.pairs.get(&hash)?;
            if has(pair) {
                return Some(pair);
            }
            // Another key has the hash, and this one the next that was free.
            hash = hash.wrapping_add(1);
        }
    }

    /// Remembers a pair by a key that none has.
    fn insert(&mut self, key: impl Hash, pair: usize) {
        let mut hash = self.hasher.hash_one(key);
        while self.pairs.contains_key(&hash) {
            hash = hash.wrapping_add(1);
        }
        self.pairs.insert(hash, pair);
    }
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
    read: TextPairs,
    by_id: Known,
    /// By split and source, those of rows without ids.
    by_source: Known,
    files: Vec<PathBuf>,
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
    pub(super) fn finish(self) -> TextPairs {
        let Self { mut read, .. } = self;
        let splits = |read: &TextPairs| -> Option<Notice> {
            let split_of = |pair: usize| read.pairs[pair].split;
            let mut firsts = Known::default();
            let mut shared = (0, None);
            for pair in 0..read.len() {
                let source = read.source(pair);
                let Some(first) = firsts.find(source, |first| read.source(first) == source) else {
                    firsts.insert(source, pair);
                    continue;
                };
                if split_of(first) != split_of(pair) {
                    shared.0 += 1;
                    shared.1.get_or_insert((first, pair));
                }
            }
            let (first, pair) = shared.1?;
            Some(Notice::SourcesInTwoSplits {
                sources: shared.0,
                first: read.source(first).to_owned(),
                splits: [split_of(first), split_of(pair)],
            })
        };
        if read
            .pairs
            .windows(2)
            .any(|two| two[0].split != two[1].split)
        {
            read.notices.extend(splits(&read));
        }
        read
    }
}

impl FileRows<'_> {
    /// Adds a row.
    ///
    /// # Errors
    ///
    /// Its id is that of another source, or of one in another split; there is no room for it.
    pub(super) fn add(&mut self, split: Split, row: PairRow<'_>) -> Result<(), DataError> {
        if !row.is_whole() {
            self.incomplete.count(row.line);
            return Ok(());
        }
        self.is_any_whole = true;
        let known = self.known(split, &row)?;
        let before = match known {
            Some(pair) => {
                let read = &self.gathered.read;
                read.targets(&read.pairs[pair])
            }
            None => Vec::new(),
        };
        let mut new: Vec<&str> = Vec::with_capacity(row.targets.len());
        for target in &row.targets {
            if !before.contains(&&**target) && !new.contains(&&**target) {
                new.push(target);
            }
        }
        if new.is_empty() {
            self.again.count(row.line);
            return Ok(());
        }
        let record = self.record(&row, &new)?;
        let read = &mut self.gathered.read;
        match known {
            None => self.add_pair(split, row, record),
            Some(pair) => {
                let pair = &mut read.pairs[pair];
                read.more.push(More {
                    row: record,
                    before: pair.last,
                });
                pair.last = read.more.len();
            }
        }
        Ok(())
    }

    /// The pair to which the targets of a row belong, if it is there already.
    fn known(&self, split: Split, row: &PairRow<'_>) -> Result<Option<usize>, DataError> {
        let read = &self.gathered.read;
        let is_of_split = |pair: usize| read.pairs[pair].split == split;
        let has_source = |pair| is_of_split(pair) && read.source(pair) == row.source;
        let Some(id) = &row.id else {
            let by_source = &self.gathered.by_source;
            return Ok(by_source.find((split as u8, &*row.source), has_source));
        };
        let first = |pair: usize| read.row(read.pairs[pair].row);
        let has_id = |pair| ExampleId::read(first(pair).id).as_ref() == Some(id);
        let Some(pair) = self.gathered.by_id.find(id, has_id) else {
            return Ok(None);
        };
        if has_source(pair) {
            return Ok(Some(pair));
        }
        let &[file, high, low] = first(pair).place else {
            return Ok(None);
        };
        let at = Place::Line(u64::from(high) << 32 | u64::from(low));
        let path = &self.gathered.files[file as usize];
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

    /// Writes a row with those of its targets that are new.
    fn record(&mut self, row: &PairRow<'_>, targets: &[&str]) -> Result<usize, DataError> {
        let name = match &row.id {
            Some(id) => id.to_text(),
            None => format!("{}:{}", self.name, row.line),
        };
        let file = self.gathered.files.len() - 1;
        let place = [file as u32, (row.line >> 32) as u32, row.line as u32];
        let id = ExampleId::written(row.id.as_ref());
        let head = [
            Field::of_ids(&place),
            Field::of_text(&name),
            Field::of_text(&id),
            Field::of_text(&row.source),
        ];
        let targets = targets.iter().map(|target| Field::of_text(target));
        self.gathered
            .read
            .rows
            .push(head.into_iter().chain(targets))
    }

    fn add_pair(&mut self, split: Split, row: PairRow<'_>, record: usize) {
        let pair = self.gathered.read.len();
        match &row.id {
            Some(id) => self.gathered.by_id.insert(id, pair),
            None if self.repeated == Repeated::Joined => {
                let key = (split as u8, &*row.source);
                self.gathered.by_source.insert(key, pair);
            }
            None => {}
        }
        self.gathered.read.pairs.push(Pair {
            row: record,
            split,
            last: 0,
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
        let notices = &mut self.gathered.read.notices;
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
