//! Dense ids for the n-grams of a corpus, and the n-grams of one sequence counted by them.

use crate::ngram::MAX_ORDER;

/// Stands for the empty n-gram, which begins every n-gram.
const ROOT: u32 = u32::MAX;
/// Marks n-grams that are not in the index, known by where in the sequence they first occur.
const UNSEEN: u32 = 1 << 31;

/// Stands for a slot that holds no n-gram.
const FREE: u32 = u32::MAX;

/// Numbers the n-grams of order 1 to 4 in order of appearance, from 0.
///
/// An n-gram is the id of its first n - 1 tokens' n-gram and its last token: 64 bits, exact for any token ids, and an
/// n-gram whose beginning is unknown is unknown without another look.
///
/// A hash table with open addressing whose slots are ids. It has half the bytes of one that holds n-grams in its slots:
/// counting a batch of captions stays in the cache, and its memory below what the allocator gives back every time.
#[derive(Debug, Clone, Default)]
pub(crate) struct NgramIndex {
    /// By id.
    keys: Vec<u64>,
    /// Ids and [`FREE`]; none, or a power of two of which three quarters are taken at most.
    slots: Vec<u32>,
}

fn key(beginning: u32, token: u32) -> u64 {
    u64::from(beginning) << 32 | u64::from(token)
}

/// Both halves of a product, so that all bits of a key are in all bits of its hash.
fn hash(key: u64) -> usize {
    let product = u128::from(key ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
    (product as u64 ^ (product >> 64) as u64) as usize
}

impl NgramIndex {
    /// An empty index with room for the n-grams of so many tokens, but no more than a batch of captions has: a corpus
    /// repeats itself, and grows its index as it needs.
    pub(crate) fn with_room_for(tokens: usize) -> Self {
        const LARGEST: usize = 3 << 12;
        let ngrams = tokens.saturating_mul(MAX_ORDER).min(LARGEST);
        Self {
            keys: Vec::with_capacity(ngrams),
            slots: vec![FREE; (ngrams / 3 * 4 + 4).next_power_of_two()],
        }
    }

    /// N-grams that it holds without growing.
    pub(crate) fn room(&self) -> usize {
        self.slots.len() / 4 * 3
    }

    /// N-grams of all orders.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The id of an n-gram of at most [`MAX_ORDER`] tokens.
    pub(crate) fn find(&self, ngram: &[u32]) -> Option<u32> {
        let mut id = ROOT;
        for &token in ngram {
            id = self.get(key(id, token))?;
        }
        (id != ROOT).then_some(id)
    }

    /// The id of the n-gram that continues `beginning`, which is in the index (or empty), with `token`; a new id for
    /// a new n-gram.
    pub(crate) fn insert(&mut self, beginning: &[u32], token: u32) -> Option<u32> {
        let beginning = if beginning.is_empty() {
            ROOT
        } else {
            self.find(beginning)?
        };
        Some(self.continued(beginning, token))
    }

    fn get(&self, key: u64) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let id = self.slots[self.slot(key)];
        (id != FREE).then_some(id)
    }

    /// Where the id of an n-gram stands, or would. To be called when there are slots, some of which are always free.
    fn slot(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = hash(key) & mask;
        loop {
            let id = self.slots[slot];
            if id == FREE || self.keys[id as usize] == key {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    #[inline]
    fn continued(&mut self, beginning: u32, token: u32) -> u32 {
        let key = key(beginning, token);
        if self.keys.len() >= self.room() {
            self.grow();
        }
        let slot = self.slot(key);
        if self.slots[slot] == FREE {
            let next = self.keys.len() as u32;
            assert!(next < UNSEEN, "found 2^31 n-grams, expected fewer");
            self.slots[slot] = next;
            self.keys.push(key);
        }
        self.slots[slot]
    }

    #[cold]
    fn grow(&mut self) {
        let larger = (2 * self.slots.len()).max(16);
        self.slots.clear();
        self.slots.resize(larger, FREE);
        for id in 0..self.keys.len() {
            let slot = self.slot(self.keys[id]);
            self.slots[slot] = id as u32;
        }
    }

    /// Calls `visit(order, id)` for each n-gram of a sequence, one order after the other, and gives ids to new ones.
    pub(crate) fn insert_all(
        &mut self,
        tokens: &[u32],
        ids: &mut Vec<u32>,
        mut visit: impl FnMut(usize, u32),
    ) {
        ids.clear();
        ids.resize(tokens.len(), ROOT);
        for order in 1..=MAX_ORDER {
            for (id, window) in ids.iter_mut().zip(tokens.windows(order)) {
                *id = self.continued(*id, window[order - 1]);
                visit(order, *id);
            }
        }
    }

    /// The tokens of every n-gram as one integer (see [`ngram_key`](crate::ngram::ngram_key)), with its order, by id.
    pub(crate) fn ngrams(&self) -> Vec<(usize, u128)> {
        let mut ngrams: Vec<(usize, u128)> = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            let beginning = (key >> 32) as u32;
            let token = u128::from(*key as u32);
            // A beginning is older than what continues it.
            ngrams.push(match ngrams.get(beginning as usize) {
                Some((order, beginning)) => (order + 1, beginning << 32 | token),
                None => (1, token),
            });
        }
        ngrams
    }
}

/// An n-gram that the index holds, and how often the sequence holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SeenCount {
    pub(crate) id: u32,
    pub(crate) count: u32,
}

/// An n-gram that the index does not hold: its first position in the sequence, and how often it occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnseenCount {
    pub(crate) position: u32,
    pub(crate) count: u32,
}

/// The distinct n-grams of one sequence, counted into buffers that are kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct CountedNgrams {
    /// The n-gram of the current order at every position: an id, or [`UNSEEN`] and its first position.
    at: Vec<u32>,
    seen_ids: Vec<u32>,
    /// Beginning and last token, position.
    unseen_keys: Vec<(u64, u32)>,
    seen: Vec<SeenCount>,
    unseen: Vec<UnseenCount>,
    seen_ends: [usize; MAX_ORDER],
    unseen_ends: [usize; MAX_ORDER],
}

impl CountedNgrams {
    /// Counts the n-grams of all orders.
    pub(crate) fn count(&mut self, index: &NgramIndex, tokens: &[u32]) {
        self.seen.clear();
        self.unseen.clear();
        self.at.clear();
        self.at.resize(tokens.len(), ROOT);
        for order in 1..=MAX_ORDER {
            self.find(index, tokens, order);
            self.count_seen();
            self.count_unseen();
            self.seen_ends[order - 1] = self.seen.len();
            self.unseen_ends[order - 1] = self.unseen.len();
        }
    }

    fn find(&mut self, index: &NgramIndex, tokens: &[u32], order: usize) {
        self.seen_ids.clear();
        self.unseen_keys.clear();
        for (position, (at, window)) in self.at.iter_mut().zip(tokens.windows(order)).enumerate() {
            let key = key(*at, window[order - 1]);
            let beginning_unseen = *at != ROOT && *at >= UNSEEN;
            let id = if beginning_unseen {
                None
            } else {
                index.get(key)
            };
            if let Some(id) = id {
                *at = id;
                self.seen_ids.push(id);
            } else {
                self.unseen_keys.push((key, position as u32));
            }
        }
    }

    fn count_seen(&mut self) {
        self.seen_ids.sort_unstable();
        for run in self.seen_ids.chunk_by(|left, right| left == right) {
            self.seen.push(SeenCount {
                id: run[0],
                count: run.len() as u32,
            });
        }
    }

    fn count_unseen(&mut self) {
        self.unseen_keys.sort_unstable();
        for run in self
            .unseen_keys
            .chunk_by(|(left, _), (right, _)| left == right)
        {
            let position = run[0].1;
            for &(_, occurrence) in run {
                self.at[occurrence as usize] = UNSEEN | position;
            }
            self.unseen.push(UnseenCount {
                position,
                count: run.len() as u32,
            });
        }
    }

    /// The n-grams of `order` that the index holds, by ascending id.
    pub(crate) fn seen(&self, order: usize) -> &[SeenCount] {
        &self.seen[range(&self.seen_ends, order)]
    }

    /// The n-grams of `order` that the index does not hold.
    pub(crate) fn unseen(&self, order: usize) -> &[UnseenCount] {
        &self.unseen[range(&self.unseen_ends, order)]
    }
}

fn range(ends: &[usize; MAX_ORDER], order: usize) -> std::ops::Range<usize> {
    let start = if order == 1 { 0 } else { ends[order - 2] };
    start..ends[order - 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ngram::ngram_key;

    fn index(sequences: &[&[u32]]) -> NgramIndex {
        let mut index = NgramIndex::default();
        for tokens in sequences {
            index.insert_all(tokens, &mut Vec::new(), |_, _| {});
        }
        index
    }

    #[test]
    fn ids_are_dense_and_lead_back_to_their_ngrams() {
        let index = index(&[&[7, u32::MAX, 7, u32::MAX, 0], &[0, 7]]);
        let ngrams = index.ngrams();
        assert_eq!(ngrams.len(), index.len());
        for (id, &(order, key)) in ngrams.iter().enumerate() {
            let tokens: Vec<u32> = crate::ngram::ngram_tokens(key, order).collect();
            assert_eq!(index.find(&tokens), Some(id as u32));
        }
        assert_eq!(index.find(&[0, 7, 7]), None);
        assert_eq!(index.find(&[]), None);
        assert!(ngrams.contains(&(3, ngram_key(&[u32::MAX, 7, u32::MAX]))));
    }

    #[test]
    fn counts_tell_seen_from_unseen_when_a_sequence_has_both() {
        let index = index(&[&[1, 2, 3]]);
        let mut counted = CountedNgrams::default();
        counted.count(&index, &[9, 1, 2, 9, 1, 9]);
        let seen = |order| -> Vec<(u32, u32)> {
            let counts = counted.seen(order).iter();
            counts.map(|seen| (seen.id, seen.count)).collect()
        };
        let unseen = |order| -> Vec<(u32, u32)> {
            let counts = counted.unseen(order).iter();
            let mut counts: Vec<_> = counts.map(|one| (one.position, one.count)).collect();
            counts.sort_unstable();
            counts
        };
        let id = |ngram: &[u32]| index.find(ngram).expect("in the index");
        assert_eq!(seen(1), [(id(&[1]), 2), (id(&[2]), 1)]);
        assert_eq!(unseen(1), [(0, 3)]);
        assert_eq!(seen(2), [(id(&[1, 2]), 1)]);
        assert_eq!(unseen(2), [(0, 2), (2, 1), (4, 1)]);
        assert_eq!(unseen(3), [(0, 1), (1, 1), (2, 1), (3, 1)]);
        assert_eq!((seen(3), seen(4)), (vec![], vec![]));
        counted.count(&index, &[]);
        assert_eq!((counted.seen(1).len(), counted.unseen(4).len()), (0, 0));
    }
}
