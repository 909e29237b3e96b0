//! Comparing runs and files of captions.

mod support;

use std::path::Path;

use serde_json::Value;
use support::Workplace;

/// The repository, whose drawn scenes configurations name by relative paths.
fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// `scst` with these arguments, in the repository.
fn in_repository(workplace: &Workplace, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = workplace.command(arguments);
    let output = command.current_dir(repository()).output();
    let output = output.expect("scst starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// Trains a tiny captioner on the drawn scenes.
fn train(workplace: &Workplace, out: &str, more: &[&str]) {
    let out = workplace.path(out);
    let start = [
        "train",
        "configs/quickstart.toml",
        "--out",
        out.to_str().expect("UTF-8"),
        "--set",
        "model.fc.hidden=24",
        "--set",
        "model.fc.embedding=16",
        "--set",
        "stages=[{name='xe',steps=60,sources_per_batch=20,learning_rate=1e-2,xe={targets_per_source=2}}]",
    ];
    let (code, _, errors) = in_repository(workplace, &[&start[..], more].concat());
    assert_eq!(code, Some(0), "{errors}");
}

fn compared(workplace: &Workplace, arguments: &[&str]) -> Value {
    let paths = arguments.iter().map(|argument| {
        let path = workplace.path(argument);
        if path.exists() {
            path.to_str().expect("UTF-8").to_owned()
        } else {
            (*argument).to_owned()
        }
    });
    let paths: Vec<String> = paths.collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let start = ["compare", "--json", "--resamples", "1000"];
    let (code, printed, errors) = in_repository(workplace, &[&start[..], &paths].concat());
    assert_eq!(code, Some(0), "{errors}");
    serde_json::from_str(&printed).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[test]
fn runs_on_the_drawn_scenes_are_compared_by_every_metric_of_eval() {
    let workplace = Workplace::new();
    train(&workplace, "good", &[]);
    train(&workplace, "bad", &["--set", "stages.0.steps=15"]);
    let metrics = "validation.text_metrics=['word_error_rate','chrf','exact_match']";
    let found = compared(&workplace, &["bad", "good", "--set", metrics]);
    let of = |metric: &str| &found["comparisons"][0]["metrics"][metric];
    // The same numbers as of `scst eval`.
    for (side, run) in ["bad", "good"].iter().enumerate() {
        let path = workplace.path(run);
        let path = path.to_str().expect("UTF-8");
        let (code, printed, errors) =
            in_repository(&workplace, &["eval", path, "--json", "--set", metrics]);
        assert_eq!(code, Some(0), "{errors}");
        let eval: Value = serde_json::from_str(&printed).expect("JSON");
        let expected = eval["metrics"].as_object().expect("metrics");
        assert_eq!(expected.len(), 9);
        for (metric, expected) in expected {
            let found = number(&of(metric)[["a", "b"][side]]);
            assert!((found - number(expected)).abs() < 1e-12, "{run} {metric}");
        }
        let signature = eval["signature"].as_str().expect("text");
        let of_metrics = found["signature"].as_str().expect("text");
        assert!(signature.ends_with(of_metrics), "{signature} {of_metrics}");
    }
    assert_eq!(found["sources"], 180);
    assert_eq!(of("cider_d")["verdict"], "b_is_better");
    assert_eq!(of("word_error_rate")["verdict"], "b_is_better");
    assert!(number(&of("word_error_rate")["difference"]) < 0.0);
    let interval = &of("cider_d")["interval"];
    let [low, high] = [0, 1].map(|k| number(&interval[k]));
    let difference = number(&of("cider_d")["difference"]);
    assert!(0.0 < low && low < difference && difference < high);
    assert!(number(&of("cider_d")["p"]) <= 0.002);
    // Threads change nothing, and a run does not differ from itself.
    let alone = ["bad", "good", "--set", metrics, "--threads", "1"];
    assert_eq!(compared(&workplace, &alone), found);
    let same = compared(&workplace, &["good", "good"]);
    let same = &same["comparisons"][0]["metrics"]["bleu_4"];
    assert_eq!(same["verdict"], "not_told_apart");
    assert_eq!(same["p"], 1.0);
    // In words.
    let [bad, good] = ["bad", "good"].map(|run| workplace.path(run).display().to_string());
    let (_, printed, _) =
        in_repository(&workplace, &["compare", &bad, &good, "--resamples", "1000"]);
    let claims = printed
        .lines()
        .find(|line| line.starts_with("B is better: CIDEr-D +"));
    assert!(claims.is_some(), "{printed}");
    assert!(
        printed.contains("runs of other seeds may differ otherwise"),
        "{printed}"
    );
}

#[test]
fn sides_of_several_seeds_are_means_and_other_data_are_refused() {
    let workplace = Workplace::new();
    let short = ["--set", "stages.0.epochs=1", "--set", "stages.1.epochs=1"];
    let train = |out: &str, more: &[&str]| {
        let start = ["train", "config.toml", "--out", out];
        workplace.succeed(&[&start[..], &short, more].concat());
    };
    train("a", &["--seeds", "2"]);
    train("b", &["--seeds", "4,5"]);
    let start = ["compare", "--resamples", "200"];
    let printed = workplace.succeed(&[&start[..], &["a", "b"]].concat());
    assert!(printed.contains("A: a, the mean of 2 runs, "), "{printed}");
    assert!(
        printed.contains("with 2 and 2 runs p cannot be below 0.3333"),
        "{printed}"
    );
    let listed = [
        "--a", "a/seed-1", "a/seed-2", "--b", "b/seed-4", "b/seed-5", "--json",
    ];
    let listed: Value =
        serde_json::from_str(&workplace.succeed(&[&start[..], &listed].concat())).expect("JSON");
    let of_side = |side: usize| {
        let runs = listed["sides"][side]["runs"].as_array().expect("runs");
        let scores = runs.iter().map(|run| number(&run["metrics"]["cider_d"]));
        scores.sum::<f64>() / runs.len() as f64
    };
    let cider_d = &listed["comparisons"][0]["metrics"]["cider_d"];
    assert!((number(&cider_d["b"]) - of_side(1)).abs() < 1e-12);
    let difference = number(&cider_d["difference"]);
    assert!((difference - (of_side(1) - of_side(0))).abs() < 1e-12);
    // One run against two.
    let single = workplace.succeed(&[&start[..], &["a/seed-1", "b"]].concat());
    assert!(single.contains("A is one run"), "{single}");

    // Other validation images.
    let splits = workplace
        .text("splits.csv")
        .replace("image4.png,val", "image4.png,train");
    workplace.write("other.csv", splits.as_bytes());
    let other = "data.captions.kaggle={captions='captions.csv',splits='other.csv'}";
    train("c", &["--set", other]);
    let message = workplace.refuse(2, &["compare", "a/seed-1", "c"]);
    assert_eq!(
        message,
        "error: `c` cannot be compared with `a/seed-1`: found 11 images, expected 12; both need the same data, split and words"
    );
    for (arguments, expected) in [
        (
            &["compare", "a/seed-1"][..],
            "found one side, `a/seed-1`, expected two",
        ),
        (
            &["compare", "a", "b", "--resamples", "3"],
            "resamples: found 3",
        ),
        (
            &[
                "compare",
                "a",
                "b",
                "--references",
                "captions.csv",
                "--beam",
                "2",
            ],
            "decoder",
        ),
    ] {
        let message = workplace.refuse(2, arguments);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn files_of_captions_are_compared_as_score_scores_them() {
    let workplace = Workplace::new();
    let refs = r#"{"images": [{"id": 1}, {"id": 2}, {"id": 3}], "annotations": [
        {"image_id": 1, "caption": "A dog runs on the grass."}, {"image_id": 1, "caption": "a running dog"},
        {"image_id": 2, "caption": "Two cats sleep."}, {"image_id": 3, "caption": "a man rides a horse"}]}"#;
    workplace.write("refs.json", refs.as_bytes());
    let a = r#"[{"image_id": 2, "caption": "two dogs sleep"}, {"image_id": 1, "caption": "a dog on grass"},
        {"image_id": 3, "caption": "a man"}]"#;
    workplace.write("a.json", a.as_bytes());
    workplace.write(
        "b.txt",
        b"A dog runs on the grass.\nTwo cats sleep.\na man rides a bike\n",
    );
    let compare = ["compare", "a.json", "b.txt", "--references", "refs.json"];
    let metrics = ["--metrics", "chrf", "--json", "--resamples", "100"];
    let found = workplace.succeed(&[&compare[..], &metrics].concat());
    let found: Value = serde_json::from_str(&found).expect("JSON");
    for (file, side) in [("a.json", "a"), ("b.txt", "b")] {
        let score = [
            "score",
            "--references",
            "refs.json",
            "--candidates",
            file,
            "--json",
        ];
        let metrics = ["--metrics", "cider_d,bleu,rouge_l,chrf"];
        let score = workplace.succeed(&[&score[..], &metrics].concat());
        let score: Value = serde_json::from_str(&score).expect("JSON");
        assert_eq!(found["signature"], score["signature"]);
        for (metric, expected) in score["metrics"].as_object().expect("metrics") {
            let found = number(&found["comparisons"][0]["metrics"][metric][side]);
            assert!((found - number(expected)).abs() < 1e-12, "{file} {metric}");
        }
    }
    workplace.write(
        "c.json",
        br#"[{"image_id": 2, "caption": "two dogs sleep"}]"#,
    );
    let message = workplace.refuse(
        2,
        &["compare", "a.json", "c.json", "--references", "refs.json"],
    );
    assert!(message.contains("`c.json`"), "{message}");
}
