//! Whether references tell images apart, without which CIDEr and CIDEr-D over them are 0.

use std::collections::BTreeSet;

use crate::ngram::MAX_ORDER;

/// Whether every image has the same n-grams in its references, so that none has a weight in CIDEr or CIDEr-D whose
/// document frequencies are those of the references themselves, and all captions score 0: the weight of an n-gram is the
/// logarithm of the number of images over the number of those that have it. True of a single image.
pub fn references_are_alike<I: AsRef<[R]>, R: AsRef<str>>(
    images: impl IntoIterator<Item = I>,
) -> bool {
    let mut images = images.into_iter();
    let Some(first) = images.next() else {
        return true;
    };
    let expected = ngrams(first.as_ref());
    images.all(|image| ngrams(image.as_ref()) == expected)
}

fn ngrams<R: AsRef<str>>(references: &[R]) -> BTreeSet<Vec<&str>> {
    let mut found = BTreeSet::new();
    for reference in references {
        let words: Vec<&str> = reference.as_ref().split_whitespace().collect();
        for order in 1..=MAX_ORDER {
            found.extend(words.windows(order).map(<[&str]>::to_vec));
        }
    }
    found
}
