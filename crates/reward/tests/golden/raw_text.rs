//! Equality with sacrebleu 2.6.0, rouge-score 0.1.2 and jiwer 4.0.0 on raw text, at 1e-12 absolute.

use scst_reward::{
    BleuStatistics, ChrfOptions, ChrfScorer, ErrorCounts, ErrorRateOptions, ErrorRateScorer,
    ErrorUnit, Item, RougeKind, RougeScoreOptions, RougeScorer, SacrebleuOptions, SacrebleuScorer,
    SacrebleuSmoothing, SacrebleuTokenizer, TextMetric, edit_distance, evaluate_raw_text,
};
use serde_json::Value;

use crate::support::{Deviation, TOLERANCE, array, fixture, json, number, string};

/// A candidate and its references.
type Pair = (String, Vec<String>);

fn pairs(document: &Value) -> Vec<Pair> {
    let texts = |value: &Value| array(value).iter().map(|v| string(v).to_owned()).collect();
    array(&document["items"])
        .iter()
        .map(|item| (string(&item["cand"]).to_owned(), texts(&item["refs"])))
        .collect()
}

fn items(pairs: &[Pair]) -> Vec<Item<'_, str, String>> {
    pairs
        .iter()
        .map(|(candidate, references)| Item {
            candidate: candidate.as_str(),
            references,
        })
        .collect()
}

fn bleu_options(name: &str) -> SacrebleuOptions {
    let default = SacrebleuOptions::default();
    let tokenizer = |tokenizer| SacrebleuOptions {
        tokenizer,
        ..default
    };
    match name {
        "13a" => default,
        "intl" => tokenizer(SacrebleuTokenizer::Intl),
        "char" => tokenizer(SacrebleuTokenizer::Char),
        "none" => tokenizer(SacrebleuTokenizer::None),
        "lc" => SacrebleuOptions {
            lowercase: true,
            ..default
        },
        "floor" => SacrebleuOptions {
            smoothing: SacrebleuSmoothing::Floor { value: 0.1 },
            ..default
        },
        "add_k" => SacrebleuOptions {
            smoothing: SacrebleuSmoothing::AddK { k: 0.5 },
            ..tokenizer(SacrebleuTokenizer::Intl)
        },
        "unsmoothed" => SacrebleuOptions {
            smoothing: SacrebleuSmoothing::None,
            ..default
        },
        "order_2" => SacrebleuOptions {
            order: 2,
            ..default
        },
        other => panic!("unknown options {other}"),
    }
}

fn chrf_options(name: &str) -> ChrfOptions {
    let default = ChrfOptions::default();
    match name {
        "chrf" => default,
        "chrf++" => ChrfOptions::plus_plus(),
        "lc" => ChrfOptions {
            word_order: 1,
            lowercase: true,
            ..default
        },
        "whitespace" => ChrfOptions {
            whitespace: true,
            beta: 1.0,
            ..default
        },
        "eps" => ChrfOptions {
            eps_smoothing: true,
            ..ChrfOptions::plus_plus()
        },
        "orders" => ChrfOptions {
            char_order: 9,
            word_order: 3,
            beta: 3.0,
            ..default
        },
        other => panic!("unknown options {other}"),
    }
}

fn variants<'a>(document: &'a Value, metric: &str) -> Vec<(&'a str, &'a Value)> {
    let object = document[metric].as_object().expect("options by name");
    object
        .iter()
        .map(|(name, value)| (&**name, value))
        .collect()
}

/// The number of items whose expected score another function of text misses.
fn missed(pairs: &[Pair], expected: &Value, wrong: impl Fn(&Pair) -> f64) -> usize {
    let expected = array(&expected["items"]).iter().map(number);
    let wrong = pairs.iter().map(wrong);
    wrong
        .zip(expected)
        .filter(|(w, e)| (w - e).abs() > TOLERANCE)
        .count()
}

#[test]
fn bleu_equals_sacrebleu_when_tokenizers_and_smoothings_vary() {
    let document = json(fixture("raw_text.json"));
    let pairs = pairs(&document);
    let mut deviation = Deviation::default();
    for (name, expected) in variants(&document, "bleu") {
        let options = bleu_options(name);
        let scorer = SacrebleuScorer::new(options).expect("good options");
        let mut sum = BleuStatistics::default();
        for ((candidate, references), score) in pairs.iter().zip(array(&expected["items"])) {
            let what = format!("{name} {candidate:?} {references:?}");
            deviation.compare(&what, scorer.score(candidate, references), score);
            sum += scorer.count(candidate, references);
        }
        deviation.compare(name, scorer.corpus(&sum).score, &expected["corpus"]);
        let corpus = SacrebleuOptions {
            effective_order: false,
            ..options
        };
        let signature = format!("nrefs:var|{}|version:2.6.0", corpus.signature());
        assert_eq!(signature, string(&expected["signature"]));
        for (other, _) in variants(&document, "bleu") {
            let wrong = SacrebleuScorer::new(bleu_options(other)).expect("good options");
            let missed = missed(&pairs, expected, |(c, r)| wrong.score(c, r));
            assert_eq!(
                missed == 0,
                other == name,
                "{other} as {name}: {missed} missed"
            );
        }
    }
    deviation.report("sacrebleu BLEU");
}

#[test]
fn chrf_equals_sacrebleu_when_orders_and_options_vary() {
    let document = json(fixture("raw_text.json"));
    let pairs = pairs(&document);
    let items = items(&pairs);
    let mut deviation = Deviation::default();
    for (name, expected) in variants(&document, "chrf") {
        let options = chrf_options(name);
        let scorer = ChrfScorer::new(options).expect("good options");
        for ((candidate, references), score) in pairs.iter().zip(array(&expected["items"])) {
            let what = format!("{name} {candidate:?} {references:?}");
            deviation.compare(&what, scorer.score(candidate, references), score);
        }
        deviation.compare(name, scorer.corpus(&items), &expected["corpus"]);
        let signature = format!("nrefs:var|{}|version:2.6.0", options.signature());
        assert_eq!(signature, string(&expected["signature"]));
        for (other, _) in variants(&document, "chrf") {
            let wrong = ChrfScorer::new(chrf_options(other)).expect("good options");
            let missed = missed(&pairs, expected, |(c, r)| wrong.score(c, r));
            assert_eq!(
                missed == 0,
                other == name,
                "{other} as {name}: {missed} missed"
            );
        }
    }
    deviation.report("sacrebleu chrF");
}

#[test]
fn rouge_equals_rouge_score_when_references_are_several() {
    let document = json(fixture("raw_text.json"));
    let pairs = pairs(&document);
    let names = [
        ("rouge1", RougeKind::One),
        ("rouge2", RougeKind::Two),
        ("rougeL", RougeKind::L),
    ];
    let mut deviation = Deviation::default();
    for (name, kind) in names {
        let expected = &document["rouge"][name];
        let scorer = RougeScorer::new(RougeScoreOptions { kind });
        for ((candidate, references), score) in pairs.iter().zip(array(&expected["items"])) {
            let what = format!("{name} {candidate:?} {references:?}");
            deviation.compare(&what, scorer.score(candidate, references), score);
        }
        for (_, other) in names {
            let wrong = RougeScorer::new(RougeScoreOptions { kind: other });
            let missed = missed(&pairs, expected, |(c, r)| wrong.score(c, r));
            assert_eq!(missed == 0, other == kind, "{other:?} as {name}");
        }
        let of_first = missed(&pairs, expected, |(c, r)| scorer.score(c, &r[..1]));
        assert!(of_first > 0, "{name} of the first reference");
    }
    deviation.report("rouge-score");
}

#[test]
fn error_rates_equal_jiwer_when_references_are_several() {
    let document = json(fixture("raw_text.json"));
    let pairs = pairs(&document);
    let single = |text: &String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let pairs: Vec<Pair> = pairs
        .iter()
        // Separators U+001C to U+001F are white space of Python's and not of Rust's.
        .map(|(c, r)| (c.replace(['\u{1c}', '\u{1f}'], " "), r.clone()))
        .map(|(c, r)| (single(&c), r.iter().map(single).collect()))
        .collect();
    let mut deviation = Deviation::default();
    for (name, unit) in [
        ("word", ErrorUnit::Word),
        ("character", ErrorUnit::Character),
    ] {
        let expected = &document["errors"][name];
        let scorer = ErrorRateScorer::new(unit, ErrorRateOptions::default());
        let mut sum = ErrorCounts::default();
        for ((candidate, references), score) in pairs.iter().zip(array(&expected["items"])) {
            let what = format!("{name} {candidate:?} {references:?}");
            let counts = scorer.count(candidate, references);
            let rate_and_edits = array(score);
            deviation.compare(&what, counts.rate(), &rate_and_edits[0]);
            deviation.compare(&what, counts.edits as f64, &rate_and_edits[1]);
            sum.edits += counts.edits;
            sum.length += counts.length;
        }
        deviation.compare(name, sum.rate(), &expected["corpus"]);
    }
    deviation.report("jiwer");
    // The reference with the fewest edits need not be the one with the lowest rate.
    let scorer = ErrorRateScorer::new(ErrorUnit::Word, ErrorRateOptions::default());
    let fewest_differs = pairs.iter().any(|(candidate, references)| {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let edits = references
            .iter()
            .map(|r| edit_distance(&words(candidate), &words(r)));
        edits.min() != Some(scorer.count(candidate, references).edits as usize)
    });
    assert!(fewest_differs);
}

#[test]
fn corpus_scores_equal_the_packages_when_metrics_are_named() {
    let document = json(fixture("raw_text.json"));
    let pairs = pairs(&document);
    let evaluation = evaluate_raw_text(&items(&pairs), &TextMetric::ALL).expect("a good corpus");
    let mut deviation = Deviation::default();
    for (metric, group, name) in [
        (TextMetric::Chrf, "chrf", "chrf"),
        (TextMetric::ChrfPlusPlus, "chrf", "chrf++"),
        (TextMetric::Sacrebleu, "bleu", "13a"),
        (TextMetric::SacrebleuIntl, "bleu", "intl"),
        (TextMetric::SacrebleuChar, "bleu", "char"),
        (TextMetric::SacrebleuNone, "bleu", "none"),
        (TextMetric::RougeScore1, "rouge", "rouge1"),
        (TextMetric::RougeScore2, "rouge", "rouge2"),
        (TextMetric::RougeScoreL, "rouge", "rougeL"),
        (TextMetric::WordErrorRate, "errors", "word"),
        (TextMetric::PhonemeErrorRate, "errors", "word"),
    ] {
        let expected = &document[group][name];
        let found = evaluation.corpus.get(metric).expect("asked for");
        deviation.compare(metric.name(), found, &expected["corpus"]);
        for (scores, expected) in evaluation.captions.iter().zip(array(&expected["items"])) {
            let expected = if group == "errors" {
                &expected[0]
            } else {
                expected
            };
            let found = scores.get(metric).expect("asked for");
            deviation.compare(metric.name(), found, expected);
        }
    }
    deviation.report("corpus");
}

#[test]
fn words_equal_sacrebleus_when_text_has_marks_of_many_scripts() {
    let document = json(fixture("raw_text.json"));
    let texts = array(&document["texts"]);
    for tokenizer in [
        SacrebleuTokenizer::V13a,
        SacrebleuTokenizer::Intl,
        SacrebleuTokenizer::Char,
    ] {
        let expected = array(&document["tokens"][tokenizer.key()]);
        assert!(expected.len() == texts.len() && texts.len() > 60);
        for (text, expected) in texts.iter().zip(expected) {
            let tokenized = tokenizer
                .tokenize(string(text))
                .replace(['\u{1c}', '\u{1f}'], " ");
            let words: Vec<_> = tokenized.split_whitespace().collect();
            assert_eq!(words.join(" "), string(expected), "{tokenizer:?} {text}");
        }
    }
}
