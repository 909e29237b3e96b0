//! How many n-grams a candidate has in common with each of several references.

use rustc_hash::FxHashMap;

/// Stands for the empty n-gram, which begins every n-gram; as a token, one that no reference holds.
const NONE: u32 = u32::MAX;

/// The n-grams of references, of order 1 up to any order, numbered and counted.
///
/// An n-gram is the id of its first n - 1 tokens' n-gram and its last token: exact for any tokens and any order.
#[derive(Debug, Clone)]
pub(crate) struct NgramOverlap {
    ids: FxHashMap<u64, u32>,
    /// The order of every n-gram less 1, by id.
    orders: Vec<usize>,
    references: Vec<Reference>,
    order: usize,
}

#[derive(Debug, Clone)]
struct Reference {
    /// By id; n-grams of later references are missing.
    counts: Vec<u32>,
    tokens: usize,
}

/// N-grams of one order of a candidate and of a reference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Overlap {
    pub(crate) candidate: u64,
    pub(crate) reference: u64,
    /// Those that they have in common, each as often as the side that has fewer.
    pub(crate) common: u64,
}

impl NgramOverlap {
    /// Without any reference, for n-grams of order 1 to `order`.
    pub(crate) fn new(order: usize) -> Self {
        Self {
            ids: FxHashMap::default(),
            orders: Vec::new(),
            references: Vec::new(),
            order,
        }
    }

    pub(crate) fn add_reference(&mut self, tokens: &[u32]) {
        let mut beginnings = vec![NONE; tokens.len()];
        let mut counts = vec![0; self.orders.len()];
        for order in 0..self.order.min(tokens.len()) {
            for (beginning, token) in beginnings.iter_mut().zip(&tokens[order..]) {
                let next = self.orders.len() as u32;
                let key = u64::from(*beginning) << 32 | u64::from(*token);
                let id = *self.ids.entry(key).or_insert(next);
                if id == next {
                    self.orders.push(order);
                    counts.push(0);
                }
                counts[id as usize] += 1;
                *beginning = id;
            }
        }
        self.references.push(Reference {
            counts,
            tokens: tokens.len(),
        });
    }

    /// How often a candidate has each n-gram that a reference has, by id.
    pub(crate) fn count(&self, tokens: &[u32]) -> Vec<u32> {
        let mut counts = vec![0; self.orders.len()];
        for first in 0..tokens.len() {
            let mut beginning = NONE;
            for token in tokens[first..].iter().take(self.order) {
                let key = u64::from(beginning) << 32 | u64::from(*token);
                let Some(&id) = self.ids.get(&key) else { break };
                counts[id as usize] += 1;
                beginning = id;
            }
        }
        counts
    }

    /// The overlap with every reference in turn, by order, of a candidate of so many tokens and its [`count`](Self::count).
    pub(crate) fn overlaps(
        &self,
        tokens: usize,
        counts: &[u32],
    ) -> impl Iterator<Item = Vec<Overlap>> {
        self.references.iter().map(move |reference| {
            let mut overlaps: Vec<Overlap> = (0..self.order)
                .map(|order| Overlap {
                    candidate: tokens.saturating_sub(order) as u64,
                    reference: reference.tokens.saturating_sub(order) as u64,
                    common: 0,
                })
                .collect();
            let held = counts.iter().zip(&reference.counts);
            for ((&ours, &theirs), &order) in held.zip(&self.orders) {
                overlaps[order].common += u64::from(ours.min(theirs));
            }
            overlaps
        })
    }

    /// By order, how many n-grams of a candidate the references hold, each at most as often as the one that has most.
    pub(crate) fn clipped(&self, counts: &[u32]) -> Vec<u64> {
        let mut clipped = vec![0; self.order];
        for (id, &count) in counts.iter().enumerate() {
            let held = self.references.iter().filter_map(|r| r.counts.get(id));
            clipped[self.orders[id]] += u64::from(count.min(held.copied().max().unwrap_or(0)));
        }
        clipped
    }

    /// The tokens of every reference.
    pub(crate) fn lengths(&self) -> Vec<u32> {
        self.references.iter().map(|r| r.tokens as u32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlap(candidate: u64, reference: u64, common: u64) -> Overlap {
        Overlap {
            candidate,
            reference,
            common,
        }
    }

    #[test]
    fn overlap_counts_each_reference_when_there_are_several() {
        let mut overlap_index = NgramOverlap::new(3);
        overlap_index.add_reference(&[1, 2, 1]);
        overlap_index.add_reference(&[2, 1, 2, 2]);
        overlap_index.add_reference(&[]);
        let counts = overlap_index.count(&[1, 2, 2, 9]);
        let overlaps: Vec<_> = overlap_index.overlaps(4, &counts).collect();
        assert_eq!(
            overlaps,
            [
                [overlap(4, 3, 2), overlap(3, 2, 1), overlap(2, 1, 0)],
                [overlap(4, 4, 3), overlap(3, 3, 2), overlap(2, 2, 1)],
                [overlap(4, 0, 0), overlap(3, 0, 0), overlap(2, 0, 0)],
            ]
        );
        assert_eq!(overlap_index.clipped(&counts), [3, 2, 1]);
        assert_eq!(overlap_index.lengths(), [3, 4, 0]);
    }

    #[test]
    fn ngrams_do_not_match_when_they_hold_a_word_that_no_reference_has() {
        let mut overlap = NgramOverlap::new(2);
        overlap.add_reference(&[0, 1]);
        let counts = overlap.count(&[NONE, 0, NONE, 1]);
        assert_eq!(overlap.clipped(&counts), [2, 0]);
    }
}
