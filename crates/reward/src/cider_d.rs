//! CIDEr-D and plain CIDEr.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ngram::{MAX_ORDER, NgramCounter};
use crate::reference_ngrams::ImageNgrams;
use crate::{DocumentFrequency, ReferenceNgrams, RewardError};

/// The choices of CIDEr-D.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CiderDOptions {
    /// Standard deviation of the length penalty, in tokens; above 0.
    pub sigma: f64,
    /// What a mean similarity of 1 scores: 10 in every published number.
    pub scale: f64,
}

impl Default for CiderDOptions {
    fn default() -> Self {
        Self {
            sigma: 6.0,
            scale: 10.0,
        }
    }
}

impl CiderDOptions {
    /// The options outside their ranges.
    pub fn problems(&self) -> Vec<RewardError> {
        let Self { sigma, scale } = *self;
        let expected = "a finite number above 0";
        let check = |option, value: f64| {
            RewardError::option(value.is_finite() && value > 0.0, option, value, expected)
        };
        [check("cider_d.sigma", sigma), check("cider_d.scale", scale)]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// Which of the two metrics of Vedantam et al. 2015.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CiderFormula {
    /// CIDEr-D, which coco-caption and every COCO table print as "CIDEr": counts clipped, lengths compared.
    CiderD(CiderDOptions),
    /// Plain CIDEr, x10: neither.
    Cider,
}

impl CiderFormula {
    /// `cider_d|n:4|sigma:6|scale:10` or `cider|n:4|scale:10`.
    pub fn signature(&self) -> String {
        match self {
            Self::CiderD(CiderDOptions { sigma, scale }) => {
                format!("cider_d|n:{MAX_ORDER}|sigma:{sigma}|scale:{scale}")
            }
            Self::Cider => format!("cider|n:{MAX_ORDER}|scale:{PLAIN_SCALE}"),
        }
    }

    fn scale(&self) -> f64 {
        match self {
            Self::CiderD(options) => options.scale,
            Self::Cider => PLAIN_SCALE,
        }
    }

    /// The contribution of an n-gram to the dot product.
    fn product(&self, candidate: f64, reference: f64) -> f64 {
        match self {
            Self::CiderD(_) => candidate.min(reference) * reference,
            Self::Cider => candidate * reference,
        }
    }

    /// The factor for a candidate and a reference of these lengths.
    fn length_factor(&self, candidate: usize, reference: u32) -> f64 {
        match self {
            Self::CiderD(CiderDOptions { sigma, .. }) => {
                let deviations = (candidate as f64 - f64::from(reference)) / sigma;
                (-0.5 * deviations * deviations).exp()
            }
            Self::Cider => 1.0,
        }
    }
}

const PLAIN_SCALE: f64 = 10.0;

/// One image's reference vectors: the weights and norms that do not depend on the candidate.
#[derive(Debug)]
pub(crate) struct CiderImage {
    /// `idf` of each n-gram of the references, by position.
    inverse: Vec<f64>,
    /// `|w_r|` of each reference, by order.
    norms: Vec<[f64; MAX_ORDER]>,
}

impl CiderImage {
    pub(crate) fn new(image: &ImageNgrams, frequency: &DocumentFrequency) -> Self {
        let mut inverse = Vec::with_capacity(image.len());
        let mut norms = vec![[0.0; MAX_ORDER]; image.lengths().len()];
        for order in 1..=MAX_ORDER {
            for position in image.order(order) {
                let idf = frequency.inverse_of_key(order, image.key(position));
                inverse.push(idf);
                for posting in image.postings(position) {
                    let weight = f64::from(posting.count) * idf;
                    norms[posting.reference as usize][order - 1] += weight * weight;
                }
            }
        }
        for norm in norms.iter_mut().flatten() {
            *norm = norm.sqrt();
        }
        Self { inverse, norms }
    }
}

/// Buffers of one scoring thread.
#[derive(Debug, Default)]
pub(crate) struct CiderBuffers {
    counter: NgramCounter,
    /// By reference.
    similarities: Vec<f64>,
    /// By reference.
    length_factors: Vec<f64>,
}

/// The score of one candidate; the equation stands at [`CiderScorer`].
pub(crate) fn cider(
    formula: &CiderFormula,
    tokens: &[u32],
    image: &ImageNgrams,
    vectors: &CiderImage,
    frequency: &DocumentFrequency,
    buffers: &mut CiderBuffers,
) -> f64 {
    let CiderBuffers {
        counter,
        similarities,
        length_factors,
    } = buffers;
    length_factors.clear();
    length_factors.extend(
        image
            .lengths()
            .iter()
            .map(|&length| formula.length_factor(tokens.len(), length)),
    );
    let mut total = 0.0;
    for order in 1..=MAX_ORDER {
        similarities.clear();
        similarities.resize(image.lengths().len(), 0.0);
        let mut squares = 0.0;
        image.join(
            order,
            counter.count(tokens, order),
            |key, count, position| {
                let idf = position.map_or_else(
                    || frequency.inverse_of_key(order, key),
                    |held| vectors.inverse[held],
                );
                let weight = f64::from(count) * idf;
                squares += weight * weight;
                for posting in position.map_or(&[][..], |held| image.postings(held)) {
                    similarities[posting.reference as usize] +=
                        formula.product(weight, f64::from(posting.count) * idf);
                }
            },
        );
        let norm = squares.sqrt();
        for ((similarity, factor), norms) in similarities
            .iter()
            .zip(&*length_factors)
            .zip(&vectors.norms)
        {
            let norms = norm * norms[order - 1];
            if norms != 0.0 {
                total += similarity / norms * factor;
            }
        }
    }
    formula.scale() * total / (MAX_ORDER * image.lengths().len()) as f64
}

/// Scores candidates against references whose vectors were computed once.
///
/// CIDEr-D of Vedantam et al. 2015, section 4 and eq. 3, as coco-caption computes it:
/// ```text
/// w(g)    = count(g) * idf(g)                                    idf: see DocumentFrequency
/// s_n     = sum_{g in c} min(w_c(g), w_r(g)) * w_r(g) / (|w_c| |w_r|) * exp(-(len_c - len_r)^2 / (2 sigma^2))
/// CIDEr-D = scale * mean_{n = 1..4} mean_r s_n                   scale 10, sigma 6
/// ```
/// Sums run over n-grams of order `n`; `s_n` is 0 where a norm is. Lengths are in tokens. Plain CIDEr has neither
/// the `min` nor the exponential. References that are equal count each.
#[derive(Debug)]
pub struct CiderScorer {
    formula: CiderFormula,
    references: Arc<ReferenceNgrams>,
    frequency: Arc<DocumentFrequency>,
    vectors: Vec<CiderImage>,
    buffers: CiderBuffers,
}

impl CiderScorer {
    /// Computes the reference vectors of every image.
    ///
    /// # Errors
    /// [`RewardError::OptionRange`] when an option of the formula is outside its range.
    pub fn new(
        formula: CiderFormula,
        references: Arc<ReferenceNgrams>,
        frequency: Arc<DocumentFrequency>,
    ) -> Result<Self, RewardError> {
        if let CiderFormula::CiderD(options) = formula {
            RewardError::first(options.problems())?;
        }
        let images = references.images().iter();
        let vectors = images
            .map(|image| CiderImage::new(image, &frequency))
            .collect();
        Ok(Self {
            formula,
            references,
            frequency,
            vectors,
            buffers: CiderBuffers::default(),
        })
    }

    /// The score of one caption of the image at this index: 0 to 10 for CIDEr-D at its usual scale.
    ///
    /// # Errors
    /// [`RewardError::UnknownImage`] when there is no such image.
    pub fn score(&mut self, image: usize, tokens: &[u32]) -> Result<f64, RewardError> {
        let ngrams = self.references.image(image)?;
        let vectors = &self.vectors[image];
        Ok(cider(
            &self.formula,
            tokens,
            ngrams,
            vectors,
            &self.frequency,
            &mut self.buffers,
        ))
    }
}
