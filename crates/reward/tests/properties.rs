//! Properties that hold for any captions, and slow implementations that say the same.

use std::collections::{HashMap, HashSet};

use proptest::collection::vec;
use proptest::prelude::*;
use scst_reward::{
    BleuOptions, CiderDOptions, CiderFormula, CiderScorer, CorpusScores, DocumentFrequency,
    FrequencySource, ImageReferences, Item, ReferenceNgrams, References, RougeLOptions,
    RougeLScorer, evaluate_tokens,
};

use slow::{Sentence, counts, sentence, slow_bleu};

mod slow;

type Image = (Sentence, Vec<Sentence>);

fn corpus() -> impl Strategy<Value = Vec<Image>> {
    vec((sentence(), vec(sentence(), 1..5)), 1..6)
}

fn evaluate(corpus: &[Image]) -> Vec<CorpusScores> {
    let items: Vec<_> = corpus
        .iter()
        .map(|(candidate, references)| Item {
            candidate: &candidate[..],
            references,
        })
        .collect();
    evaluate_tokens(&items, FrequencySource::Corpus)
        .expect("a good corpus")
        .captions
}

/// CIDEr-D of every item as its definition reads, with the corpus's own frequencies.
fn slow_cider_d(corpus: &[Image]) -> Vec<f64> {
    let holders = |ngram: &[u32]| {
        let holds = |(_, references): &&Image| {
            references
                .iter()
                .any(|r| r.windows(ngram.len()).any(|w| w == ngram))
        };
        corpus.iter().filter(holds).count().max(1) as f64
    };
    let weights = |tokens: &[u32], order| -> HashMap<Sentence, f64> {
        let weigh = |(ngram, count): (&[u32], f64)| {
            (
                ngram.to_vec(),
                count * ((corpus.len() as f64).ln() - holders(ngram).ln()),
            )
        };
        counts(tokens, order).into_iter().map(weigh).collect()
    };
    let norm = |weights: &HashMap<Sentence, f64>| {
        weights
            .values()
            .map(|weight| weight * weight)
            .sum::<f64>()
            .sqrt()
    };
    let pair = |candidate: &Sentence, reference: &Sentence| {
        let mut sum = 0.0;
        for order in 1..=4 {
            let (ours, theirs) = (weights(candidate, order), weights(reference, order));
            let product = |(ngram, weight): (&Sentence, &f64)| {
                theirs
                    .get(ngram)
                    .map_or(0.0, |other| weight.min(*other) * other)
            };
            let (dot, norms) = (
                ours.iter().map(product).sum::<f64>(),
                norm(&ours) * norm(&theirs),
            );
            let difference = candidate.len() as f64 - reference.len() as f64;
            sum += if norms == 0.0 {
                0.0
            } else {
                dot / norms * (-difference.powi(2) / 72.0).exp()
            };
        }
        sum / 4.0
    };
    let score = |(candidate, references): &Image| {
        let sum: f64 = references
            .iter()
            .map(|reference| pair(candidate, reference))
            .sum();
        10.0 * sum / references.len() as f64
    };
    corpus.iter().map(score).collect()
}

/// All subsequences of a short sentence.
fn subsequences(sentence: &[u32]) -> HashSet<Sentence> {
    let choose = |mask: u32| {
        let chosen = sentence
            .iter()
            .enumerate()
            .filter(move |(index, _)| mask >> index & 1 == 1);
        chosen.map(|(_, &token)| token).collect()
    };
    (0..1 << sentence.len()).map(choose).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cider_d_and_bleu_equal_the_definition_when_captions_are_random(corpus in corpus()) {
        let found = evaluate(&corpus);
        for ((found, expected), item) in found.iter().zip(slow_cider_d(&corpus)).zip(&corpus) {
            prop_assert!((found.cider_d - expected).abs() <= 1e-12, "{} {expected}", found.cider_d);
            for (order, found) in (1..).zip(found.bleu) {
                let expected = slow_bleu(std::slice::from_ref(item), &BleuOptions { order, ..BleuOptions::default() });
                prop_assert!((found - expected).abs() <= 1e-12, "{found} {expected}");
            }
        }
    }

    #[test]
    fn scores_are_finite_and_in_range_when_captions_are_random(corpus in corpus()) {
        for scores in evaluate(&corpus) {
            prop_assert!((0.0..=10.0 + 1e-12).contains(&scores.cider_d), "{scores:?}");
            prop_assert!(scores.bleu.iter().all(|bleu| (0.0..=1.0).contains(bleu)), "{scores:?}");
            prop_assert!((0.0..=1.0 + 1e-12).contains(&scores.rouge_l), "{scores:?}");
        }
    }

    #[test]
    fn scores_are_the_same_when_references_change_their_order(corpus in corpus(), shift in 0usize..5) {
        let mut other = corpus.clone();
        for (_, references) in &mut other {
            let by = shift % references.len();
            references.rotate_left(by);
            references.reverse();
        }
        for (one, other) in evaluate(&corpus).iter().zip(evaluate(&other)) {
            prop_assert!((one.cider_d - other.cider_d).abs() <= 1e-12);
            prop_assert_eq!(one.bleu, other.bleu);
            prop_assert_eq!(one.rouge_l, other.rouge_l);
        }
    }

    #[test]
    fn rouge_l_equals_the_definition_when_subsequences_are_enumerated(
        candidate in vec(0u32..4, 1..8),
        reference in vec(0u32..4, 1..8),
    ) {
        let common = subsequences(&candidate).intersection(&subsequences(&reference)).map(Vec::len).max().unwrap_or(0);
        let (precision, recall) = (common as f64 / candidate.len() as f64, common as f64 / reference.len() as f64);
        let square = 1.2 * 1.2;
        let expected =
            if common == 0 { 0.0 } else { (1.0 + square) * precision * recall / (recall + square * precision) };
        let mut scorer = RougeLScorer::new(RougeLOptions::default()).expect("default options");
        let found = scorer.score(&candidate, &[reference]);
        prop_assert!((found - expected).abs() <= 1e-12, "{found} {expected}");
    }

    #[test]
    fn fingerprint_is_the_same_when_images_come_in_another_order(corpus in corpus(), shift in 0usize..6) {
        let table = |images: &[Image]| {
            let mut builder = DocumentFrequency::builder();
            for (_, references) in images {
                builder.add_image(references.iter());
            }
            builder.build().expect("some images")
        };
        let mut other = corpus.clone();
        let by = shift % other.len();
        other.rotate_left(by);
        other.reverse();
        let (one, other) = (table(&corpus), table(&other));
        prop_assert_eq!(one.to_bytes(), other.to_bytes());
        prop_assert_eq!(one.fingerprint(), other.fingerprint());
    }

    #[test]
    fn cider_is_finite_when_options_are_extreme(
        corpus in corpus(),
        sigma in prop_oneof![Just(f64::MIN_POSITIVE), Just(1e-200), Just(1e200), 0.1f64..10.0],
        images in 1u64..20,
    ) {
        let references = corpus.iter().map(|(_, tokens)| {
            ImageReferences::new("", tokens.clone(), vec![String::new(); tokens.len()])
        });
        let references = References::new(None, references.collect()).expect("good references");
        let table = DocumentFrequency::from_references(&references).expect("some images");
        let table = table.with_images(images).expect("some images");
        let formula = CiderFormula::CiderD(CiderDOptions { sigma, scale: 10.0 });
        let ngrams = ReferenceNgrams::new(&references).into();
        let mut scorer = CiderScorer::new(formula, ngrams, table.into()).expect("good options");
        for (image, (candidate, _)) in corpus.iter().enumerate() {
            let score = scorer.score(image, candidate).expect("a known image");
            prop_assert!(score.is_finite(), "{score}");
        }
    }
}

#[test]
fn scores_are_finite_when_an_image_has_thousands_of_references() {
    let references: Vec<Sentence> = (0..3000)
        .map(|index| vec![index % 7, index, 1, index % 3])
        .collect();
    let scores = evaluate(&[(vec![1, 2, 1, 2], references), (vec![], vec![vec![]])]);
    assert!(
        scores[0].cider_d.is_finite() && scores[0].cider_d > 0.0,
        "{scores:?}"
    );
    assert_eq!(scores[1].cider_d, 0.0);
}
