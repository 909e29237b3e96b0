//! Equality with coco-caption (pycocoevalcap 1.2) and ruotianluo/cider on stored scores.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use scst_reward::{DocumentFrequency, Interner};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::{Corpus, Deviation, array, fixture, json, number, shared, string};

/// The corpora of the repository.
const CORPORA: [&str; 8] = [
    "coco_mixed",
    "edge_all_empty_candidates",
    "edge_fuzz",
    "edge_hand_made",
    "edge_negative_idf",
    "edge_short_candidates",
    "edge_single_image",
    "edge_two_same_images",
];

/// Corpora over captions that may not be in the repository.
const SHARED: [&str; 9] = [
    "abstract50s_48refs",
    "flickr8k_5cands_per_image",
    "flickr8k_human",
    "flickr8k_mixed_5refs",
    "flickr8k_repeated",
    "flickr8k_shuffled",
    "flickr8k_single_word",
    "flickr8k_truncated",
    "flickr8k_wrong_image",
];

/// What the training captions of corpora are called.
const TRAINING: &str = "df_train.jsonl";

/// A file of the repository's corpora.
fn own(file: &str) -> PathBuf {
    fixture("corpora").join(file)
}

/// Every corpus that is there, with its training captions.
fn with_training() -> Vec<(Corpus, PathBuf)> {
    let own_corpora = CORPORA.map(|name| (own(&format!("{name}.json")), own(TRAINING)));
    let shared = SHARED
        .iter()
        .filter_map(|name| Some((shared(&format!("{name}.json"))?, shared(TRAINING)?)));
    own_corpora
        .into_iter()
        .chain(shared)
        .map(|(path, training)| (Corpus::read(path), training))
        .collect()
}

/// Every corpus that is there.
pub(crate) fn corpora() -> impl Iterator<Item = Corpus> {
    let excerpt = Corpus::read(fixture("coco_excerpt.json"));
    let others = with_training().into_iter().map(|(corpus, _)| corpus);
    [excerpt].into_iter().chain(others)
}

/// The lines of a file of training captions.
fn training_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("readable lines");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("one JSON object a line"))
        .collect()
}

fn training_table<'a>(lines: &'a [Value], interner: &mut Interner<'a>) -> DocumentFrequency {
    let mut builder = DocumentFrequency::builder();
    for line in lines {
        let references: Vec<_> = array(&line["refs"])
            .iter()
            .map(|text| interner.words(string(text)))
            .collect();
        builder.add_image(references.iter());
    }
    builder.build().expect("some images")
}

#[test]
fn cider_equals_the_reference_when_the_fixture_table_is_loaded() {
    let corpus = Corpus::read(fixture("coco_excerpt.json"));
    let mut interner = Interner::default();
    let ngrams = corpus.json["table"]["ngrams"]
        .as_object()
        .expect("an object");
    let mut orders: [Vec<(Vec<u32>, u32)>; 4] = Default::default();
    for (ngram, frequency) in ngrams {
        let tokens = interner.words(ngram);
        orders[tokens.len() - 1].push((tokens, number(frequency) as u32));
    }
    let images = number(&corpus.json["table"]["images"]) as u64;
    let table =
        DocumentFrequency::from_bytes(&encode(images, &mut orders)).expect("the documented format");
    assert_eq!(table.images(), 500);
    assert_eq!(
        (1..=4).map(|order| table.distinct(order)).sum::<usize>(),
        ngrams.len()
    );
    let mut deviation = Deviation::default();
    corpus.compare_table(&mut interner, &table, &mut deviation);
    deviation.report("fixture, table");
}

/// The documented bytes of a table, written without the crate.
fn encode(images: u64, orders: &mut [Vec<(Vec<u32>, u32)>; 4]) -> Vec<u8> {
    let mut bytes = b"scst-df\n".to_vec();
    bytes.extend(2u32.to_le_bytes());
    bytes.extend(images.to_le_bytes());
    bytes.extend(0u64.to_le_bytes());
    for entries in orders {
        entries.sort();
        bytes.extend((entries.len() as u64).to_le_bytes());
        for (tokens, frequency) in entries {
            bytes.extend(
                tokens
                    .iter()
                    .chain([&*frequency])
                    .flat_map(|number| number.to_le_bytes()),
            );
        }
    }
    let checksum = Sha256::digest(&bytes);
    bytes.extend(checksum);
    bytes
}

#[test]
fn evaluation_equals_coco_caption_when_run_on_every_corpus() {
    let mut deviation = Deviation::default();
    for corpus in corpora() {
        corpus.compare_evaluation(&mut deviation);
        corpus.compare_plain(&mut deviation);
    }
    deviation.report("all corpora, own frequencies");
}

#[test]
fn cider_equals_the_reference_when_training_frequencies_are_used() {
    let mut deviation = Deviation::default();
    for (corpus, training) in with_training() {
        let lines = training_lines(&training);
        let mut interner = Interner::default();
        let mut table = training_table(&lines, &mut interner);
        if let Value::Number(images) = &corpus.json["ref_len_override"] {
            let images = images.as_u64().expect("a number of images");
            table = table.with_images(images).expect("at least one");
        }
        corpus.compare_table(&mut interner, &table, &mut deviation);
        corpus.compare_token_evaluation(&mut interner, &table, &mut deviation);
    }
    deviation.report("all corpora, training frequencies");
}

#[test]
fn table_holds_the_listed_frequencies_when_built_from_training_captions() {
    const CHECK: &str = "df_check.json";
    let beside = shared(TRAINING).zip(shared(CHECK));
    for (training, check) in [(own(TRAINING), own(CHECK))].into_iter().chain(beside) {
        let lines = training_lines(&training);
        let check = json(check);
        let mut interner = Interner::default();
        let table = training_table(&lines, &mut interner);
        assert_eq!(table.images() as f64, number(&check["ref_len"]));
        for order in 1..=4 {
            assert_eq!(
                table.distinct(order) as f64,
                number(&check["distinct_ngrams_by_order"][order - 1])
            );
            let mut ngrams = HashSet::new();
            for text in lines.iter().flat_map(|line| array(&line["refs"])) {
                ngrams.extend(
                    interner
                        .words(string(text))
                        .windows(order)
                        .map(<[u32]>::to_vec),
                );
            }
            let sum: u32 = ngrams.iter().map(|ngram| table.frequency(ngram)).sum();
            assert_eq!(f64::from(sum), number(&check["sum_df_by_order"][order - 1]));
        }
        for entry in array(&check["top"]).iter().chain(array(&check["sample"])) {
            let ngram = interner.words(string(&entry[0]));
            assert_eq!(
                f64::from(table.frequency(&ngram)),
                number(&entry[1]),
                "{entry}"
            );
        }
    }
}

#[test]
fn weights_equal_the_worked_example_when_computed_by_hand() {
    let example = json(fixture("worked_example.json"));
    let items = array(&example["items"]);
    let references = items.iter().map(|item| {
        array(&item["refs"])
            .iter()
            .map(|reference| string(&reference["ref"]))
    });
    let mut interner = Interner::default();
    let mut builder = DocumentFrequency::builder();
    for texts in references.clone() {
        let tokens: Vec<_> = texts.map(|text| interner.words(text)).collect();
        builder.add_image(tokens.iter());
    }
    let table = builder.build().expect("some images");
    for (ngram, frequency) in example["df"].as_object().expect("an object") {
        assert_eq!(
            f64::from(table.frequency(&interner.words(ngram))),
            number(frequency),
            "{ngram}"
        );
    }
    let mut deviation = Deviation::default();
    for item in items {
        for weights in array(&item["tfidf"]) {
            for (ngram, weight) in weights.as_object().expect("an object") {
                let tokens = interner.words(ngram);
                let candidate = interner.words(string(&item["cand"]));
                let count = candidate
                    .windows(tokens.len())
                    .filter(|window| *window == tokens)
                    .count();
                deviation.compare(ngram, count as f64 * table.inverse(&tokens), weight);
            }
        }
    }
    let references: Vec<Vec<&str>> = references.map(Iterator::collect).collect();
    let pairs = items.iter().zip(&references);
    let captions: Vec<_> = pairs
        .map(|(item, references)| scst_reward::Item {
            candidate: string(&item["cand"]),
            references,
        })
        .collect();
    let evaluation = scst_reward::evaluate_text(&captions, scst_reward::FrequencySource::Corpus)
        .expect("a good corpus");
    deviation.compare(
        "corpus",
        evaluation.scores.cider_d,
        &example["corpus_cider_d"],
    );
    for (item, scores) in items.iter().zip(&evaluation.captions) {
        deviation.compare("cider_d", scores.cider_d, &item["cider_d"]);
    }
    deviation.report("worked example");
}
