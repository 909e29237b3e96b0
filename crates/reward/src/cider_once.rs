//! CIDEr of a corpus whose references are scored against once.

use crate::cider_d::inverse_norm;
use crate::ngram::MAX_ORDER;
use crate::ngram_index::CountedNgrams;
use crate::{CiderFormula, DocumentFrequency, DocumentFrequencyBuilder, RewardError};

/// The CIDEr of every candidate, with the document frequencies of the references, which are forgotten afterwards.
///
/// The numbers of a [`CiderScorer`](crate::CiderScorer) but for rounding. References are read as they stand, where a
/// scorer first sorts their n-grams: that pays from the second candidate of an image on.
///
/// # Errors
/// [`RewardError::NoImages`] without images, [`RewardError::OptionRange`] when an option of the formula is outside its
/// range.
pub fn cider_once<R: AsRef<[u32]>>(
    formula: CiderFormula,
    references: &[Vec<R>],
    candidates: &[Vec<u32>],
) -> Result<Vec<f64>, RewardError> {
    formula.check()?;
    let tokens = references.iter().flatten();
    let tokens = tokens.map(|tokens| tokens.as_ref().len()).sum();
    let mut frequency = DocumentFrequencyBuilder::with_room_for(tokens);
    let mut ngrams = Vec::with_capacity(tokens * MAX_ORDER);
    for references in references {
        frequency.add_image_with(references, |id| ngrams.push(id));
    }
    let frequency = frequency.build()?;
    let index = frequency.index();
    let mut batch = Batch {
        formula,
        inverses: frequency.inverses(index),
        of_candidate: vec![0.0; index.len()],
        of_reference: vec![0; index.len()],
        frequency: &frequency,
        counted: CountedNgrams::default(),
    };
    let mut ngrams = &ngrams[..];
    let images = references.iter().zip(candidates);
    let scores =
        images.map(|(references, candidate)| batch.score(references, candidate, &mut ngrams));
    Ok(scores.collect())
}

struct Batch<'a> {
    formula: CiderFormula,
    frequency: &'a DocumentFrequency,
    /// `idf` by n-gram.
    inverses: Vec<f64>,
    /// The candidate's weight by n-gram; 0 but for those of the caption at hand.
    of_candidate: Vec<f64>,
    /// The reference's count by n-gram; 0 but for those of the reference and order at hand.
    of_reference: Vec<u32>,
    counted: CountedNgrams,
}

impl Batch<'_> {
    /// Takes the n-grams of the image's references from the beginning of `ngrams`.
    fn score<R: AsRef<[u32]>>(
        &mut self,
        references: &[R],
        candidate: &[u32],
        ngrams: &mut &[u32],
    ) -> f64 {
        self.counted.count(self.frequency.index(), candidate);
        let mut inverse_norms = [0.0; MAX_ORDER];
        for (order, norm) in (1..).zip(&mut inverse_norms) {
            let mut squares = 0.0;
            for seen in self.counted.seen(order) {
                let weight = f64::from(seen.count) * self.inverses[seen.id as usize];
                self.of_candidate[seen.id as usize] = weight;
                squares += weight * weight;
            }
            for unseen in self.counted.unseen(order) {
                let weight = f64::from(unseen.count) * self.frequency.inverse_of_unseen();
                squares += weight * weight;
            }
            *norm = inverse_norm(squares);
        }
        let mut total = 0.0;
        for reference in references {
            let length = reference.as_ref().len();
            let difference = candidate.len().abs_diff(length) as u64;
            let factor = self.formula.length_factor(difference);
            for (order, norm) in inverse_norms.iter().enumerate() {
                let (of_order, behind) = ngrams.split_at(length.saturating_sub(order));
                *ngrams = behind;
                total += self.similarity(of_order) * norm * factor;
            }
        }
        for order in 1..=MAX_ORDER {
            for seen in self.counted.seen(order) {
                self.of_candidate[seen.id as usize] = 0.0;
            }
        }
        self.formula.scale() * total / (MAX_ORDER * references.len()) as f64
    }

    /// The dot product with the n-grams of a reference, over their norm.
    fn similarity(&mut self, ngrams: &[u32]) -> f64 {
        for &id in ngrams {
            self.of_reference[id as usize] += 1;
        }
        let (mut product, mut squares) = (0.0, 0.0);
        for &id in ngrams {
            // 0 where the n-gram stood before.
            let count = std::mem::take(&mut self.of_reference[id as usize]);
            let weight = f64::from(count) * self.inverses[id as usize];
            squares += weight * weight;
            product += self.formula.product(self.of_candidate[id as usize], weight);
        }
        product * inverse_norm(squares)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{CiderDOptions, CiderScorer, ReferenceNgrams};

    #[test]
    fn scores_are_those_of_a_scorer() {
        // Words that repeat within a reference, in others and not at all; nothing, and less than an order has.
        let mut state = 7u32;
        let mut draw = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        let mut caption = || -> Vec<u32> { (0..draw(9)).map(|_| draw(6)).collect() };
        let references: Vec<Vec<_>> = (0..40)
            .map(|image| (0..=image % 4).map(|_| caption()).collect())
            .collect();
        let candidates: Vec<_> = (0..40).map(|_| caption()).collect();
        let images = references.iter().map(Vec::as_slice);
        let ngrams = Arc::new(ReferenceNgrams::of_images(images));
        let frequency = Arc::new(DocumentFrequency::from_ngrams(&ngrams).expect("images"));
        for formula in [
            CiderFormula::CiderD(CiderDOptions::COCO),
            CiderFormula::Cider,
        ] {
            let scores = cider_once(formula, &references, &candidates).expect("a corpus");
            let (ngrams, frequency) = (Arc::clone(&ngrams), Arc::clone(&frequency));
            let mut scorer = CiderScorer::new(formula, ngrams, frequency).expect("a scorer");
            assert!(scores.iter().any(|score| *score > 1.0));
            for (image, (candidate, score)) in candidates.iter().zip(&scores).enumerate() {
                let expected = scorer.score(image, candidate).expect("an image");
                assert!(
                    (score - expected).abs() < 1e-13,
                    "{score}, expected {expected}"
                );
            }
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        let formula = CiderFormula::CiderD(CiderDOptions {
            sigma: 0.0,
            ..CiderDOptions::COCO
        });
        let error = cider_once(formula, &[vec![[1]]], &[vec![1]]).expect_err("no deviation");
        assert!(error.to_string().contains("cider_d.sigma"), "{error}");
        let none: [Vec<Vec<u32>>; 0] = [];
        let error = cider_once(CiderFormula::Cider, &none, &[]).expect_err("no image");
        assert_eq!(error.to_string(), "found no image, expected at least one");
    }
}
