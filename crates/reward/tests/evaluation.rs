//! The report of a corpus beyond its scores.

use std::sync::Arc;

use scst_reward::{
    DocumentFrequency, EvaluationMetric, FrequencySource, Item, evaluate_text, evaluate_tokens,
};

#[test]
fn report_counts_captions_and_words_when_some_are_equal() {
    let items = [
        Item {
            candidate: "a dog",
            references: &["a dog runs", "dog"][..],
        },
        Item {
            candidate: "a  dog ",
            references: &["a cat"],
        },
        Item {
            candidate: "two cats sleep",
            references: &["two cats"],
        },
    ];
    let evaluation = evaluate_text(&items, FrequencySource::Corpus).expect("a good corpus");
    assert_eq!(evaluation.images, 3);
    assert_eq!(evaluation.distinct_captions, 2);
    assert_eq!(evaluation.mean_length, 7.0 / 3.0);
    assert_eq!(
        evaluation.signature(&EvaluationMetric::COCO),
        format!(
            "cider_d|n:4|sigma:6|scale:10|df:corpus+bleu|n:1-4|length:closest|tiny:1e-15|small:1e-9+\
             rouge_l|beta:1.2+input:words|images:3|nrefs:1-2|version:{}",
            env!("CARGO_PKG_VERSION")
        )
    );
}

#[test]
fn signature_names_the_table_when_one_is_given() {
    let mut builder = DocumentFrequency::builder();
    builder.add_image([[1u32, 2]].iter());
    let table = Arc::new(builder.build().expect("one image"));
    let items = [Item {
        candidate: &[1u32, 2][..],
        references: &[[1u32, 2]],
    }];
    let evaluation =
        evaluate_tokens(&items, FrequencySource::Table(&table)).expect("a good corpus");
    let signature = evaluation.signature(&EvaluationMetric::COCO);
    let table = format!("|df:{}+", table.signature());
    assert!(signature.contains(&table), "{signature}");
}

#[test]
fn empty_text_scores_as_coco_caption_does_when_a_reference_is_empty_too() {
    let items = [Item {
        candidate: "",
        references: &["", "a dog"][..],
    }];
    let scores = evaluate_text(&items, FrequencySource::Corpus)
        .expect("a good corpus")
        .scores;
    assert!((scores.rouge_l - 1.0).abs() <= 1e-15, "{scores:?}");
    assert_eq!((scores.cider_d, scores.bleu), (0.0, [0.0; 4]));
}

#[test]
fn errors_name_the_item_when_a_corpus_is_bad() {
    let none: [Item<'_, str, &str>; 0] = [];
    let error = evaluate_text(&none, FrequencySource::Corpus)
        .expect_err("no item")
        .to_string();
    assert_eq!(error, "found no image, expected at least one");
    let items = [
        Item {
            candidate: "a",
            references: &["a"][..],
        },
        Item {
            candidate: "a",
            references: &[],
        },
    ];
    let error = evaluate_text(&items, FrequencySource::Corpus)
        .expect_err("no references")
        .to_string();
    assert_eq!(error, "image #1: found no reference, expected at least one");
    let none: [Item<'_, [u32], Vec<u32>>; 0] = [];
    let mut builder = DocumentFrequency::builder();
    builder.add_image([[1u32]].iter());
    let table = Arc::new(builder.build().expect("one image"));
    let error = evaluate_tokens(&none, FrequencySource::Table(&table))
        .expect_err("no item")
        .to_string();
    assert_eq!(error, "found no image, expected at least one");
}
