//! The references of every image: what candidates are compared with.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::RewardError;

/// One image's references, as ids and as words, which may be shared with whoever else needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageReferences {
    /// The image's id, normally its file name.
    pub id: Arc<str>,
    /// Token ids of each reference, with the end token if the captions have one.
    pub tokens: Arc<[Vec<u32>]>,
    /// Words of each reference, without the end token, in the same order.
    pub texts: Arc<[String]>,
}

impl ImageReferences {
    /// References of the image `id`: token ids and words of each.
    pub fn new(
        id: impl Into<Arc<str>>,
        tokens: impl Into<Arc<[Vec<u32>]>>,
        texts: impl Into<Arc<[String]>>,
    ) -> Self {
        Self {
            id: id.into(),
            tokens: tokens.into(),
            texts: texts.into(),
        }
    }
}

/// References that lie elsewhere than in memory and are read when they are needed.
pub trait ReferenceStore: fmt::Debug + Send + Sync {
    /// The number of images.
    fn images(&self) -> usize;

    /// The number of references of an image.
    fn count(&self, image: usize) -> usize;

    /// The references of an image, as many as [`count`](Self::count) says.
    fn read(&self, image: usize) -> ImageReferences;
}

/// The references of all images that rewards are computed for, by index.
#[derive(Debug, Clone)]
pub struct References {
    end_token: Option<u32>,
    images: Images,
}

#[derive(Debug, Clone)]
enum Images {
    Listed(Vec<ImageReferences>),
    Stored(Arc<dyn ReferenceStore>),
}

impl References {
    /// References with `end_token` at the end of their sequences, or without any.
    ///
    /// A reference that was cut at a maximum length may lack its end token.
    ///
    /// # Errors
    /// [`RewardError::NoImages`], [`RewardError::NoReferences`], [`RewardError::TextCount`] or, for a reference that
    /// goes on after its end token, [`RewardError::EndTokenInside`].
    pub fn new(end_token: Option<u32>, images: Vec<ImageReferences>) -> Result<Self, RewardError> {
        Self::checked(end_token, Images::Listed(images))
    }

    /// The same of references that are read when they are needed: all of them now, to be checked.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn stored(
        end_token: Option<u32>,
        store: Arc<dyn ReferenceStore>,
    ) -> Result<Self, RewardError> {
        Self::checked(end_token, Images::Stored(store))
    }

    fn checked(end_token: Option<u32>, images: Images) -> Result<Self, RewardError> {
        let references = Self { end_token, images };
        if references.is_empty() {
            return Err(RewardError::NoImages);
        }
        for image in references.images() {
            check_image(end_token, &image)?;
        }
        Ok(references)
    }

    /// The token that ends captions.
    pub fn end_token(&self) -> Option<u32> {
        self.end_token
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        match &self.images {
            Images::Listed(images) => images.len(),
            Images::Stored(store) => store.images(),
        }
    }

    /// `false`: there is at least one image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The references of an image, read if they are not in memory.
    pub fn image(&self, image: usize) -> Option<Cow<'_, ImageReferences>> {
        (image < self.len()).then(|| self.read(image))
    }

    /// The same of an image that there is.
    pub(crate) fn read(&self, image: usize) -> Cow<'_, ImageReferences> {
        match &self.images {
            Images::Listed(images) => Cow::Borrowed(&images[image]),
            Images::Stored(store) => Cow::Owned(store.read(image)),
        }
    }

    /// The references of every image, in index order.
    pub fn images(&self) -> impl ExactSizeIterator<Item = Cow<'_, ImageReferences>> + Clone {
        (0..self.len()).map(|image| self.read(image))
    }

    /// The number of references of every image: `5`, or `4-7`.
    pub(crate) fn count_range(&self) -> String {
        match &self.images {
            Images::Listed(images) => count_range(images.iter().map(|image| image.tokens.len())),
            Images::Stored(store) => count_range((0..store.images()).map(|k| store.count(k))),
        }
    }

    /// `references-` and 16 hexadecimal digits (of SHA-256) that name images, token ids and words.
    pub fn fingerprint(&self) -> String {
        let mut sum = Sha256::new();
        for image in self.images() {
            sum.update((image.id.len() as u64).to_le_bytes());
            sum.update(&*image.id);
            sum.update((image.tokens.len() as u64).to_le_bytes());
            for (tokens, text) in image.tokens.iter().zip(&*image.texts) {
                sum.update((tokens.len() as u64).to_le_bytes());
                for token in tokens {
                    sum.update(token.to_le_bytes());
                }
                sum.update((text.len() as u64).to_le_bytes());
                sum.update(text);
            }
        }
        let sum = sum.finalize();
        let (first, _) = sum.as_chunks::<8>();
        format!("references-{:016x}", u64::from_be_bytes(first[0]))
    }

    /// The part of a signature that describes references: their number per image and the end token.
    pub fn signature(&self) -> String {
        let end = token_name(self.end_token);
        format!("nrefs:{}|end:{end}", self.count_range())
    }
}

/// A token as signatures name it: its id, or `none`.
pub(crate) fn token_name(token: Option<u32>) -> String {
    token.map_or_else(|| "none".to_owned(), |token| token.to_string())
}

/// `5`, or `4-7` where the counts differ.
pub(crate) fn count_range(counts: impl Iterator<Item = usize>) -> String {
    let (low, high) = counts.fold((usize::MAX, 0), |(low, high), count| {
        (low.min(count), high.max(count))
    });
    if low < high {
        format!("{low}-{high}")
    } else {
        high.to_string()
    }
}

fn check_image(end_token: Option<u32>, image: &ImageReferences) -> Result<(), RewardError> {
    if image.tokens.is_empty() {
        return Err(RewardError::NoReferences {
            image: image.id.to_string(),
        });
    }
    if image.texts.len() != image.tokens.len() {
        return Err(RewardError::TextCount {
            image: image.id.to_string(),
            texts: image.texts.len(),
            sequences: image.tokens.len(),
        });
    }
    let Some(end) = end_token else { return Ok(()) };
    for (reference, tokens) in image.tokens.iter().enumerate() {
        if let Some(position) = tokens.iter().position(|&token| token == end)
            && position + 1 < tokens.len()
        {
            let (image, length) = (image.id.to_string(), tokens.len());
            return Err(RewardError::EndTokenInside {
                image,
                reference,
                end,
                position,
                length,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(tokens: &[&[u32]], texts: usize) -> ImageReferences {
        let tokens: Vec<Vec<u32>> = tokens.iter().map(|tokens| tokens.to_vec()).collect();
        ImageReferences::new("7.jpg", tokens, vec![String::new(); texts])
    }

    fn message(images: Vec<ImageReferences>) -> String {
        References::new(Some(0), images)
            .expect_err("bad references")
            .to_string()
    }

    #[test]
    fn errors_name_image_and_value_when_references_are_bad() {
        assert_eq!(message(vec![]), "found no image, expected at least one");
        assert_eq!(
            message(vec![image(&[], 0)]),
            "image 7.jpg: found no reference, expected at least one"
        );
        assert_eq!(
            message(vec![image(&[&[1, 0]], 2)]),
            "image 7.jpg: found 2 reference texts, expected 1, one per token sequence"
        );
        assert_eq!(
            message(vec![image(&[&[1, 0], &[0, 1]], 2)]),
            "image 7.jpg: reference 1: found end token 0 at position 0 of 2, expected it last or nowhere"
        );
    }

    #[test]
    fn fingerprint_changes_with_whatever_references_hold() {
        let of = |id: &str, tokens: &[u32], text: &str| {
            let image = ImageReferences::new(id, [tokens.to_vec()], [text.to_owned()]);
            let references = References::new(Some(0), vec![image]).expect("good references");
            references.fingerprint()
        };
        let first = of("a", &[1, 0], "b");
        assert!(first.starts_with("references-") && first == of("a", &[1, 0], "b"));
        for other in [
            of("b", &[1, 0], "b"),
            of("a", &[2, 0], "b"),
            of("a", &[1, 0], "c"),
        ] {
            assert_ne!(first, other);
        }
    }

    /// Image `n` has n + 1 references.
    #[derive(Debug)]
    struct Counting;

    impl ReferenceStore for Counting {
        fn images(&self) -> usize {
            3
        }

        fn count(&self, image: usize) -> usize {
            image + 1
        }

        fn read(&self, image: usize) -> ImageReferences {
            let tokens: Vec<Vec<u32>> = (0..=image as u32).map(|k| vec![k + 1, 0]).collect();
            let texts: Vec<String> = tokens.iter().map(|tokens| tokens[0].to_string()).collect();
            ImageReferences::new(image.to_string(), tokens, texts)
        }
    }

    #[test]
    fn stored_references_are_those_of_a_list() {
        let store = Arc::new(Counting);
        let listed = (0..3).map(|image| store.read(image)).collect();
        let listed = References::new(Some(0), listed).expect("good references");
        let stored = References::stored(Some(0), store.clone()).expect("good references");
        assert_eq!(stored.fingerprint(), listed.fingerprint());
        assert_eq!(stored.signature(), listed.signature());
        assert!(stored.images().eq(listed.images()));
        assert_eq!((stored.image(2), stored.image(3)), (listed.image(2), None));
        // They are checked as a list is.
        let message = References::stored(Some(1), store).expect_err("an end token inside");
        assert!(
            message.to_string().contains("image 0: reference 0"),
            "{message}"
        );
    }

    #[test]
    fn signature_gives_a_range_when_counts_differ() {
        let images = vec![image(&[&[1, 0]], 1), image(&[&[1], &[0], &[]], 3)];
        let references = References::new(Some(0), images.clone()).expect("good references");
        assert_eq!(references.signature(), "nrefs:1-3|end:0");
        let references = References::new(None, images[..1].to_vec()).expect("good references");
        assert_eq!(references.signature(), "nrefs:1|end:none");
    }
}
