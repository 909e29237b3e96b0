//! How much the captions of one image differ: distinct n-grams, mBLEU and self-CIDEr.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::eigenvalues::symmetric_eigenvalues;
use crate::ngram::{MAX_ORDER, ngram_key};
use crate::references::count_range;
use crate::references::token_name;
use crate::reward::before_end_token;
use crate::{
    BleuScorer, CiderFormula, CiderScorer, DocumentFrequency, ImageReferences, Interner,
    ReferenceNgrams, References, RewardError, VERSION, bleu,
};

/// The share of a set of captions' n-grams that are distinct, 0 to 1 (Li et al. 2016, distinct-n).
///
/// Tokens count as they stand, end tokens too. 0 when no caption has an n-gram of this order.
///
/// # Errors
/// [`RewardError::OptionRange`] when the order is not 1 to 4.
pub fn distinct_n<C: AsRef<[u32]>>(captions: &[C], order: usize) -> Result<f64, RewardError> {
    let good = (1..=MAX_ORDER).contains(&order);
    RewardError::option(good, "order", order as f64, "1, 2, 3 or 4").map_or(Ok(()), Err)?;
    let ngrams = captions
        .iter()
        .flat_map(|caption| caption.as_ref().windows(order));
    let mut keys: Vec<u128> = ngrams.map(ngram_key).collect();
    let total = keys.len();
    keys.sort_unstable();
    keys.dedup();
    Ok(keys.len() as f64 / total.max(1) as f64)
}

/// Mean BLEU-1 to BLEU-4 of each caption of an image against the image's other captions, 0 to 1, smaller for more
/// diverse captions; `None` with fewer than two captions.
///
/// BLEU has the constants of coco-caption. Tokens count as they stand, end tokens too.
pub fn mbleu<C: AsRef<[u32]>>(captions: &[C]) -> Option<[f64; MAX_ORDER]> {
    if captions.len() < 2 {
        return None;
    }
    let mut sums = [0.0; MAX_ORDER];
    for (index, caption) in captions.iter().enumerate() {
        let others = captions[..index].iter().chain(&captions[index + 1..]);
        let others: Vec<&[u32]> = others.map(AsRef::as_ref).collect();
        let others = ReferenceNgrams::of_images([&others[..]].into_iter());
        let mut scorer = BleuScorer::new(others.into());
        let statistics = scorer.statistics(0, caption.as_ref()).ok()?;
        for (sum, score) in sums.iter_mut().zip(statistics.scores()) {
            *sum += score;
        }
    }
    Some(sums.map(|sum| sum / captions.len() as f64))
}

/// Self-CIDEr diversity of each image's captions, 0 to 1.
///
/// Wang and Chan 2019, as self-critical.pytorch computes it:
/// ```text
/// K_ij      = CIDEr(c_i, c_j) / 10                                   plain CIDEr, frequencies of the table
/// diversity = -ln(sqrt(l_max) / sum_i sqrt(l_i)) / ln(n)             l = eigenvalues of K, at least 0; n captions
/// ```
/// `None` for an image with fewer than two captions, or whose captions all weigh 0. An eigenvalue that is 0 but for
/// rounding adds up to 1e-8 to the sum of roots: so far may captions of which some are equal deviate.
///
/// End tokens count where the captions hold them, and belong there where the table has them.
///
/// # Errors
/// Those of [`CiderScorer`]; no caption causes one.
pub fn self_cider<C: AsRef<[u32]>>(
    images: &[Vec<C>],
    frequency: &Arc<DocumentFrequency>,
) -> Result<Vec<Option<f64>>, RewardError> {
    let captions = images
        .iter()
        .flatten()
        .map(|caption| ImageReferences::new("", [caption.as_ref().to_vec()], [String::new()]));
    let captions: Vec<_> = captions.collect();
    if captions.is_empty() {
        return Ok(vec![None; images.len()]);
    }
    let ngrams = ReferenceNgrams::new(&References::new(None, captions)?);
    let mut scorer = CiderScorer::new(CiderFormula::Cider, ngrams.into(), Arc::clone(frequency))?;
    let mut first = 0;
    let mut diversities = Vec::with_capacity(images.len());
    for captions in images {
        let kernel = kernel(captions, first, &mut scorer)?;
        diversities.push(spread(kernel));
        first += captions.len();
    }
    Ok(diversities)
}

/// `K` of the captions that are the scorer's images from `first`.
fn kernel<C: AsRef<[u32]>>(
    captions: &[C],
    first: usize,
    scorer: &mut CiderScorer,
) -> Result<Vec<Vec<f64>>, RewardError> {
    let mut kernel = vec![vec![0.0; captions.len()]; captions.len()];
    let pairs = (0..captions.len()).flat_map(|row| (0..=row).map(move |column| (row, column)));
    for (row, column) in pairs {
        let similarity = scorer.score(first + column, captions[row].as_ref())? / 10.0;
        kernel[row][column] = similarity;
        kernel[column][row] = similarity;
    }
    Ok(kernel)
}

fn spread(kernel: Vec<Vec<f64>>) -> Option<f64> {
    let captions = kernel.len();
    if captions < 2 {
        return None;
    }
    let values = symmetric_eigenvalues(kernel).into_iter();
    let roots: Vec<f64> = values.map(|value| value.max(0.0).sqrt()).collect();
    let largest = roots.iter().copied().fold(0.0, f64::max);
    let diversity = (roots.iter().sum::<f64>() / largest).ln() / (captions as f64).ln();
    diversity.is_finite().then_some(diversity)
}

/// How diverse the captions of a set of images are.
#[derive(Debug, Clone, PartialEq)]
pub struct Diversity {
    /// Distinct-1 and distinct-2 of an image's captions, 0 to 1, the mean over images.
    pub distinct: [f64; 2],
    /// mBLEU-1 to mBLEU-4, 0 to 1, smaller for more diverse; the mean over images of two captions or more.
    pub mbleu: Option<[f64; MAX_ORDER]>,
    /// Self-CIDEr diversity, 0 to 1, the mean over images that have one.
    pub self_cider: Option<f64>,
    /// Images evaluated.
    pub images: usize,
    /// How many different captions there are.
    pub distinct_captions: usize,
    /// Every choice that changes the numbers.
    pub signature: String,
}

/// Evaluates text, split at white space; the table holds its words.
///
/// # Errors
/// [`RewardError::NoImages`] without images, [`RewardError::TableWithoutWords`] for a table over token ids.
pub fn evaluate_diversity_of_text<T: AsRef<str>>(
    images: &[Vec<T>],
    frequency: &Arc<DocumentFrequency>,
) -> Result<Diversity, RewardError> {
    if frequency.words().is_empty() {
        return Err(RewardError::TableWithoutWords);
    }
    let mut interner = Interner::of_words(frequency.words());
    let images = images.iter().map(|captions| {
        let captions = captions.iter();
        captions.map(|text| interner.words(text.as_ref())).collect()
    });
    evaluate_diversity::<Vec<u32>>(&images.collect::<Vec<_>>(), None, frequency)
}

/// Evaluates the captions of every image.
///
/// `end_token` counts in self-CIDEr alone.
///
/// # Errors
/// [`RewardError::NoImages`] without images.
pub fn evaluate_diversity<C: AsRef<[u32]>>(
    images: &[Vec<C>],
    end_token: Option<u32>,
    frequency: &Arc<DocumentFrequency>,
) -> Result<Diversity, RewardError> {
    if images.is_empty() {
        return Err(RewardError::NoImages);
    }
    let mut distinct = [0.0; 2];
    let mut mbleus = Vec::new();
    let mut seen = FxHashSet::default();
    for captions in images {
        let words = captions
            .iter()
            .map(|caption| before_end_token(caption.as_ref(), end_token));
        let words: Vec<_> = words.collect();
        for (order, sum) in (1..).zip(&mut distinct) {
            *sum += distinct_n(&words, order)?;
        }
        mbleus.extend(mbleu(&words));
        seen.extend(words);
    }
    let self_ciders: Vec<_> = self_cider(images, frequency)?
        .into_iter()
        .flatten()
        .collect();
    let end = token_name(end_token);
    let signature = format!(
        "distinct|n:1-2+mbleu|n:1-{MAX_ORDER}|{}+self_cider|cider|df:{}+images:{}|ncaps:{}|end:{end}|version:{VERSION}",
        bleu::SIGNATURE,
        frequency.signature(),
        images.len(),
        count_range(images.iter().map(Vec::len)),
    );
    Ok(Diversity {
        distinct: distinct.map(|sum| sum / images.len() as f64),
        mbleu: mean_by_order(&mbleus),
        self_cider: (!self_ciders.is_empty())
            .then(|| self_ciders.iter().sum::<f64>() / self_ciders.len() as f64),
        images: images.len(),
        distinct_captions: seen.len(),
        signature,
    })
}

fn mean_by_order(scores: &[[f64; MAX_ORDER]]) -> Option<[f64; MAX_ORDER]> {
    if scores.is_empty() {
        return None;
    }
    let mut means = [0.0; MAX_ORDER];
    for scores in scores {
        for (mean, score) in means.iter_mut().zip(scores) {
            *mean += score;
        }
    }
    Some(means.map(|sum| sum / scores.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Arc<DocumentFrequency> {
        let mut builder = DocumentFrequency::builder();
        for image in [[1u32, 0], [2, 0], [3, 0]] {
            builder.add_image([image].iter());
        }
        Arc::new(builder.build().expect("some images"))
    }

    #[test]
    fn distinct_counts_ngrams_once_when_captions_share_them() {
        let captions = [&[1, 2, 1][..], &[1, 2], &[3], &[]];
        assert_eq!(distinct_n(&captions, 1).expect("order 1"), 3.0 / 6.0);
        assert_eq!(distinct_n(&captions, 2).expect("order 2"), 2.0 / 3.0);
        assert_eq!(distinct_n(&captions, 4).expect("order 4"), 0.0);
        let error = distinct_n(&captions, 5).expect_err("order 5").to_string();
        assert_eq!(error, "order: found 5, expected 1, 2, 3 or 4");
    }

    #[test]
    fn mbleu_equals_the_hand_computed_when_captions_overlap() {
        let [one, two, ..] = mbleu(&[&[1, 2][..], &[1, 3]]).expect("two captions");
        // 1 of 2 words; 0 of 1 pairs.
        assert!((one - 0.5).abs() <= 1e-9, "{one}");
        assert!((two - (0.5f64 * 1e-15).sqrt()).abs() <= 1e-15, "{two}");
        let equal = mbleu(&[[1, 2, 3, 4]; 3]).expect("three captions");
        assert!(
            equal.iter().all(|score| (score - 1.0).abs() <= 1e-8),
            "{equal:?}"
        );
        assert_eq!(mbleu(&[[1, 2]]), None);
        assert_eq!(mbleu::<[u32; 1]>(&[]), None);
    }

    #[test]
    fn self_cider_is_at_its_ends_when_captions_are_equal_or_disjoint() {
        let images = [
            vec![vec![1u32, 2, 3, 4]; 2],
            vec![vec![1, 1, 1, 1], vec![2, 2, 2, 2], vec![3, 3, 3, 3]],
            vec![vec![1, 2]],
            vec![vec![0], vec![0]],
            vec![],
        ];
        let found = self_cider(&images, &table()).expect("scores");
        let equal = found[0].expect("two captions");
        assert!(equal.abs() <= 1e-7, "{equal}");
        let disjoint = found[1].expect("three captions");
        assert!((disjoint - 1.0).abs() <= 1e-12, "{disjoint}");
        assert_eq!(found[2..], [None, None, None]);
        let none = self_cider::<Vec<u32>>(&[vec![], vec![]], &table()).expect("no captions");
        assert_eq!(none, [None, None]);
    }

    #[test]
    fn report_leaves_images_out_when_they_have_one_caption() {
        let images = [vec![vec![1, 2, 0], vec![1, 3, 0]], vec![vec![4, 4, 0]]];
        let report = evaluate_diversity(&images, Some(0), &table()).expect("two images");
        assert_eq!(report.distinct, [5.0 / 8.0, 1.0]);
        assert_eq!(report.mbleu, mbleu(&[[1, 2], [1, 3]]));
        let expected = self_cider(&images[..1], &table()).expect("one image")[0];
        assert!(expected.is_some() && report.self_cider == expected);
        assert_eq!((report.images, report.distinct_captions), (2, 3));
        assert_eq!(
            report.signature,
            format!(
                "distinct|n:1-2+mbleu|n:1-4|length:closest|tiny:1e-15|small:1e-9+self_cider|cider|df:{}+\
                 images:2|ncaps:1-2|end:0|version:{VERSION}",
                table().signature()
            )
        );
        let error = evaluate_diversity::<Vec<u32>>(&[], None, &table()).expect_err("no image");
        assert_eq!(error.to_string(), "found no image, expected at least one");
    }
}
