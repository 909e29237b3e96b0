//! The n-grams of every image's references, counted once and joined with each candidate.

use std::ops::Range;

use crate::ngram::{MAX_ORDER, NgramCount, NgramCounter};
use crate::{References, RewardError};

/// The counted n-grams of the references of every image.
#[derive(Debug)]
pub struct ReferenceNgrams {
    images: Vec<ImageNgrams>,
}

impl ReferenceNgrams {
    /// Counts the references of every image.
    pub fn new(references: &References) -> Self {
        let mut counter = NgramCounter::default();
        let images = references.images().iter();
        Self {
            images: images
                .map(|image| ImageNgrams::new(&image.tokens, &mut counter))
                .collect(),
        }
    }

    pub(crate) fn images(&self) -> &[ImageNgrams] {
        &self.images
    }

    pub(crate) fn image(&self, image: usize) -> Result<&ImageNgrams, RewardError> {
        let unknown = RewardError::UnknownImage {
            image,
            images: self.images.len(),
        };
        self.images.get(image).ok_or(unknown)
    }
}

/// One reference's count of an n-gram.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Posting {
    pub(crate) reference: u32,
    pub(crate) count: u32,
}

/// The n-grams of one image's references: an inverted index from n-gram to the references that hold it.
#[derive(Debug)]
pub(crate) struct ImageNgrams {
    /// Distinct n-grams: those of order 1 by ascending key, then those of order 2, and so on.
    keys: Vec<u128>,
    /// Where each order ends in `keys`.
    order_ends: [u32; MAX_ORDER],
    /// Where each n-gram's postings end.
    posting_ends: Vec<u32>,
    postings: Vec<Posting>,
    /// Tokens in each reference.
    lengths: Vec<u32>,
}

impl ImageNgrams {
    pub(crate) fn new<R: AsRef<[u32]>>(references: &[R], counter: &mut NgramCounter) -> Self {
        let mut image = Self {
            keys: Vec::new(),
            order_ends: [0; MAX_ORDER],
            posting_ends: Vec::new(),
            postings: Vec::new(),
            lengths: references
                .iter()
                .map(|reference| reference.as_ref().len() as u32)
                .collect(),
        };
        let mut entries: Vec<(u128, Posting)> = Vec::new();
        for order in 1..=MAX_ORDER {
            entries.clear();
            for (reference, tokens) in (0..).zip(references) {
                let counts = counter.count(tokens.as_ref(), order).iter();
                entries.extend(counts.map(|&(key, count)| (key, Posting { reference, count })));
            }
            entries.sort_unstable_by_key(|&(key, posting)| (key, posting.reference));
            for holders in entries.chunk_by(|left, right| left.0 == right.0) {
                image.keys.push(holders[0].0);
                image
                    .postings
                    .extend(holders.iter().map(|&(_, posting)| posting));
                image.posting_ends.push(image.postings.len() as u32);
            }
            image.order_ends[order - 1] = image.keys.len() as u32;
        }
        image.keys.shrink_to_fit();
        image.posting_ends.shrink_to_fit();
        image.postings.shrink_to_fit();
        image
    }

    /// Tokens in each reference.
    pub(crate) fn lengths(&self) -> &[u32] {
        &self.lengths
    }

    /// Distinct n-grams of all orders.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The positions of the n-grams of `order`.
    pub(crate) fn order(&self, order: usize) -> Range<usize> {
        let start = if order == 1 {
            0
        } else {
            self.order_ends[order - 2]
        };
        start as usize..self.order_ends[order - 1] as usize
    }

    /// The key at a position.
    pub(crate) fn key(&self, position: usize) -> u128 {
        self.keys[position]
    }

    /// Who holds the n-gram at a position.
    pub(crate) fn postings(&self, position: usize) -> &[Posting] {
        let start = if position == 0 {
            0
        } else {
            self.posting_ends[position - 1]
        };
        &self.postings[start as usize..self.posting_ends[position] as usize]
    }

    /// Calls `visit(key, count, position)` for each counted n-gram of `order`, with its position here if there is one.
    ///
    /// `counts` ascend by key.
    pub(crate) fn join(
        &self,
        order: usize,
        counts: &[NgramCount],
        mut visit: impl FnMut(u128, u32, Option<usize>),
    ) {
        let Range { mut start, end } = self.order(order);
        for &(key, count) in counts {
            start += self.keys[start..end].partition_point(|&held| held < key);
            let held = start < end && self.keys[start] == key;
            visit(key, count, held.then_some(start));
        }
    }
}
