//! Equality of BLEU with coco-caption (pycocoevalcap 1.2) and sacrebleu 2.6.0 under every option.

use scst_reward::{
    BleuOptions, BleuScore, BleuScorer, BleuSmoothing, BleuStatistics, Interner, ReferenceLength,
    ReferenceNgrams,
};
use serde_json::Value;

use crate::corpora::corpora;
use crate::support::{Corpus, Deviation, array};

/// The statistics of every caption.
fn statistics(corpus: &Corpus) -> Vec<BleuStatistics> {
    let mut interner = Interner::default();
    let references = corpus.intern_references(&mut interner);
    let mut scorer = BleuScorer::new(ReferenceNgrams::new(&references).into());
    let captions = corpus.candidates.iter().enumerate();
    captions
        .map(|(image, text)| {
            let tokens = interner.words(text);
            scorer.statistics(image, &tokens).expect("a known image")
        })
        .collect()
}

fn sum(statistics: &[BleuStatistics]) -> BleuStatistics {
    statistics
        .iter()
        .fold(BleuStatistics::default(), |sum, &caption| sum + caption)
}

#[test]
fn bleu_equals_coco_caption_when_the_reference_length_varies() {
    let mut deviation = Deviation::default();
    let mut compare = |statistics: &BleuStatistics, length, expected: &Value| {
        for (order, expected) in (1..).zip(array(expected)) {
            let options = BleuOptions {
                order,
                reference_length: length,
                ..BleuOptions::default()
            };
            deviation.compare("bleu", statistics.score(&options).score, expected);
        }
    };
    for corpus in corpora() {
        let captions = statistics(&corpus);
        for (item, caption) in captions.iter().enumerate() {
            let expected = &corpus.scores(item)["bleu"];
            compare(caption, ReferenceLength::Closest, expected);
        }
        let (sum, expected) = (sum(&captions), &corpus.json["corpus"]);
        compare(&sum, ReferenceLength::Closest, &expected["bleu"]);
        compare(&sum, ReferenceLength::Shortest, &expected["bleu_shortest"]);
        compare(&sum, ReferenceLength::Average, &expected["bleu_average"]);
        assert_eq!(expected["bleu_testlen"], sum.candidate_length);
        assert_eq!(expected["bleu_reflen"], sum.reference_lengths.closest);
    }
    deviation.report("BLEU as coco-caption");
}

/// The keys of the vectors and the options that they stand for.
fn sacrebleu_options() -> [(&'static str, BleuOptions); 5] {
    let options = |smoothing, effective_order| BleuOptions {
        smoothing,
        effective_order,
        ..BleuOptions::default()
    };
    [
        ("sacre_exp_eff", options(BleuSmoothing::Exp, true)),
        ("sacre_exp", options(BleuSmoothing::Exp, false)),
        (
            "sacre_floor_eff",
            options(BleuSmoothing::Floor { value: 0.1 }, true),
        ),
        (
            "sacre_addk_eff",
            options(BleuSmoothing::AddK { k: 1.0 }, true),
        ),
        ("sacre_none_eff", options(BleuSmoothing::None, true)),
    ]
}

#[test]
fn bleu_equals_sacrebleu_when_the_smoothing_varies() {
    // Scores and precisions are compared on sacrebleu's scale of 0 to 100, with the tolerance of the scale of 0 to 1.
    let mut deviation = Deviation::default();
    for corpus in corpora() {
        let captions = statistics(&corpus);
        let sum = sum(&captions);
        for (key, options) in sacrebleu_options() {
            for (item, caption) in captions.iter().enumerate() {
                let score = caption.score(&options).score;
                deviation.compare(key, 100.0 * score, &corpus.scores(item)[key]);
            }
            let expected = &corpus.json["corpus"][key];
            compare_corpus(&sum.score(&options), expected, &mut deviation);
            assert_eq!(expected["sys_len"], sum.candidate_length);
            assert_eq!(expected["ref_len"], sum.reference_lengths.closest);
        }
    }
    deviation.report("BLEU as sacrebleu, x100");
}

fn compare_corpus(found: &BleuScore, expected: &Value, deviation: &mut Deviation) {
    deviation.compare("score", 100.0 * found.score, &expected["score"]);
    deviation.compare("bp", found.brevity, &expected["bp"]);
    for order in 0..4 {
        let precision = 100.0 * found.precisions[order];
        deviation.compare("precision", precision, &expected["precisions"][order]);
        deviation.compare("count", found.correct[order], &expected["counts"][order]);
        deviation.compare("total", found.guess[order], &expected["totals"][order]);
    }
}
