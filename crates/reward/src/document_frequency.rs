//! In how many images' references an n-gram occurs.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::ngram::MAX_ORDER;
use crate::ngram_index::NgramIndex;
use crate::{Interner, ReferenceNgrams, References, RewardError};

/// Document frequencies of n-grams of order 1 to 4, frozen: scoring never changes them.
///
/// ```text
/// idf(g) = ln N - ln max(1, df(g))        N: images, df(g): images with g in any reference; natural logarithms
/// ```
/// This is the weight of Vedantam et al. 2015, eq. 1, as coco-caption computes it. An n-gram of no image weighs like
/// one of a single image, one of every image weighs 0. Where `N` was set below a frequency, weights are negative.
#[derive(Debug, Clone)]
pub struct DocumentFrequency {
    images: u64,
    log_images: f64,
    index: Arc<NgramIndex>,
    /// By id.
    frequencies: Vec<u32>,
    words: Vec<String>,
}

impl DocumentFrequency {
    /// An empty builder.
    pub fn builder() -> DocumentFrequencyBuilder {
        DocumentFrequencyBuilder::default()
    }

    /// The frequencies of the images of `references`.
    ///
    /// # Errors
    /// [`RewardError::NoImages`] when there is no image.
    pub fn from_references(references: &References) -> Result<Self, RewardError> {
        Self::from_ngrams(&ReferenceNgrams::new(references))
    }

    /// The frequencies of images whose references were counted; shares their numbering of n-grams, which makes
    /// scoring against these references faster.
    ///
    /// # Errors
    /// [`RewardError::NoImages`] when there is no image.
    pub fn from_ngrams(ngrams: &ReferenceNgrams) -> Result<Self, RewardError> {
        let mut frequencies = vec![0; ngrams.index().len()];
        for image in ngrams.images() {
            for order in 1..=MAX_ORDER {
                for &id in image.ids(order) {
                    frequencies[id as usize] += 1;
                }
            }
        }
        Self::new(ngrams.len() as u64, Arc::clone(ngrams.index()), frequencies)
    }

    /// The frequencies of the words of text, split at white space; the table holds its words.
    ///
    /// # Errors
    /// [`RewardError::NoImages`] when there is no image.
    pub fn from_texts<T: AsRef<str>>(images: &[Vec<T>]) -> Result<Self, RewardError> {
        let mut interner = Interner::default();
        let mut builder = Self::builder();
        for texts in images {
            builder.add_image(texts.iter().map(|text| interner.words(text.as_ref())));
        }
        builder.build()?.with_words(interner.into_words())
    }

    /// The frequencies of a table that another program has counted: n-grams of 1 to 4 tokens, each once.
    ///
    /// An n-gram whose beginning is not listed gives its beginning a frequency of 1, which weighs as one that is not there.
    ///
    /// # Errors
    /// [`RewardError::NoImages`] when `images` is 0, [`RewardError::NgramOrder`] when an n-gram has another number of
    /// tokens.
    pub fn from_counts(images: u64, ngrams: &[(Vec<u32>, u32)]) -> Result<Self, RewardError> {
        let mut index = NgramIndex::default();
        let mut frequencies = Vec::with_capacity(ngrams.len());
        for (ngram, frequency) in ngrams {
            if !(1..=MAX_ORDER).contains(&ngram.len()) {
                return Err(RewardError::NgramOrder { found: ngram.len() });
            }
            for length in 1..=ngram.len() {
                let id = index.insert(&ngram[..length - 1], ngram[length - 1]);
                let id = id.map_or(0, |id| id as usize);
                if id == frequencies.len() {
                    frequencies.push(1);
                }
                if length == ngram.len() {
                    frequencies[id] = *frequency;
                }
            }
        }
        Self::new(images, Arc::new(index), frequencies)
    }

    /// The same frequencies with another number of images, such as the reference length of a published table.
    ///
    /// # Errors
    /// [`RewardError::NoImages`] when `images` is 0.
    pub fn with_images(mut self, images: u64) -> Result<Self, RewardError> {
        self.log_images = log_images(images)?;
        self.images = images;
        Ok(self)
    }

    /// The same frequencies with the words that token ids 0, 1, 2 and so on stand for, so that text can be scored
    /// with them.
    ///
    /// # Errors
    /// [`RewardError::DuplicateWord`] when two words are equal.
    pub fn with_words(mut self, words: Vec<String>) -> Result<Self, RewardError> {
        let mut seen = FxHashSet::default();
        if let Some(word) = words.iter().find(|&word| !seen.insert(word)) {
            return Err(RewardError::DuplicateWord { word: word.clone() });
        }
        self.words = words;
        Ok(self)
    }

    /// The words of the token ids 0, 1, 2 and so on; empty for a table over a vocabulary's ids.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Number of images.
    pub fn images(&self) -> u64 {
        self.images
    }

    /// How many different n-grams of `order` there are.
    pub fn distinct(&self, order: usize) -> usize {
        self.sorted(order).len()
    }

    /// In how many images the n-gram occurs; 0 for one never seen or of another order than 1 to 4.
    pub fn frequency(&self, ngram: &[u32]) -> u32 {
        let id = self.index.find(ngram);
        id.map_or(0, |id| self.frequencies[id as usize])
    }

    /// `idf` of the n-gram.
    pub fn inverse(&self, ngram: &[u32]) -> f64 {
        self.log_images - f64::from(self.frequency(ngram).max(1)).ln()
    }

    /// `idf` of an n-gram that no image holds: `ln N`.
    pub(crate) fn inverse_of_unseen(&self) -> f64 {
        self.log_images
    }

    /// `idf` by id in the numbering of `ngrams`.
    pub(crate) fn inverses(&self, ngrams: &NgramIndex) -> Vec<f64> {
        // Most n-grams are in few images.
        let small: [f64; 32] = std::array::from_fn(|frequency| (frequency.max(1) as f64).ln());
        let inverse = |frequency: u32| {
            let log = small.get(frequency as usize).copied();
            self.log_images - log.unwrap_or_else(|| f64::from(frequency).ln())
        };
        if self.numbers_as(ngrams) {
            return self.frequencies.iter().copied().map(inverse).collect();
        }
        let inverse = |(order, key)| {
            let tokens: Vec<u32> = crate::ngram::ngram_tokens(key, order).collect();
            inverse(self.frequency(&tokens))
        };
        ngrams.ngrams().into_iter().map(inverse).collect()
    }

    pub(crate) fn index(&self) -> &NgramIndex {
        &self.index
    }

    /// Whether n-grams have the same ids here as in `ngrams`, and none is here alone.
    pub(crate) fn numbers_as(&self, ngrams: &NgramIndex) -> bool {
        std::ptr::eq(&raw const *self.index, &raw const *ngrams)
    }

    /// Keys and frequencies of an order, by ascending key.
    pub(crate) fn sorted(&self, order: usize) -> Vec<(u128, u32)> {
        let ngrams = self.index.ngrams().into_iter().zip(&self.frequencies);
        let of_order = ngrams.filter(|((found, _), _)| *found == order);
        let mut entries: Vec<_> = of_order.map(|((_, key), &f)| (key, f)).collect();
        entries.sort_unstable();
        entries
    }

    pub(crate) fn new(
        images: u64,
        index: Arc<NgramIndex>,
        frequencies: Vec<u32>,
    ) -> Result<Self, RewardError> {
        Ok(Self {
            images,
            log_images: log_images(images)?,
            index,
            frequencies,
            words: Vec::new(),
        })
    }
}

fn log_images(images: u64) -> Result<f64, RewardError> {
    if images == 0 {
        Err(RewardError::NoImages)
    } else {
        Ok((images as f64).ln())
    }
}

/// Counts images one after the other.
#[derive(Debug, Clone, Default)]
pub struct DocumentFrequencyBuilder {
    images: u64,
    index: NgramIndex,
    /// By id.
    frequencies: Vec<u32>,
    /// The last image with the n-gram, counted from 1, by id.
    last_images: Vec<u64>,
    ids: Vec<u32>,
}

impl DocumentFrequencyBuilder {
    /// A builder with room for references of so many tokens; see [`NgramIndex::with_room_for`].
    pub(crate) fn with_room_for(tokens: usize) -> Self {
        let index = NgramIndex::with_room_for(tokens);
        Self {
            frequencies: Vec::with_capacity(index.room()),
            last_images: Vec::with_capacity(index.room()),
            index,
            ..Self::default()
        }
    }

    /// Adds one image: each n-gram of its references counts once, however many references hold it.
    pub fn add_image<R: AsRef<[u32]>>(&mut self, references: impl IntoIterator<Item = R>) {
        self.add_image_with(references, |_| ());
    }

    /// The same, with a call for the id of every n-gram: reference by reference, one order after the other.
    pub(crate) fn add_image_with<R: AsRef<[u32]>>(
        &mut self,
        references: impl IntoIterator<Item = R>,
        mut visit: impl FnMut(u32),
    ) {
        self.images += 1;
        let (images, frequencies, last_images) =
            (self.images, &mut self.frequencies, &mut self.last_images);
        for reference in references {
            let tokens = reference.as_ref();
            self.index.insert_all(tokens, &mut self.ids, |_, id| {
                visit(id);
                let id = id as usize;
                if id == frequencies.len() {
                    frequencies.push(1);
                    last_images.push(images);
                } else if last_images[id] != images {
                    last_images[id] = images;
                    frequencies[id] += 1;
                }
            });
        }
    }

    /// The frozen frequencies.
    ///
    /// # Errors
    /// [`RewardError::NoImages`] when no image was added.
    pub fn build(self) -> Result<DocumentFrequency, RewardError> {
        DocumentFrequency::new(self.images, Arc::new(self.index), self.frequencies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequency_counts_an_image_once_when_several_references_hold_the_ngram() {
        let mut builder = DocumentFrequency::builder();
        builder.add_image([&[1, 2, 0][..], &[1, 2, 1, 2, 0]].iter());
        builder.add_image([&[1, 3, 0][..]].iter());
        let table = builder.build().expect("two images");
        assert_eq!(table.images(), 2);
        assert_eq!(table.frequency(&[1]), 2);
        assert_eq!(table.frequency(&[1, 2]), 1);
        assert_eq!(table.frequency(&[9]), 0);
        assert_eq!(table.frequency(&[1, 2, 1, 2, 0]), 0);
        assert_eq!(
            [1, 2, 3, 4, 5].map(|order| table.distinct(order)),
            [4, 5, 4, 2, 0]
        );
    }

    #[test]
    fn counts_of_another_program_weigh_as_they_would_when_counted_here() {
        let mut builder = DocumentFrequency::builder();
        builder.add_image([&[1, 2, 3, 4, 5][..], &[2, 3]].iter());
        builder.add_image([&[2, 3, 1][..]].iter());
        let counted = builder.build().expect("two images");
        let mut ngrams = Vec::new();
        for ngram in [&[1][..], &[2], &[3], &[1, 2], &[2, 3], &[2, 3, 4, 5]] {
            ngrams.push((ngram.to_vec(), counted.frequency(ngram)));
        }
        // Whatever the order, and with beginnings that are not listed.
        for _ in 0..2 {
            ngrams.reverse();
            let table = DocumentFrequency::from_counts(2, &ngrams).expect("a table");
            for ngram in [
                &[1][..],
                &[2],
                &[3, 4],
                &[2, 3],
                &[2, 3, 4],
                &[2, 3, 4, 5],
                &[9],
            ] {
                assert_eq!(table.inverse(ngram), counted.inverse(ngram), "{ngram:?}");
            }
            let copy = DocumentFrequency::from_bytes(&table.to_bytes()).expect("a table");
            assert_eq!(copy.fingerprint(), table.fingerprint());
        }
        for wrong in [vec![], vec![1; 5]] {
            let error = DocumentFrequency::from_counts(2, &[(wrong, 1)]).expect_err("no n-gram");
            assert!(
                error.to_string().starts_with("found an n-gram of"),
                "{error}"
            );
        }
    }

    #[test]
    fn inverse_is_zero_when_every_image_holds_the_ngram() {
        let mut builder = DocumentFrequency::builder();
        builder.add_image([&[1, 2][..]].iter());
        builder.add_image([&[1, 3][..]].iter());
        let table = builder.build().expect("two images");
        assert_eq!(table.inverse(&[1]), 0.0);
        assert_eq!(table.inverse(&[2]), 2f64.ln());
        assert_eq!(table.inverse(&[9]), 2f64.ln());
        let smaller = table.with_images(1).expect("one image");
        assert_eq!(smaller.inverse(&[1]), -2f64.ln());
    }

    #[test]
    fn build_fails_when_there_is_no_image() {
        let error = DocumentFrequency::builder().build().expect_err("no image");
        assert_eq!(error.to_string(), "found no image, expected at least one");
    }
}
