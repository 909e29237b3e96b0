//! The n-grams of every image's references, counted once and joined with each candidate.

use std::ops::Range;
use std::sync::Arc;

use crate::ngram::MAX_ORDER;
use crate::ngram_index::NgramIndex;
use crate::{References, RewardError};

/// The counted n-grams of the references of every image.
///
/// An inverted index in flat arrays: every image's n-grams by order and ascending id, every n-gram's references.
#[derive(Debug, Default)]
pub struct ReferenceNgrams {
    index: Arc<NgramIndex>,
    ids: Vec<u32>,
    /// Where each n-gram's postings end, counted from its image's first.
    posting_ends: Vec<u32>,
    postings: Vec<Posting>,
    /// Tokens of each reference.
    lengths: Vec<u32>,
    /// One more than there are images.
    starts: Vec<Starts>,
}

/// One reference's count of an n-gram.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Posting {
    /// Which reference of the image.
    pub(crate) reference: u32,
    pub(crate) count: u32,
}

/// Where an image begins in the flat arrays.
#[derive(Debug, Clone, Copy, Default)]
struct Starts {
    orders: [usize; MAX_ORDER],
    postings: usize,
    references: usize,
}

/// Buffers of the builder.
#[derive(Debug, Default)]
struct Builder {
    ids: Vec<u32>,
    /// Id and reference, by order.
    occurrences: [Vec<u64>; MAX_ORDER],
}

impl ReferenceNgrams {
    /// Counts the references of every image.
    pub fn new(references: &References) -> Self {
        Self::of_images(references.images().map(|image| Arc::clone(&image.tokens)))
    }

    /// Counts the references of every image, given as slices of token sequences.
    pub fn of_images<R: AsRef<[u32]>, I: AsRef<[R]>>(
        images: impl Iterator<Item = I> + Clone,
    ) -> Self {
        let tokens = |image: I| -> usize {
            let references = image.as_ref().iter();
            references.map(|tokens| tokens.as_ref().len()).sum()
        };
        let mut index = NgramIndex::with_room_for(images.clone().map(tokens).sum());
        let mut ngrams = Self::default();
        ngrams.ids.reserve(index.room());
        ngrams.posting_ends.reserve(index.room());
        ngrams.postings.reserve(index.room());
        let mut builder = Builder::default();
        for references in images {
            ngrams.add(references.as_ref(), &mut index, &mut builder);
        }
        let end = ngrams.start(ngrams.ids.len());
        ngrams.starts.push(end);
        ngrams.index = Arc::new(index);
        ngrams
    }

    fn start(&self, ids: usize) -> Starts {
        Starts {
            orders: [ids; MAX_ORDER],
            postings: self.postings.len(),
            references: self.lengths.len(),
        }
    }

    fn add<R: AsRef<[u32]>>(
        &mut self,
        references: &[R],
        index: &mut NgramIndex,
        Builder { ids, occurrences }: &mut Builder,
    ) {
        let mut start = self.start(self.ids.len());
        for (reference, tokens) in (0u64..).zip(references) {
            let tokens = tokens.as_ref();
            self.lengths.push(tokens.len() as u32);
            index.insert_all(tokens, ids, |order, id| {
                occurrences[order - 1].push(u64::from(id) << 32 | reference);
            });
        }
        for (order, occurrences) in occurrences.iter_mut().enumerate() {
            start.orders[order] = self.ids.len();
            occurrences.sort_unstable();
            for holders in occurrences.chunk_by(|left, right| left >> 32 == right >> 32) {
                self.ids.push((holders[0] >> 32) as u32);
                let counts = holders.chunk_by(|left, right| left == right);
                self.postings.extend(counts.map(|run| Posting {
                    reference: run[0] as u32,
                    count: run.len() as u32,
                }));
                let end = self.postings.len() - start.postings;
                self.posting_ends.push(end as u32);
            }
            occurrences.clear();
        }
        self.starts.push(start);
    }

    /// The numbering of all n-grams.
    pub(crate) fn index(&self) -> &Arc<NgramIndex> {
        &self.index
    }

    /// How many images there are.
    pub(crate) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    pub(crate) fn images(&self) -> impl ExactSizeIterator<Item = ImageNgrams<'_>> {
        self.starts.windows(2).map(|bounds| ImageNgrams {
            all: self,
            start: bounds[0],
            end: bounds[1],
        })
    }

    pub(crate) fn image(&self, image: usize) -> Result<ImageNgrams<'_>, RewardError> {
        let (Some(&start), Some(&end)) = (self.starts.get(image), self.starts.get(image + 1))
        else {
            return Err(RewardError::UnknownImage {
                image,
                images: self.len(),
            });
        };
        let all = self;
        Ok(ImageNgrams { all, start, end })
    }
}

/// The n-grams of one image's references.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ImageNgrams<'a> {
    all: &'a ReferenceNgrams,
    start: Starts,
    end: Starts,
}

impl<'a> ImageNgrams<'a> {
    /// Tokens in each reference.
    pub(crate) fn lengths(&self) -> &'a [u32] {
        &self.all.lengths[self.references()]
    }

    /// Where the image's references are in the order of all references.
    pub(crate) fn references(&self) -> Range<usize> {
        self.start.references..self.end.references
    }

    /// The distinct n-grams of `order`, ascending.
    pub(crate) fn ids(&self, order: usize) -> &'a [u32] {
        &self.all.ids[self.order(order)]
    }

    /// Who holds the n-gram at this place of [`ids`](Self::ids).
    pub(crate) fn postings(&self, order: usize, place: usize) -> &'a [Posting] {
        let place = self.start.orders[order - 1] + place;
        let first = if place == self.start.orders[0] {
            0
        } else {
            self.all.posting_ends[place - 1]
        };
        let postings = &self.all.postings[self.start.postings..];
        &postings[first as usize..self.all.posting_ends[place] as usize]
    }

    /// Who holds the n-gram with this id: nobody if it does not occur.
    pub(crate) fn holders(&self, order: usize, id: u32) -> &'a [Posting] {
        match self.ids(order).binary_search(&id) {
            Ok(place) => self.postings(order, place),
            Err(_) => &[],
        }
    }

    fn order(&self, order: usize) -> Range<usize> {
        let end = match self.start.orders.get(order) {
            Some(&next) => next,
            None => self.end.orders[0],
        };
        self.start.orders[order - 1]..end
    }
}
