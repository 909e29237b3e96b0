//! `scst eval` with other decoders than the greedy one.

mod support;

use std::fs;

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
fn ensemble_takes_equal_files_by_whatever_name() {
    let workplace = trained();
    let absolute = workplace.path("features.npy");
    let absolute = absolute.to_str().expect("UTF-8");
    for (out, path) in [
        ("dotted", "./features.npy"),
        ("around", "runs/../features.npy"),
        ("absolute", absolute),
    ] {
        fs::create_dir_all(workplace.path("runs")).expect("a directory");
        let features =
            format!("data.features.npy={{ path = \"{path}\", names = \"./features.names.txt\" }}");
        let short = ["--set", "stages.0.epochs=1", "--set", "stages.1.epochs=1"];
        let train = ["train", "config.toml", "--out", out, "--set", &features];
        workplace.succeed(&[&train[..], &short].concat());
        workplace.succeed(&["eval", "a", "--ensemble", out]);
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
            "--rerank: found `consensus` with one caption a source, expected a beam or samples, 2 or more",
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
        message.contains("--set validation.decoder.samples: found 0, expected 1 or more"),
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
fn options_that_no_caption_can_keep_are_refused_with_all_flags_or_keys() {
    let workplace = trained();
    for (flags, expected) in [
        (
            &[
                "--required-words",
                "star,circle",
                "--forbidden-words",
                "circle,red",
            ][..],
            "--required-words: found `circle`, which cannot hold together with --forbidden-words `circle`",
        ),
        (
            &["--prefix", "a red", "--forbidden-words", "red"],
            "--prefix: found `a red`, which cannot hold together with --forbidden-words `red`",
        ),
        (
            &["--prefix", "a a", "--block-immediate-repeats"],
            "--prefix: found `a a`, which cannot hold together with --block-immediate-repeats",
        ),
        (
            &["--prefix", "a a", "--no-repeat-ngram", "1"],
            "--prefix: found `a a`, which cannot hold together with --no-repeat-ngram `1`",
        ),
        (
            &[
                "--prefix",
                "there is a",
                "--maximum-length",
                "3",
                "--remove-bad-endings",
            ],
            "--prefix: found `there is a`, which cannot hold together with --remove-bad-endings `a` and \
             --maximum-length `3`",
        ),
        (
            &[
                "--required-words",
                "star",
                "--prefix",
                "a red circle",
                "--maximum-length",
                "3",
            ],
            "--required-words: found `star`, which cannot hold together with --prefix `a red circle` and \
             --maximum-length `3`",
        ),
        (
            &["--minimum-length", "9"],
            "--minimum-length: found `9`, which cannot hold together with key `data.max_length` of the run `8`",
        ),
        (
            &["--minimum-length", "7", "--maximum-length", "6"],
            "--minimum-length: found `7`, which cannot hold together with --maximum-length `6`",
        ),
        (
            &[
                "--minimum-length",
                "3",
                "--forbidden-words",
                "a,there,is,that,one,in,on,black,red,green,blue,white,circle,square,star",
            ],
            "--minimum-length: found `3`, which cannot hold together with --forbidden-words \
             `a,there,is,that,one,in,on,black and 7 more`",
        ),
    ] {
        for search in [&[][..], &["--beam", "2"], &["--samples", "2"]] {
            let message = workplace.refuse(2, &[&["eval", "a"], search, flags].concat());
            assert_eq!(message, format!("error: {expected}"), "{flags:?}");
        }
    }
    let train = |decoder: &str| {
        let decoder = format!("validation.decoder={decoder}");
        workplace.refuse(
            2,
            &["train", "config.toml", "--out", "c", "--set", &decoder],
        )
    };
    let keys = "key `validation.decoder.required_words`: found `star`, which cannot hold together with key \
                `validation.decoder.forbidden_words` `star`";
    assert_eq!(
        train("{ required_words = [\"star\"], forbidden_words = [\"star\"] }"),
        format!("error: --set validation.decoder: {keys}")
    );
    // What only the words of the data tell is found when they are there.
    let all = "\"a\",\"there\",\"is\",\"that\",\"one\",\"in\",\"on\",\"black\",\"red\",\"green\",\"blue\",\"white\",\
               \"circle\",\"square\",\"star\"";
    let message = train(&format!(
        "{{ minimum_length = 1, forbidden_words = [{all}] }}"
    ));
    assert!(
        message.starts_with(
            "error: key `validation.decoder.minimum_length`: found `1`, which cannot hold"
        ),
        "{message}"
    );
    assert!(!workplace.path("c").exists());
}

#[test]
fn sizes_beyond_all_measure_are_refused_before_anything_is_allocated() {
    let workplace = trained();
    for (flags, expected) in [
        (
            &["--beam", "1000000000"][..],
            "--beam: found 1000000000, expected at most 10000",
        ),
        (
            &["--samples", "18446744073709551615"],
            "--samples: found 18446744073709551615, expected at most 100000",
        ),
        (
            &["--samples", "5", "--maximum-length", "100000000000"],
            "--maximum-length: found 100000000000, expected at most 1000",
        ),
        (
            &["--threads", "100000"],
            "--threads: found 100000, expected 1 to 1024",
        ),
    ] {
        let message = workplace.refuse(2, &[&["eval", "a"], flags].concat());
        assert_eq!(message, format!("error: {expected}"));
    }
    for set in [
        "model.fc.hidden=1000000000000",
        "stages.0.xe.targets_per_source=1000000000",
    ] {
        for command in ["train", "config"] {
            let message = workplace.refuse(2, &[command, "config.toml", "--set", set]);
            let key = set.split_once('=').expect("a value").0;
            assert!(
                message.starts_with(&format!("error: --set {key}: found 1000")),
                "{message}"
            );
        }
    }
}

#[test]
fn captions_that_end_in_a_dead_end_are_counted() {
    let workplace = trained();
    // Every pair of three words comes once at most: `a red a circle a` cannot go on, and is too short.
    let cornered = [
        "--minimum-length",
        "6",
        "--no-repeat-ngram",
        "2",
        "--block-immediate-repeats",
        "--forbidden-words",
        "there,is,that,one,in,on,black,green,blue,white,square,star",
    ];
    for search in [
        &[][..],
        &["--beam", "1"],
        &["--samples", "1", "--temperature", "5"],
    ] {
        let flags = [search, &cornered].concat();
        let (_, captions) = captions(&workplace, &flags);
        let short = captions
            .iter()
            .filter(|text| text.split_whitespace().count() < 6);
        let found = report(&workplace, &flags);
        assert_eq!(found["dead_ends"], short.count(), "{captions:?}");
        let printed = workplace.succeed(&[&["eval", "a"], &flags[..]].concat());
        let told = format!("{} of 12 captions ended where", found["dead_ends"]);
        assert_eq!(
            printed.contains(&told),
            found["dead_ends"] != 0,
            "{printed}"
        );
    }
    let metrics = workplace.text("a/metrics.jsonl");
    assert!(metrics.contains("\"dead_ends\":0"), "{metrics}");
}

#[test]
fn markov_captioner_refuses_captions_of_more_words_than_it_has_positions() {
    let workplace = Workplace::new();
    let markov = workplace.text("config.toml").replace(
        "[model.fc]\nhidden = 24\nembedding = 16",
        "[model.markov]\npositions = 8\nshortlist = 12\nhidden = 24",
    );
    let markov = markov.replace(
        "scheduled_sampling = { increase = 0.1, every_epochs = 2 }",
        "",
    );
    workplace.write("markov.toml", markov.replace("= 3,  }", "= 3 }").as_bytes());
    let train = ["train", "markov.toml", "--out", "m", "--set"];
    let message = workplace.refuse(
        2,
        &[&train[..], &["validation.decoder.maximum_length=9"]].concat(),
    );
    let found = "found 9, expected at most `model.markov.positions`, 8";
    assert_eq!(
        message,
        format!("error: --set validation.decoder.maximum_length: {found}")
    );
    workplace.succeed(&[&train[..], &["stages.1.epochs=1"]].concat());
    let sampled = ["--samples", "20", "--maximum-length", "9"];
    let message = workplace.refuse(2, &[&["eval", "m"], &sampled[..]].concat());
    assert_eq!(message, format!("error: --maximum-length: {found}"));
    workplace.succeed(&["eval", "m", "--samples", "20", "--maximum-length", "8"]);
    // In an ensemble it is the captioner that cannot.
    workplace.succeed(&[
        "train",
        "config.toml",
        "--out",
        "f",
        "--set",
        "stages.1.epochs=1",
    ]);
    let ensemble = ["eval", "f", "--ensemble", "m", "--maximum-length", "9"];
    let message = workplace.refuse(2, &ensemble);
    assert!(
        message.contains("captions of up to 9 words: found a captioner `markov` of 8"),
        "{message}"
    );
    workplace.succeed(&["eval", "f", "--ensemble", "m"]);
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
    assert!(
        message.contains("nothing in the split `train`"),
        "{message}"
    );
}
