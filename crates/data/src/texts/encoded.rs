//! Source texts as ids, packed one after the other.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;

use crate::features::Row;
use crate::spill::Spill;
use crate::{DataError, Vocabulary};

/// The ids of all sources, which need not fit into memory: there a source takes 8 bytes.
#[derive(Debug)]
pub struct TextSources {
    vocabulary: Vocabulary,
    ids: Spill<u32>,
    /// Where the ids of each source end.
    ends: Vec<usize>,
    /// Sources that were cut.
    cut: usize,
    max_length: usize,
}

/// Sources of a batch, one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenBatch {
    /// The ids of all of them, without end tokens.
    pub ids: Vec<u32>,
    /// How many each has, none of them 0.
    pub counts: Vec<usize>,
}

impl TextSources {
    /// No sources yet, of at most `max_length` tokens each.
    pub fn new(vocabulary: Vocabulary, max_length: usize) -> Self {
        Self {
            vocabulary,
            ids: Spill::default(),
            ends: Vec::new(),
            cut: 0,
            max_length,
        }
    }

    /// Adds a source; none if it has no token, or if there are 2^32 already.
    ///
    /// # Errors
    ///
    /// There is no room for it.
    pub fn push(&mut self, text: &str) -> Result<Option<Row>, DataError> {
        let mut ids = self.vocabulary.encode_text(text);
        if ids.len() > self.max_length {
            ids.truncate(self.max_length);
            self.cut += 1;
        }
        let Ok(row) = u32::try_from(self.ends.len()) else {
            return Ok(None);
        };
        if ids.is_empty() {
            return Ok(None);
        }
        let start = self.ids.push(&ids)?;
        self.ends.push(start + ids.len());
        Ok(Some(Row(row)))
    }

    /// How text and ids of sources belong together.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The number of sources.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many sources were longer than the most that is read of one.
    pub fn cut(&self) -> usize {
        self.cut
    }

    /// The most tokens of one source.
    pub fn longest(&self) -> usize {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let lengths = self.ends.iter().zip(starts).map(|(end, start)| end - start);
        lengths.max().unwrap_or(0)
    }

    /// The ids of a source, without an end token; nothing for rows of other sources.
    pub fn ids(&self, Row(row): Row) -> &[u32] {
        let row = row as usize;
        let Some(&end) = self.ends.get(row) else {
            return &[];
        };
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        // They were pushed at once.
        self.ids.at(start).get(..end - start).unwrap_or_default()
    }

    /// A source as text, as far as its vocabulary has it.
    pub fn text(&self, row: Row) -> String {
        self.vocabulary.decode(self.ids(row))
    }

    /// The ids of some sources.
    pub fn read_batch(&self, rows: &[Row]) -> TokenBatch {
        let mut batch = TokenBatch::default();
        for &row in rows {
            let ids = self.ids(row);
            batch.ids.extend_from_slice(ids);
            batch.counts.push(ids.len());
        }
        batch
    }

    /// 16 hexadecimal digits (of SHA-256) that change when a source or its vocabulary does.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.vocabulary.fingerprint());
        for end in &self.ends {
            hash.update((*end as u64).to_le_bytes());
        }
        for id in self.ids.runs().into_iter().flatten() {
            hash.update(id.to_le_bytes());
        }
        let mut digits = String::with_capacity(16);
        for byte in hash.finalize().iter().take(8) {
            // Writing into a string does not fail.
            let _ = write!(digits, "{byte:02x}");
        }
        digits
    }
}
