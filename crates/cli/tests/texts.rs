//! Runs that read texts: training by both objectives, resuming, evaluating, generating, and mistakes.

mod support;

use support::{Workplace, forget_from};

const CONFIG: &str = r#"
name = "texts"
seed = 3
threads = 2
log_every_steps = 4

[data]
minimum_count = 1
max_length = 7

[data.text]
pairs.splits = { train = "train.tsv", val = "val.tsv" }
source = "characters"
target = "given"

[encoder.lstm]
hidden = 12
embedding = 12

[model.att2in]
hidden = 24
embedding = 12
attention_size = 12
dropout = 0.1

[validation]
metric = "phoneme_error_rate"
text_metrics = ["exact_match"]

[checkpoints]
every_steps = 5
keep = 9

[[stages]]
name = "xe"
epochs = 40
sources_per_batch = 8
learning_rate = 1e-2
clip.norm = 5.0
xe = { targets_per_source = 1 }

[[stages]]
name = "scst"
epochs = 1
sources_per_batch = 8
learning_rate = 1e-3
scst = { samples_per_source = 3, rewards = [{ phoneme_error_rate = {} }] }
"#;

/// Words of the letters a to d, spelt out from their end: learnt only by who reads the letters.
fn pairs(from: usize, count: usize) -> String {
    let mut lines = "source\ttarget\n".to_owned();
    for n in from..from + count {
        let letters: Vec<char> = (0..2 + n % 3)
            .map(|k| char::from(b'a' + ((n * 7 + k * (3 + n / 5)) % 4) as u8))
            .collect();
        let spelt = letters.iter().rev().map(|letter| format!("/{letter}/"));
        let (word, spelt) = (
            letters.iter().collect::<String>(),
            spelt.collect::<Vec<_>>(),
        );
        lines.extend([word.as_str(), "\t", &spelt.join(" "), "\n"]);
    }
    lines
}

fn json_of(line: &str) -> serde_json::Value {
    serde_json::from_str(line).expect("JSON")
}

fn workplace() -> Workplace {
    let workplace = Workplace::new();
    workplace.write("train.tsv", pairs(0, 64).as_bytes());
    workplace.write("val.tsv", pairs(64, 24).as_bytes());
    workplace.write("texts.toml", CONFIG.as_bytes());
    workplace
}

/// Captions are ranked by what the run was validated by, of which less is better.
fn ranked_by_the_metric_of_the_run(workplace: &Workplace) {
    for (order, direction) in [("best", 1.0), ("worst", -1.0)] {
        let order = format!("--per-caption={order}");
        let lines = workplace.succeed(&["eval", "runs/texts", &order, "--json"]);
        let texts: Vec<_> = lines.lines().map(json_of).collect();
        let (_, texts) = texts.split_last().expect("a summary");
        let errors = texts.iter().map(|text| text["phoneme_error_rate"].as_f64());
        let errors: Vec<f64> = errors
            .map(|error| direction * error.expect("a rate"))
            .collect();
        assert!(errors.len() > 3 && errors.is_sorted(), "{errors:?}");
        assert!(errors.first() < errors.last(), "{errors:?}");
    }
    let table = workplace.succeed(&["eval", "runs/texts", "--per-caption"]);
    let head = table.lines().next().expect("a head");
    assert!(
        head.contains("      PER") && table.contains("source   "),
        "{table}"
    );
}

#[test]
fn run_of_texts_trains_resumes_to_the_bit_and_generates() {
    let workplace = workplace();
    workplace.succeed(&["check", "texts.toml"]);
    workplace.succeed(&["train", "texts.toml"]);

    // It has learnt to read: without the source, a phoneme in four is right.
    let json = workplace.succeed(&["eval", "runs/texts", "--split", "val", "--json"]);
    let report = json_of(&json);
    let error = report["metrics"]["phoneme_error_rate"].as_f64();
    let error = error.expect("the metric of the validation");
    assert!(error < 0.35, "{error}");
    assert!(
        report["metrics"]["exact_match"]
            .as_f64()
            .expect("asked for")
            > 0.3
    );

    ranked_by_the_metric_of_the_run(&workplace);

    // A run that was stopped in the second stage ends as the one that was not.
    workplace.succeed(&["train", "texts.toml", "--out", "stopped"]);
    let names = workplace.path("runs/texts/checkpoints");
    let mut names: Vec<String> = std::fs::read_dir(names)
        .expect("checkpoints")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .filter(|name| name.starts_with("step-"))
        .collect();
    names.sort();
    let (stop, end) = (&names[names.len() - 3], &names[names.len() - 1]);
    forget_from(&workplace.path("stopped"), stop);
    workplace.succeed(&["train", "texts.toml", "--out", "stopped", "--resume"]);
    for file in [
        "model.safetensors",
        "optimiser.safetensors",
        "source_tokenizer.json",
    ] {
        let bytes = |run: &str| workplace.read(&format!("{run}/checkpoints/{end}/{file}"));
        assert!(bytes("runs/texts") == bytes("stopped"), "{file}");
    }

    // One line a source, an empty one for a text without a token.
    workplace.write("new.txt", b"abc\n\ndd\n");
    let lines = workplace.succeed(&["generate", "runs/texts", "new.txt"]);
    let lines: Vec<&str> = lines.split('\n').collect();
    assert_eq!((lines.len(), lines[1], lines[3]), (4, "", ""));
    assert!(
        lines[0].split(' ').all(|token| token.starts_with('/')),
        "{lines:?}"
    );
    let mut piped = workplace.command(&["generate", "runs/texts", "-"]);
    let new = std::fs::File::open(workplace.path("new.txt")).expect("a file");
    let piped = piped.stdin(new).output().expect("scst starts").stdout;
    assert_eq!(String::from_utf8(piped).expect("UTF-8"), lines.join("\n"));
    let beams = workplace.succeed(&["generate", "runs/texts", "new.txt", "--beam", "2", "--json"]);
    let first: serde_json::Value =
        serde_json::from_str(beams.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["source"], "abc");
    assert!(
        first["targets"][0]["log_probability"]
            .as_f64()
            .expect("a number")
            < 0.0
    );

    // What belongs to images is refused in words.
    let message = workplace.refuse(2, &["caption", "runs/texts", "photo.jpg"]);
    assert!(
        message.contains("`runs/texts` reads texts, not images"),
        "{message}"
    );
    let message = workplace.refuse(2, &["eval", "runs/texts", "--features", "features.npy"]);
    assert!(
        message.contains("--features: found it with `runs/texts`, which reads texts"),
        "{message}"
    );
    let message = workplace.refuse(2, &["eval", "runs/texts", "--captions", "no.csv"]);
    assert!(
        message.contains("--captions: found it with `runs/texts`"),
        "{message}"
    );
    let message = workplace.refuse(
        2,
        &[
            "generate",
            "runs/texts",
            "new.txt",
            "--set",
            "data.text.source=words",
        ],
    );
    assert!(
        message.contains("has learnt with the value of its run"),
        "{message}"
    );
}

#[test]
fn transformers_read_texts() {
    let workplace = workplace();
    workplace.succeed(&[
        "train",
        "texts.toml",
        "--set",
        "model.transformer={hidden=16,layers=1,heads=2,feed_forward=32,dropout=0.1}",
        "--set",
        "encoder.transformer={hidden=16,layers=1,heads=2,feed_forward=32}",
        "--set",
        "stages.0.epochs=1",
    ]);
    let lines = workplace.text("runs/texts/metrics.jsonl");
    assert!(lines.contains("\"phoneme_error_rate\""));
}

#[test]
fn texts_and_images_are_not_mixed() {
    let workplace = workplace();
    let refuse = |sets: &[&str]| {
        let mut arguments = vec!["check", "texts.toml"];
        arguments.extend(sets.iter().flat_map(|set| ["--set", set]));
        workplace.refuse(2, &arguments)
    };
    for (sets, expected) in [
        (
            &["data.features.npy.path=features.npy"][..],
            "found `features` and `text`, expected `captions` and `features` of images, or `text`",
        ),
        (
            &["model.markov={positions=7}"][..],
            "captioner `markov`, expected one that reads texts",
        ),
        (
            &["data.standardise=true"][..],
            "`data.text`: there are no features",
        ),
        (
            &["encoder.transformer={hidden=10,heads=3}"][..],
            "encoder.transformer.heads`: found 3, expected 1 or more, a divisor of `hidden` = 10",
        ),
        (&["encoder.lstm.hidden=0"][..], "encoder.lstm.hidden"),
    ] {
        let message = refuse(sets);
        assert!(message.contains(expected), "{message}");
    }
    let without = CONFIG.replace("[encoder.lstm]\nhidden = 12\nembedding = 12\n", "");
    workplace.write("texts.toml", without.as_bytes());
    let message = refuse(&[]);
    assert!(
        message.contains("key `encoder`: found nothing, expected an encoder of texts"),
        "{message}"
    );
    let message = workplace.refuse(
        2,
        &["check", "config.toml", "--set", "encoder.lstm.hidden=8"],
    );
    assert!(
        message.contains("key `encoder`: found an encoder of texts, expected none"),
        "{message}"
    );
    workplace.succeed(&[
        "train",
        "config.toml",
        "--set",
        "stages.0.epochs=1",
        "--set",
        "stages.1.epochs=1",
    ]);
    let message = workplace.refuse(2, &["generate", "runs/tiny", "train.tsv"]);
    assert!(
        message.contains("`runs/tiny` captions images, expected a run that reads texts"),
        "{message}"
    );
}

#[test]
fn large_texts_lie_in_temporary_files_that_are_gone_afterwards() {
    let workplace = workplace();
    workplace.write("train.tsv", pairs(0, 64).repeat(2000).as_bytes());
    let check = |folder: &str| {
        let mut check = workplace.command(&["check", "texts.toml"]);
        check.env("TMPDIR", workplace.path(folder));
        check.output().expect("the program runs")
    };
    std::fs::create_dir(workplace.path("temporary")).expect("a folder");
    let found = check("temporary");
    assert!(found.status.success(), "{found:?}");
    let left = std::fs::read_dir(workplace.path("temporary")).expect("a folder");
    assert_eq!(left.count(), 0);
    // Without room for them, it is not the configuration that is at fault.
    let found = check("nowhere");
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    let message = String::from_utf8(found.stderr).expect("UTF-8");
    let expected = format!(
        "cannot keep texts in a temporary file in `{}`, the folder for them unless `TMPDIR` names another",
        workplace.path("nowhere").display()
    );
    assert!(message.contains(&expected), "{message}");
}
