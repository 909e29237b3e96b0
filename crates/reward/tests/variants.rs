//! BLEU under every option, MIXER's rewards and the diversity measures for any captions, beside slow implementations.

use std::collections::HashSet;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use scst_reward::{
    Batch, BleuOptions, BleuScorer, BleuSmoothing, BleuStatistics, Candidate, DocumentFrequency,
    ImageReferences, MixerBleuOptions, MixerBleuReward, MixerScorer, ReferenceLength,
    ReferenceNgrams, References, RepetitionPenalty, RepetitionPenaltyOptions, Reward, distinct_n,
    evaluate_diversity, mbleu, self_cider,
};

use slow::{Sentence, counts, sentence, slow_bleu};

mod slow;

type Item = (Sentence, Vec<Sentence>);

/// Any options without problems.
fn options() -> impl Strategy<Value = BleuOptions> {
    let length = prop_oneof![
        Just(ReferenceLength::Closest),
        Just(ReferenceLength::Shortest),
        Just(ReferenceLength::Average)
    ];
    let smoothing = prop_oneof![
        Just(BleuSmoothing::Coco),
        Just(BleuSmoothing::None),
        Just(BleuSmoothing::Exp),
        (0.001f64..=1.0).prop_map(|value| BleuSmoothing::Floor { value }),
        (0.001f64..10.0).prop_map(|k| BleuSmoothing::AddK { k }),
        Just(BleuSmoothing::AddK { k: f64::MAX }),
    ];
    (1usize..=4, length, smoothing, any::<bool>()).prop_map(
        |(order, reference_length, smoothing, effective)| BleuOptions {
            order,
            reference_length,
            smoothing,
            effective_order: effective && smoothing != BleuSmoothing::Coco,
        },
    )
}

fn corpus() -> impl Strategy<Value = Vec<Item>> {
    vec((sentence(), vec(sentence(), 1..5)), 1..5)
}

fn references(end: Option<u32>, corpus: &[Item]) -> References {
    let images = corpus.iter().map(|(_, tokens)| {
        ImageReferences::new("", tokens.clone(), vec![String::new(); tokens.len()])
    });
    References::new(end, images.collect()).expect("good references")
}

fn statistics(corpus: &[Item]) -> Vec<BleuStatistics> {
    let ngrams = ReferenceNgrams::new(&references(None, corpus));
    let mut scorer = BleuScorer::new(ngrams.into());
    let mut count = |(image, (candidate, _)): (usize, &Item)| {
        scorer.statistics(image, candidate).expect("a known image")
    };
    corpus.iter().enumerate().map(&mut count).collect()
}

fn sum(statistics: &[BleuStatistics]) -> BleuStatistics {
    let zero = BleuStatistics::default();
    statistics.iter().fold(zero, |sum, &caption| sum + caption)
}

/// MIXER's BLEU as its definition reads, by searching for each n-gram.
fn slow_mixer_bleu(candidate: &[u32], reference: &[u32], unknown: u32, smooth: bool) -> f64 {
    let (length, target) = (candidate.len() as f64, reference.len() as f64);
    let orders = 4.min(candidate.len()).min(reference.len());
    if orders == 0 {
        return 0.0;
    }
    let add = f64::from(u8::from(smooth));
    let precision = |order: usize| {
        let held = counts(reference, order);
        let matched = |(ngram, count): (&&[u32], &f64)| {
            let held = held.get(ngram).filter(|_| !ngram.contains(&unknown));
            count.min(held.copied().unwrap_or(0.0))
        };
        let correct: f64 = counts(candidate, order).iter().map(matched).sum();
        (correct + add) / (candidate.windows(order).count() as f64 + add)
    };
    let product: f64 = (1..=orders).map(precision).product();
    let brevity = if length < target {
        (1.0 - (target + add) / length).exp()
    } else {
        1.0
    };
    product.powf(1.0 / orders as f64) * brevity
}

/// The scores of one caption each of the images of a corpus.
fn rewards(reward: &mut dyn Reward, references: &References, corpus: &[Item]) -> Vec<f64> {
    let candidates: Vec<_> = corpus
        .iter()
        .enumerate()
        .map(|(image, (tokens, _))| Candidate {
            image,
            tokens,
            text: "",
        })
        .collect();
    let batch = Batch::new(references, &candidates).expect("known images");
    reward.score(&batch).expect("scores")
}

fn table(corpus: &[Item]) -> Arc<DocumentFrequency> {
    let table = DocumentFrequency::from_references(&references(None, corpus));
    Arc::new(table.expect("some images"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bleu_equals_the_definition_when_options_are_random(corpus in corpus(), options in options()) {
        prop_assert!(options.problems().is_empty());
        let captions = statistics(&corpus);
        for (caption, item) in captions.iter().zip(&corpus) {
            let found = caption.score(&options).score;
            let expected = slow_bleu(std::slice::from_ref(item), &options);
            prop_assert!((found - expected).abs() <= 1e-12, "{found} {expected}");
            prop_assert!((0.0..=1.0 + 1e-12).contains(&found), "{found}");
        }
        let (found, expected) = (sum(&captions).score(&options).score, slow_bleu(&corpus, &options));
        prop_assert!((found - expected).abs() <= 1e-12, "corpus: {found} {expected}");
    }

    #[test]
    fn bleu_is_the_same_when_references_change_their_order(
        corpus in corpus(),
        options in options(),
        shift in 0usize..5,
    ) {
        let mut other = corpus.clone();
        for (_, references) in &mut other {
            let by = shift % references.len();
            references.rotate_left(by);
            references.reverse();
        }
        for (one, other) in statistics(&corpus).iter().zip(statistics(&other)) {
            prop_assert_eq!(one.score(&options), other.score(&options));
        }
    }

    #[test]
    fn mixer_bleu_equals_the_definition_when_captions_are_random(
        corpus in corpus(),
        smooth in any::<bool>(),
    ) {
        let unknown = 3;
        let options = MixerBleuOptions { smooth };
        let mut scorer = MixerScorer::new(Some(unknown));
        let held = references(None, &corpus);
        let mut reward = MixerBleuReward::new(options, &held, Some(unknown)).expect("good options");
        let means = rewards(&mut reward, &held, &corpus);
        let mut reversed = corpus.clone();
        for (_, references) in &mut reversed {
            references.reverse();
        }
        let other = rewards(&mut reward, &references(None, &reversed), &reversed);
        for (mean, other) in means.iter().zip(other) {
            prop_assert!((mean - other).abs() <= 1e-12, "{mean} {other}");
        }
        for ((candidate, references), mean) in corpus.iter().zip(means) {
            let mut total = 0.0;
            for reference in references {
                let found = scorer.bleu(candidate, reference, options, 0);
                let expected = slow_mixer_bleu(candidate, reference, unknown, smooth);
                prop_assert!((found - expected).abs() <= 1e-12, "{found} {expected}");
                total += expected;
            }
            prop_assert!((mean - total / references.len() as f64).abs() <= 1e-12);
        }
    }

    #[test]
    fn mixer_scores_stay_in_range_when_any_number_of_tokens_is_given(
        candidate in sentence(),
        reference in sentence(),
        given in prop_oneof![0usize..15, Just(usize::MAX)],
        smooth in any::<bool>(),
    ) {
        let mut scorer = MixerScorer::new(Some(3));
        let bleu = scorer.bleu(&candidate, &reference, MixerBleuOptions { smooth }, given);
        prop_assert!((0.0..=1.0 + 1e-12).contains(&bleu), "{bleu}");
        let rouge = scorer.rouge_4(&candidate, &reference, given);
        prop_assert!((0.0..=1.0).contains(&rouge), "{rouge}");
    }

    #[test]
    fn distinct_and_repetition_equal_the_definition_when_captions_are_random(
        captions in vec(sentence(), 0..6),
        order in 1usize..=4,
    ) {
        let ngrams: Vec<&[u32]> = captions.iter().flat_map(|tokens| tokens.windows(order)).collect();
        let distinct = ngrams.iter().collect::<HashSet<_>>().len();
        let expected = if ngrams.is_empty() { 0.0 } else { distinct as f64 / ngrams.len() as f64 };
        prop_assert_eq!(distinct_n(&captions, order).expect("a good order"), expected);

        let options = RepetitionPenaltyOptions { order };
        let corpus: Vec<Item> = captions.into_iter().map(|tokens| (tokens, vec![vec![]])).collect();
        if corpus.is_empty() {
            return Ok(());
        }
        let held = references(None, &corpus);
        let mut reward = RepetitionPenalty::new(options, &held).expect("good options");
        for (found, (tokens, _)) in rewards(&mut reward, &held, &corpus).iter().zip(&corpus) {
            let total = tokens.windows(order).count() as f64;
            let distinct = counts(tokens, order).len() as f64;
            let expected = if total == 0.0 { 0.0 } else { distinct / total - 1.0 };
            prop_assert!((found - expected).abs() <= 1e-15, "{found} {expected}");
        }
    }

    #[test]
    fn mbleu_equals_the_definition_when_captions_are_random(captions in vec(sentence(), 0..6)) {
        let Some(found) = mbleu(&captions) else {
            prop_assert!(captions.len() < 2);
            return Ok(());
        };
        for (order, found) in (1..).zip(found) {
            let options = BleuOptions { order, ..BleuOptions::default() };
            let score = |index: usize| {
                let mut others = captions.clone();
                let caption = others.remove(index);
                slow_bleu(&[(caption, others)], &options)
            };
            let expected = (0..captions.len()).map(score).sum::<f64>() / captions.len() as f64;
            prop_assert!((found - expected).abs() <= 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn self_cider_is_in_range_and_blind_to_order_when_captions_are_random(corpus in corpus()) {
        let table = table(&corpus);
        let images: Vec<_> = corpus.iter().map(|(_, captions)| captions.clone()).collect();
        let mut reversed = images.clone();
        for captions in &mut reversed {
            captions.reverse();
        }
        let found = self_cider(&images, &table).expect("scores");
        let other = self_cider(&reversed, &table).expect("scores");
        for (found, other) in found.iter().zip(&other) {
            prop_assert_eq!(found.is_some(), other.is_some());
            if let (Some(found), Some(other)) = (found, other) {
                prop_assert!((0.0..=1.0 + 1e-12).contains(found), "{found}");
                prop_assert!((found - other).abs() <= 1e-6, "{found} {other}");
            }
        }
        let report = evaluate_diversity(&images, Some(0), &table).expect("some images");
        prop_assert!(report.distinct.iter().all(|share| (0.0..=1.0).contains(share)));
    }
}

#[test]
fn every_option_scores_the_same_when_thousands_of_references_are_reversed() {
    let candidate = vec![1, 2, 1, 2, u32::MAX];
    let many: Vec<Sentence> = (0..3000)
        .map(|index| vec![index % 7, index, 1, index % 3])
        .collect();
    let reversed: Vec<Sentence> = many.iter().rev().cloned().collect();
    let corpora = [many, reversed].map(|references| [(candidate.clone(), references)]);
    let [one, other] = corpora.each_ref().map(|corpus| statistics(corpus)[0]);
    assert_eq!(one, other);
    let [mixer, other] = corpora.each_ref().map(|corpus| {
        let held = references(None, corpus);
        let options = MixerBleuOptions::default();
        let mut reward = MixerBleuReward::new(options, &held, None).expect("good options");
        rewards(&mut reward, &held, corpus)[0]
    });
    assert!(
        mixer > 0.0 && (mixer - other).abs() <= 1e-12,
        "{mixer} {other}"
    );
    for smoothing in [
        BleuSmoothing::Coco,
        BleuSmoothing::None,
        BleuSmoothing::Floor { value: 0.1 },
        BleuSmoothing::AddK { k: 1.0 },
        BleuSmoothing::Exp,
    ] {
        let options = BleuOptions {
            smoothing,
            ..BleuOptions::default()
        };
        let score = one.score(&options).score;
        assert!((0.0..=1.0).contains(&score), "{smoothing:?}: {score}");
    }
}
