//! `scst eval` with other decoders than the greedy one.

mod support;

use serde_json::Value;
use support::Workplace;

/// A workplace with two short runs of other seeds, of which the first decodes validations by a beam.
fn trained() -> Workplace {
    let workplace = Workplace::new();
    for (out, seed, decoder) in [
        ("a", "3", "validation.decoder.search.beam={ width = 2 }"),
        ("b", "4", "validation.decoder.search=\"greedy\""),
    ] {
        workplace.succeed(&[
            "train",
            "config.toml",
            "--out",
            out,
            "--seed",
            seed,
            "--set",
            "stages.1.epochs=1",
            "--set",
            decoder,
        ]);
    }
    workplace
}

fn report(workplace: &Workplace, flags: &[&str]) -> Value {
    let printed = workplace.succeed(&[&["eval", "a", "--json"], flags].concat());
    let report: Value = serde_json::from_str(&printed).expect("JSON");
    let signature = report["signature"].as_str().expect("text");
    let decoder = report["decoder"].as_str().expect("text");
    assert!(
        signature.starts_with(&format!("{decoder}+cider_d|")),
        "{signature}"
    );
    report
}

fn captions(workplace: &Workplace, flags: &[&str]) -> (String, Vec<String>) {
    let report = report(workplace, &[flags, &["--out", "results.json"]].concat());
    let results: Value = serde_json::from_str(&workplace.text("results.json")).expect("JSON");
    let results = results.as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let captions: Vec<String> = results.map(|result| text(&result["caption"])).collect();
    assert!(captions.iter().all(|caption| !caption.contains("<unk>")));
    (text(&report["decoder"]), captions)
}

#[test]
fn decoders_are_named_and_do_what_they_say() {
    let workplace = trained();

    // Without flags the decoder of the run, with the numbers of its best validation.
    let summary: Value = serde_json::from_str(&workplace.text("a/summary.json")).expect("JSON");
    let of_run = report(&workplace, &[]);
    assert_eq!(of_run["decoder"], "beam 2");
    assert_eq!(of_run["metrics"]["cider_d"], summary["best"]["cider_d"]);
    assert_eq!(of_run["signature"], summary["signature"]);

    let sampling = [
        "--samples",
        "8",
        "--temperature",
        "1.5",
        "--top-k",
        "9",
        "--top-p",
        "0.95",
    ];
    let (name, first) = captions(&workplace, &sampling);
    assert_eq!(name, "sample 8|temperature:1.5|top_k:9|top_p:0.95|seed:1");
    assert_eq!(captions(&workplace, &sampling).1, first);
    let other_seed = [&sampling[..], &["--seed", "2", "--min-p", "0.01"]].concat();
    assert_ne!(captions(&workplace, &other_seed).1, first);
    let consensus = [&sampling[..], &["--rerank", "consensus"]].concat();
    let (name, agreed) = captions(&workplace, &consensus);
    assert!(name.ends_with("|seed:1|rerank:consensus"), "{name}");
    assert_ne!(agreed, first);

    let diverse = ["--beam", "6", "--diverse-groups", "3", "--diversity", "0.8"];
    let normalised = ["--length-normalisation", "gnmt:0.7"];
    let (name, _) = captions(&workplace, &[&diverse[..], &normalised].concat());
    assert_eq!(
        name,
        "beam 6|groups:3|diversity:0.8|length_normalisation:gnmt:0.7"
    );

    let limits = [
        "--minimum-length",
        "4",
        "--maximum-length",
        "6",
        "--no-repeat-ngram",
        "2",
        "--block-immediate-repeats",
        "--remove-bad-endings",
        "--forbidden-words",
        "there,black",
        "--required-words",
        "circle",
        "--prefix",
        "one",
    ];
    for search in [&[][..], &["--beam", "3"], &["--samples", "2"]] {
        let (name, captions) = captions(&workplace, &[search, &limits].concat());
        assert!(
            name.contains("|no_repeat_ngram:2|block_immediate_repeats|bad_endings:a,an,the,"),
            "{name}"
        );
        for caption in captions {
            let words: Vec<&str> = caption.split(' ').collect();
            assert!((4..=6).contains(&words.len()), "{caption}");
            assert!(words[0] == "one" && words.contains(&"circle"), "{caption}");
            assert!(
                !words.contains(&"there") && !words.contains(&"black"),
                "{caption}"
            );
            assert!(
                !["a", "in", "is", "on"].contains(&words[words.len() - 1]),
                "{caption}"
            );
        }
    }
}

#[test]
fn ensemble_averages_runs_that_fit_together_and_refuses_others() {
    let workplace = trained();
    let alone = report(&workplace, &["--beam", "3"]);
    let twice = report(&workplace, &["--beam", "3", "--ensemble", "a"]);
    assert_eq!(twice["decoder"], "beam 3|ensemble:2");
    assert_eq!(twice["metrics"], alone["metrics"]);
    let both = report(&workplace, &["--beam", "3", "--ensemble", "b"]);
    assert_eq!(both["models"], serde_json::json!(["a", "b"]));
    assert_ne!(both["metrics"], alone["metrics"]);

    for (out, change, parts) in [
        (
            "words",
            "data.minimum_count=80",
            &["words", "tokenizer of another run"][..],
        ),
        (
            "raw",
            "data.standardise=false",
            &["raw", "standardised otherwise"],
        ),
        (
            "moved",
            "data.features.npy.path=moved.npy",
            &["moved", "features.npy", "--features"],
        ),
    ] {
        workplace.write("moved.npy", &workplace.read("features.npy"));
        workplace.write("moved.names.txt", &workplace.read("features.names.txt"));
        let short = ["--set", "stages.0.epochs=1", "--set", "stages.1.epochs=1"];
        let train = ["train", "config.toml", "--out", out, "--set", change];
        workplace.succeed(&[&train[..], &short].concat());
        let message = workplace.refuse(2, &["eval", "a", "--ensemble", out]);
        for part in parts {
            assert!(message.contains(part), "{part} in: {message}");
        }
    }
}

#[test]
fn flags_that_cannot_be_used_are_one_sentence() {
    let workplace = trained();
    for (flags, expected) in [
        (
            &["--beam", "0", "--no-repeat-ngram", "0"][..],
            "--beam: found 0, expected 1 or more; --no-repeat-ngram: found 0, expected 1 or more",
        ),
        (
            &["--beam", "2", "--samples", "2"],
            "found --beam and --samples, expected one of them",
        ),
        (&["--top-k", "3"], "--top-k: expected --samples with it"),
        (
            &["--beam", "4", "--diversity", "1"],
            "--diversity: expected --diverse-groups with it",
        ),
        (
            &["--beam", "5", "--diverse-groups", "2"],
            "--diverse-groups: found 2, expected 1 or more, a divisor of the width",
        ),
        (
            &["--samples", "2", "--temperature", "0"],
            "--temperature: found 0, expected a finite number above 0",
        ),
        (
            &["--rerank", "consensus"],
            "--rerank: found `consensus` with one caption an image, expected a beam or samples, 2 or more",
        ),
        (
            &["--length-normalisation", "short"],
            "expected none, mean or gnmt:ALPHA",
        ),
        (
            &["--prefix", "a octopus"],
            "`octopus` is not in the vocabulary",
        ),
    ] {
        let message = workplace.refuse(2, &[&["eval", "a"], flags].concat());
        assert!(message.contains(expected), "{flags:?}: {message}");
    }
    let message = workplace.refuse(
        2,
        &[
            "train",
            "config.toml",
            "--out",
            "c",
            "--set",
            "validation.decoder.samples=0",
        ],
    );
    assert!(
        message.contains("key `validation.decoder.samples`: found 0, expected 1 or more"),
        "{message}"
    );
    let unknown = "validation.decoder.required_words=[\"octopus\"]";
    let message = workplace.refuse(2, &["train", "config.toml", "--out", "c", "--set", unknown]);
    assert!(
        message.contains("`octopus` is not in the vocabulary"),
        "{message}"
    );
    assert!(!workplace.path("c").exists());
}

#[test]
fn consensus_on_other_data_needs_training_captions() {
    let workplace = trained();
    workplace.write_data("other_");
    let splits = workplace
        .text("other_splits.csv")
        .replace(",train", ",test");
    workplace.write("other_splits.csv", splits.as_bytes());
    let data = [
        "--captions",
        "other_captions.csv",
        "--splits",
        "other_splits.csv",
        "--features",
        "other_features.npy",
    ];
    let decoder = ["--samples", "3", "--rerank", "consensus"];
    let message = workplace.refuse(2, &[&["eval", "a"], &data[..], &decoder].concat());
    assert!(message.contains("no train images"), "{message}");
}
