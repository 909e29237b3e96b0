//! Metrics of raw text: in `scst score`, as rewards and as what validations are compared by.

mod support;

use serde_json::{Value, json};
use support::Workplace;

const TEXT: &str = "word_error_rate,phoneme_error_rate,character_error_rate,exact_match,chrf,chrf++,sacrebleu,\
                    sacrebleu_intl,sacrebleu_char,sacrebleu_none,rouge_score_1,rouge_score_2,rouge_score_l";

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("one JSON object and nothing else")
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn workplace() -> Workplace {
    let workplace = Workplace::new();
    let references = json!({
        "images": [{"id": 7}, {"id": 9}, {"id": 11}],
        "annotations": [
            {"image_id": 7, "id": 1, "caption": "A dog runs across the grass."},
            {"image_id": 7, "id": 2, "caption": "The dog isn't standing on grass!"},
            {"image_id": 9, "id": 3, "caption": "Two men play football."},
            {"image_id": 9, "id": 4, "caption": "Men are playing a football game"},
            {"image_id": 11, "id": 5, "caption": "A red bus on a street"},
        ]
    });
    let candidates = json!([
        {"image_id": 9, "caption": "Two men playing football."},
        {"image_id": 11, "caption": "A red bus on a street"},
        {"image_id": 7, "caption": "A dog runs on the grass"},
        {"image_id": 7, "caption": "A dog runs across the grass."},
    ]);
    workplace.write("references.json", references.to_string().as_bytes());
    workplace.write("several.json", candidates.to_string().as_bytes());
    let one_each = &candidates.as_array().expect("a list")[..3];
    workplace.write("candidates.json", json!(one_each).to_string().as_bytes());
    workplace
}

fn score(workplace: &Workplace, candidates: &str, more: &[&str]) -> String {
    let files = [
        "score",
        "--references",
        "references.json",
        "--candidates",
        candidates,
    ];
    workplace.succeed(&[&files[..], more].concat())
}

#[test]
fn score_takes_text_as_it_stands_when_metrics_of_raw_text_are_asked_for() {
    let workplace = workplace();
    let metrics = ["--metrics", TEXT, "--json", "--per-caption"];
    let report = json(&score(&workplace, "candidates.json", &metrics));
    // sacrebleu 2.6.0 has 55.6959227501 and 76.1151997193.
    for (name, expected) in [
        ("sacrebleu", 0.556_959_227_501),
        ("chrf++", 0.761_151_997_193),
        ("word_error_rate", 3.0 / 16.0),
        ("phoneme_error_rate", 3.0 / 16.0),
        ("exact_match", 1.0 / 3.0),
    ] {
        let found = number(&report["metrics"][name]);
        assert!((found - expected).abs() < 1e-11, "{name}: {found}");
    }
    assert_eq!(report["metrics"].as_object().expect("metrics").len(), 13);
    let first = &report["per_caption"][0];
    assert_eq!(number(&first["word_error_rate"]), 1.0 / 3.0);
    let signature = report["signature"].as_str().expect("text");
    assert!(
        signature.contains("tok:13a") && !signature.contains("tokenizer:"),
        "{signature}"
    );

    let both = [
        "--metrics",
        "rouge_score_1,bleu_1,word_error_rate",
        "--per-caption",
    ];
    let text = score(&workplace, "candidates.json", &both);
    let expected = [
        "\n7       1.0000                0.8333   0.3333  A dog runs on the grass\n",
        "\nBLEU-1                  1.0000\nROUGE-1 (rouge-score)   0.8611\nWER                     0.1875\n",
        "|tokenizer:ptb+rouge_score_1|",
    ];
    for part in expected {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn best_of_several_is_the_smallest_when_the_metric_is_an_error_rate() {
    let workplace = workplace();
    let metrics = [
        "--several",
        "--metrics",
        "word_error_rate,exact_match",
        "--json",
    ];
    let report = json(&score(&workplace, "several.json", &metrics));
    assert_eq!(report["metrics"]["exact_match"], 0.5);
    assert_eq!(number(&report["metrics"]["word_error_rate"]), 3.0 / 22.0);
    assert_eq!(number(&report["best"]["exact_match"]), 2.0 / 3.0);
    assert_eq!(number(&report["best"]["word_error_rate"]), 1.0 / 16.0);
}

#[test]
fn best_checkpoint_has_the_smallest_rate_when_validations_are_compared_by_it() {
    let workplace = Workplace::new();
    let rewards = "stages.1.scst.rewards=[{phoneme_error_rate={}},{weight=0.5,chrf={}},{weight=0.1,sacrebleu={}},\
                   {exact_match={}},{rouge_score={kind=\"1\"}}]";
    let printed = workplace.succeed(&[
        "train",
        "config.toml",
        "--set",
        rewards,
        "--set",
        "validation.metric=phoneme_error_rate",
        "--set",
        "validation.text_metrics=[\"chrf++\", \"exact_match\"]",
    ]);
    assert!(
        printed.contains("PER 0.") && printed.contains("chrF++ 0."),
        "{printed}"
    );
    let metrics = workplace.text("runs/tiny/metrics.jsonl");
    let records: Vec<Value> = metrics.lines().map(json).collect();
    let of_kind = |kind: &'static str| records.iter().filter(move |record| record["kind"] == kind);
    let rates: Vec<f64> = of_kind("validation")
        .map(|record| number(&record["phoneme_error_rate"]))
        .collect();
    let lowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = rates.iter().copied().fold(0.0, f64::max);
    assert!(rates.len() >= 6 && lowest < highest, "{rates:?}");
    let summary = json(&workplace.text("runs/tiny/summary.json"));
    assert_eq!(number(&summary["best"]["metric"]), lowest);
    assert_eq!(
        number(&summary["best"]["text"]["phoneme_error_rate"]),
        lowest
    );
    let train = of_kind("train")
        .find(|record| record["stage"] == "scst")
        .expect("a step");
    assert!(number(&train["reward_phoneme_error_rate"]) < 0.0, "{train}");
    for name in [
        "reward_chrf",
        "reward_sacrebleu",
        "reward_exact_match",
        "reward_rouge_score_1",
    ] {
        assert!(
            (0.0..=1.0).contains(&number(&train[name])),
            "{name} in {train}"
        );
    }
    let samples = workplace.text("runs/tiny/samples.jsonl");
    let sample = json(samples.lines().next().expect("a sample"));
    assert!(sample["text"]["chrf++"].is_f64(), "{sample}");

    let report = json(&workplace.succeed(&["eval", "runs/tiny", "--json"]));
    assert_eq!(number(&report["metrics"]["phoneme_error_rate"]), lowest);
    let signature = report["signature"].as_str().expect("text");
    assert!(signature.contains("phoneme_error_rate|"), "{signature}");
}
