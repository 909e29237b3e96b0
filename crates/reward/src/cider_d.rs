//! CIDEr-D and plain CIDEr.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ngram::MAX_ORDER;
use crate::ngram_index::CountedNgrams;
use crate::reference_ngrams::ImageNgrams;
use crate::{DocumentFrequency, ReferenceNgrams, RewardError};

/// The choices of CIDEr-D.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CiderDOptions {
    /// Standard deviation of the length penalty, in tokens; above 0.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub sigma: f64,
    /// What a mean similarity of 1 scores: 10 in every published number.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub scale: f64,
}

impl Default for CiderDOptions {
    fn default() -> Self {
        Self::COCO
    }
}

impl CiderDOptions {
    /// The choices of coco-caption.
    pub const COCO: Self = Self {
        sigma: 6.0,
        scale: 10.0,
    };

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
#[non_exhaustive]
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

    /// # Errors
    /// [`RewardError::OptionRange`] when an option is outside its range.
    pub(crate) fn check(&self) -> Result<(), RewardError> {
        match self {
            Self::CiderD(options) => RewardError::first(options.problems()),
            Self::Cider => Ok(()),
        }
    }

    pub(crate) fn scale(&self) -> f64 {
        match self {
            Self::CiderD(options) => options.scale,
            Self::Cider => PLAIN_SCALE,
        }
    }

    /// The contribution of an n-gram to the dot product.
    pub(crate) fn product(&self, candidate: f64, reference: f64) -> f64 {
        match self {
            Self::CiderD(_) => candidate.min(reference) * reference,
            Self::Cider => candidate * reference,
        }
    }

    /// The factor for a candidate and a reference whose lengths differ by so many tokens.
    pub(crate) fn length_factor(&self, difference: u64) -> f64 {
        match self {
            Self::CiderD(CiderDOptions { sigma, .. }) => {
                let deviations = difference as f64 / sigma;
                (-0.5 * deviations * deviations).exp()
            }
            Self::Cider => 1.0,
        }
    }
}

const PLAIN_SCALE: f64 = 10.0;

/// The reference vectors of every image: the weights and norms that do not depend on the candidate.
#[derive(Debug)]
pub(crate) struct CiderVectors {
    formula: CiderFormula,
    frequency: Arc<DocumentFrequency>,
    /// Whether an n-gram that no reference holds has no document frequency either.
    frequency_of_references: bool,
    /// `idf` by n-gram of the references.
    inverses: Vec<f64>,
    /// `1 / |w_r|` of each reference of every image, by order; 0 where the norm is.
    inverse_norms: Vec<[f64; MAX_ORDER]>,
    /// The length factor by difference of lengths.
    length_factors: [f64; 64],
}

/// Buffers of one scoring thread.
#[derive(Debug, Clone, Default)]
pub(crate) struct CiderBuffers {
    /// By reference.
    similarities: Vec<f64>,
    /// By reference.
    length_factors: Vec<f64>,
}

impl CiderVectors {
    /// # Errors
    /// [`RewardError::OptionRange`] when an option of the formula is outside its range.
    pub(crate) fn new(
        formula: CiderFormula,
        references: &ReferenceNgrams,
        frequency: Arc<DocumentFrequency>,
    ) -> Result<Self, RewardError> {
        formula.check()?;
        let inverses = frequency.inverses(references.index());
        let mut inverse_norms = Vec::new();
        for image in references.images() {
            inverse_norms.resize(image.references().end, [0.0; MAX_ORDER]);
            let of_image = &mut inverse_norms[image.references()];
            add_squares(&image, &inverses, of_image);
            for norm in of_image.iter_mut().flatten() {
                *norm = inverse_norm(*norm);
            }
        }
        let mut length_factors = [0.0; 64];
        for (difference, factor) in (0u64..).zip(&mut length_factors) {
            *factor = formula.length_factor(difference);
        }
        Ok(Self {
            formula,
            frequency_of_references: frequency.numbers_as(references.index()),
            frequency,
            inverses,
            inverse_norms,
            length_factors,
        })
    }

    fn length_factor(&self, candidate: usize, reference: u32) -> f64 {
        let difference = (candidate as u64).abs_diff(u64::from(reference));
        match self.length_factors.get(difference as usize) {
            Some(&factor) => factor,
            None => self.formula.length_factor(difference),
        }
    }

    /// The score of one candidate, whose n-grams were counted; the equation stands at [`CiderScorer`].
    pub(crate) fn score(
        &self,
        tokens: &[u32],
        counted: &CountedNgrams,
        image: ImageNgrams<'_>,
        buffers: &mut CiderBuffers,
    ) -> f64 {
        let CiderBuffers {
            similarities,
            length_factors,
        } = buffers;
        let lengths = image.lengths().iter();
        length_factors.clear();
        length_factors.extend(lengths.map(|&length| self.length_factor(tokens.len(), length)));
        let references = image.references();
        let mut total = 0.0;
        for order in 1..=MAX_ORDER {
            similarities.clear();
            similarities.resize(references.len(), 0.0);
            let mut squares = self.unseen_squares(tokens, counted, order);
            for seen in counted.seen(order) {
                let idf = self.inverses[seen.id as usize];
                let weight = f64::from(seen.count) * idf;
                squares += weight * weight;
                for posting in image.holders(order, seen.id) {
                    similarities[posting.reference as usize] +=
                        self.formula.product(weight, f64::from(posting.count) * idf);
                }
            }
            let inverse_norm = inverse_norm(squares);
            let inverse_norms = &self.inverse_norms[references.clone()];
            for ((similarity, norms), factor) in
                similarities.iter().zip(inverse_norms).zip(&*length_factors)
            {
                total += similarity * (inverse_norm * norms[order - 1]) * factor;
            }
        }
        self.formula.scale() * total / (MAX_ORDER * references.len()) as f64
    }

    /// What n-grams that no reference of any image holds add to the candidate's squared norm.
    fn unseen_squares(&self, tokens: &[u32], counted: &CountedNgrams, order: usize) -> f64 {
        let mut squares = 0.0;
        for unseen in counted.unseen(order) {
            let idf = if self.frequency_of_references {
                self.frequency.inverse_of_unseen()
            } else {
                let position = unseen.position as usize;
                self.frequency.inverse(&tokens[position..position + order])
            };
            let weight = f64::from(unseen.count) * idf;
            squares += weight * weight;
        }
        squares
    }
}

fn add_squares(image: &ImageNgrams<'_>, inverses: &[f64], squares: &mut [[f64; MAX_ORDER]]) {
    for order in 1..=MAX_ORDER {
        for (place, &id) in image.ids(order).iter().enumerate() {
            let idf = inverses[id as usize];
            for posting in image.postings(order, place) {
                let weight = f64::from(posting.count) * idf;
                squares[posting.reference as usize][order - 1] += weight * weight;
            }
        }
    }
}

/// `1 / |w|` from `|w|^2`; 0 where that is 0, which makes the similarity 0.
pub(crate) fn inverse_norm(squares: f64) -> f64 {
    if squares == 0.0 {
        0.0
    } else {
        squares.sqrt().recip()
    }
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
#[derive(Debug, Clone)]
pub struct CiderScorer {
    references: Arc<ReferenceNgrams>,
    vectors: Arc<CiderVectors>,
    counted: CountedNgrams,
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
        Ok(Self {
            vectors: Arc::new(CiderVectors::new(formula, &references, frequency)?),
            references,
            counted: CountedNgrams::default(),
            buffers: CiderBuffers::default(),
        })
    }

    /// The score of one caption of the image at this index: 0 to 10 for CIDEr-D at its usual scale.
    ///
    /// # Errors
    /// [`RewardError::UnknownImage`] when there is no such image.
    pub fn score(&mut self, image: usize, tokens: &[u32]) -> Result<f64, RewardError> {
        let image = self.references.image(image)?;
        self.counted.count(self.references.index(), tokens);
        let (counted, buffers) = (&self.counted, &mut self.buffers);
        Ok(self.vectors.score(tokens, counted, image, buffers))
    }
}
