//! In how many images' references an n-gram occurs.

use std::io::{Read, Write};

use rustc_hash::FxHashMap;

use crate::frequency_file;
use crate::ngram::{MAX_ORDER, ngram_key};
use crate::{References, RewardError};

/// An n-gram's document frequency and the weight that follows from it.
#[derive(Debug, Clone, Copy)]
struct Frequency {
    images: u32,
    idf: f64,
}

/// Document frequencies of n-grams of order 1 to 4, frozen.
///
/// Vedantam et al. 2015, eq. 1, as coco-caption computes it:
/// ```text
/// df(g)  = number of images with g in at least one reference
/// idf(g) = ln(N) - ln(max(1, df(g)))       N = number of images, in nats
/// ```
/// Looking up an unseen n-gram gives `ln(N)` and changes nothing.
#[derive(Debug, Clone)]
pub struct DocumentFrequency {
    images: u64,
    log_images: f64,
    /// By order, then by n-gram key.
    frequencies: [FxHashMap<u128, Frequency>; MAX_ORDER],
}

impl DocumentFrequency {
    /// A builder without any image.
    pub fn builder() -> DocumentFrequencyBuilder {
        DocumentFrequencyBuilder::default()
    }

    /// The frequencies of these references themselves, as coco-caption takes them when it evaluates a corpus.
    ///
    /// # Errors
    /// [`RewardError::NoImages`] when there are none.
    pub fn from_references(references: &References) -> Result<Self, RewardError> {
        let mut builder = Self::builder();
        for image in references.images() {
            builder.add_image(image.tokens.iter());
        }
        builder.build()
    }

    /// The same frequencies with another number of images `N`.
    ///
    /// An n-gram of more than `N` images then has a negative weight, as in the reference code.
    ///
    /// # Errors
    /// [`RewardError::NoImages`] when `images` is 0.
    pub fn with_images(mut self, images: u64) -> Result<Self, RewardError> {
        let log_images = log_images(images)?;
        (self.images, self.log_images) = (images, log_images);
        for frequency in self.frequencies.iter_mut().flat_map(FxHashMap::values_mut) {
            frequency.idf = idf(log_images, frequency.images);
        }
        Ok(self)
    }

    /// The number of images `N`.
    pub fn images(&self) -> u64 {
        self.images
    }

    /// How many distinct n-grams of `order` there are; 0 for an order outside 1 to 4.
    pub fn distinct(&self, order: usize) -> usize {
        self.order(order).map_or(0, FxHashMap::len)
    }

    /// `df(g)`: in how many images the n-gram occurs; 0 for one that was never seen.
    pub fn frequency(&self, ngram: &[u32]) -> u32 {
        let frequency = self
            .order(ngram.len())
            .and_then(|order| order.get(&ngram_key(ngram)));
        frequency.map_or(0, |frequency| frequency.images)
    }

    /// `idf(g)` in nats.
    pub fn inverse(&self, ngram: &[u32]) -> f64 {
        self.inverse_of_key(ngram.len(), ngram_key(ngram))
    }

    /// Writes the table: equal tables give equal bytes.
    ///
    /// # Errors
    /// [`RewardError::TableWrite`] when the writer fails.
    pub fn save(&self, mut writer: impl Write) -> Result<(), RewardError> {
        writer
            .write_all(&self.to_bytes())
            .map_err(RewardError::TableWrite)
    }

    /// Reads a table that [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// One of the `Table` errors when the reader fails, the version is another, or a byte was lost or changed.
    pub fn load(mut reader: impl Read) -> Result<Self, RewardError> {
        let mut bytes = Vec::new();
        reader
            .read_to_end(&mut bytes)
            .map_err(RewardError::TableRead)?;
        Self::from_bytes(&bytes)
    }

    /// The bytes that [`save`](Self::save) writes.
    pub fn to_bytes(&self) -> Vec<u8> {
        frequency_file::encode(self)
    }

    /// Reads the bytes that [`to_bytes`](Self::to_bytes) gives.
    ///
    /// # Errors
    /// One of the `Table` errors when the version is another, or a byte was lost or changed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RewardError> {
        frequency_file::decode(bytes)
    }

    /// The first 16 hexadecimal digits of the SHA-256 of the table: equal tables, however built, have equal ones.
    pub fn fingerprint(&self) -> String {
        frequency_file::fingerprint(self)
    }

    /// `table-<N>-<fingerprint>`: the part of a signature that names this table.
    pub fn signature(&self) -> String {
        format!("table-{}-{}", self.images, self.fingerprint())
    }

    pub(crate) fn inverse_of_key(&self, order: usize, key: u128) -> f64 {
        let frequency = self.order(order).and_then(|order| order.get(&key));
        frequency.map_or(self.log_images, |frequency| frequency.idf)
    }

    /// The n-grams of `order` and their frequencies, by ascending key.
    pub(crate) fn sorted(&self, order: usize) -> Vec<(u128, u32)> {
        let entries = self.order(order).into_iter().flatten();
        let mut entries: Vec<_> = entries
            .map(|(&key, frequency)| (key, frequency.images))
            .collect();
        entries.sort_unstable();
        entries
    }

    pub(crate) fn new(
        images: u64,
        frequencies: [FxHashMap<u128, u32>; MAX_ORDER],
    ) -> Result<Self, RewardError> {
        let log_images = log_images(images)?;
        let frequencies = frequencies.map(|order| {
            let weigh = |(key, images)| {
                (
                    key,
                    Frequency {
                        images,
                        idf: idf(log_images, images),
                    },
                )
            };
            order.into_iter().map(weigh).collect()
        });
        Ok(Self {
            images,
            log_images,
            frequencies,
        })
    }

    fn order(&self, order: usize) -> Option<&FxHashMap<u128, Frequency>> {
        self.frequencies.get(order.checked_sub(1)?)
    }
}

fn log_images(images: u64) -> Result<f64, RewardError> {
    if images == 0 {
        Err(RewardError::NoImages)
    } else {
        Ok((images as f64).ln())
    }
}

/// Exactly 0 for an n-gram of every image: both logarithms are then of the same number.
fn idf(log_images: f64, images: u32) -> f64 {
    log_images - f64::from(images.max(1)).ln()
}

/// Collects images one at a time; the order does not matter.
#[derive(Debug, Clone, Default)]
pub struct DocumentFrequencyBuilder {
    images: u64,
    frequencies: [FxHashMap<u128, u32>; MAX_ORDER],
    keys: Vec<u128>,
}

impl DocumentFrequencyBuilder {
    /// Counts one image: each n-gram of its references once. End tokens count where the references hold them.
    pub fn add_image<R: AsRef<[u32]>>(&mut self, references: impl Iterator<Item = R> + Clone) {
        self.images += 1;
        for (order, frequencies) in (1..).zip(&mut self.frequencies) {
            self.keys.clear();
            for reference in references.clone() {
                self.keys
                    .extend(reference.as_ref().windows(order).map(ngram_key));
            }
            self.keys.sort_unstable();
            self.keys.dedup();
            for &key in &self.keys {
                *frequencies.entry(key).or_insert(0) += 1;
            }
        }
    }

    /// Freezes the counts.
    ///
    /// # Errors
    /// [`RewardError::NoImages`] when no image was added.
    pub fn build(self) -> Result<DocumentFrequency, RewardError> {
        DocumentFrequency::new(self.images, self.frequencies)
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
