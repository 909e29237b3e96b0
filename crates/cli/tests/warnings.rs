//! Warnings: what lets a run go on but makes its results worth less than they look.

mod support;

use serde_json::Value;
use support::{CONFIG, Workplace};

/// Trains, and returns the lines of standard error that warn, but for those of the settings of tiny runs, which `doctor.rs` is about.
fn warnings(workplace: &Workplace, arguments: &[&str]) -> Vec<String> {
    let output = workplace.run(&[&["train", "config.toml"], arguments].concat());
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{errors}");
    let lines = errors.lines().filter(|line| line.starts_with("warning: "));
    let of_settings = [
        "learning_rate`: found",
        "epochs of training on gold captions before it",
    ];
    let is_of_settings = |line: &&str| of_settings.iter().any(|words| line.contains(words));
    let lines = lines.filter(|line| !is_of_settings(line));
    lines.map(str::to_owned).collect()
}

/// One validation image, as 59 of 60 are training images.
fn one_validation_image() -> Workplace {
    let workplace = Workplace::new();
    let splits = workplace.text("splits.csv");
    let (mut kept, mut seen) = (String::new(), false);
    for line in splits.lines() {
        let is_val = line.ends_with(",val");
        kept += &if is_val && seen {
            line.replace(",val", ",train")
        } else {
            line.to_owned()
        };
        kept += "\n";
        seen |= is_val;
    }
    workplace.write("splits.csv", kept.as_bytes());
    workplace
}

#[test]
fn metric_of_one_image_warns_once_and_the_next_metric_decides() {
    let workplace = one_validation_image();
    let changes = ["--set", "stages.1.epochs=1", "--set", "stages.0.epochs=6"];
    let found = warnings(&workplace, &changes);
    let expected = "CIDEr-D of 1 source is 0 whatever the captions are";
    let of_metric: Vec<&String> = found.iter().filter(|w| w.contains(expected)).collect();
    assert_eq!(of_metric.len(), 1, "{found:?}");
    let records = workplace.text("runs/tiny/metrics.jsonl");
    let records: Vec<Value> = records
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert!(
        records[0]["kind"] == "warning"
            && records[0]["message"]
                .as_str()
                .is_some_and(|m| m.contains(expected)),
        "{}",
        records[0]
    );
    // The best is the best by BLEU-4, ROUGE-L, and then the latest.
    let validations = records.iter().filter(|r| r["kind"] == "validation");
    let key =
        |r: &Value| ["bleu_4", "rouge_l", "step"].map(|name| r[name].as_f64().expect("a number"));
    let best = validations
        .inspect(|r| assert_eq!(r["cider_d"], 0.0))
        .map(key)
        .max_by(|a, b| a.partial_cmp(b).expect("numbers"));
    let summary: Value =
        serde_json::from_str(&workplace.text("runs/tiny/summary.json")).expect("JSON");
    let step = summary["best"]["step"].as_f64().expect("a number");
    assert_eq!(Some(step), best.map(|[_, _, step]| step));
    assert!(step > 14.0, "the first epoch is not the best: {step}");
    // A resumed run says it again, and notes it once.
    let again = warnings(&workplace, &[&changes[..], &["--resume"]].concat());
    assert!(again.iter().any(|w| w.contains(expected)), "{again:?}");
    let text = workplace.text("runs/tiny/metrics.jsonl");
    assert_eq!(text.matches(expected).count(), 1);
}

#[test]
fn weights_that_never_change_are_the_best_at_the_end_and_patience_ends_them() {
    let workplace = one_validation_image();
    // Nothing is learnt, so that all scores tie.
    let still = [
        "--set",
        "stages.0.learning_rate=1e-30",
        "--set",
        "stages.1.epochs=1",
    ];
    let found = warnings(&workplace, &still);
    let same = found.iter().filter(|w| w.contains("last 3 validations"));
    assert_eq!(same.count(), 1, "{found:?}");
    let best_step = |run: &str| {
        let path = format!("{run}/checkpoints/best-xe/state.json");
        let state: Value = serde_json::from_str(&workplace.text(&path)).expect("JSON");
        state["progress"]["stage_best"]["step"].as_u64()
    };
    assert_eq!(best_step("runs/tiny"), Some(4 * 14));
    let patient = [
        &still[..],
        &["--set", "stages.0.patience=2", "--out", "patient"],
    ]
    .concat();
    warnings(&workplace, &patient);
    assert_eq!(best_step("patient"), Some(3 * 14));
    let summary: Value =
        serde_json::from_str(&workplace.text("patient/summary.json")).expect("JSON");
    assert_eq!(summary["stages"][0]["steps"], 3 * 14);
}

#[test]
fn chosen_validation_images_are_as_many_as_asked_for() {
    let workplace = Workplace::new();
    let short = ["--set", "stages.0.epochs=1", "--set", "stages.1.epochs=1"];
    let run = |images: &str| {
        let output = workplace.run(
            &[
                &["train", "config.toml", "--out", images][..],
                &short,
                &["--set", &format!("validation.sources={images}")],
            ]
            .concat(),
        );
        let errors = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(output.status.success(), "{errors}");
        let summary = workplace.text(&format!("{images}/summary.json"));
        let summary: Value = serde_json::from_str(&summary).expect("JSON");
        let signature = summary["signature"].as_str().expect("text").to_owned();
        (errors, signature)
    };
    let (errors, signature) = run("5");
    assert!(errors.contains("5 validation images"), "{errors}");
    assert!(signature.contains("images:5"), "{signature}");
    // More than there are is all.
    let (errors, _) = run("5000");
    assert!(errors.contains("12 validation images"), "{errors}");
    let (errors, _) = run("1");
    assert!(errors.contains("CIDEr-D of 1 source is 0"), "{errors}");
    let message = workplace.refuse(
        2,
        &["train", "config.toml", "--set", "validation.sources=0"],
    );
    assert!(message.contains("validation.sources"), "{message}");
}

#[test]
fn vocabulary_of_other_captions_is_an_error_and_a_poor_one_a_warning() {
    let workplace = Workplace::new();
    let short = ["--set", "stages.0.epochs=1", "--set", "stages.1.epochs=1"];
    workplace.succeed(&[&["train", "config.toml"], &short[..]].concat());
    let captions = workplace.text("captions.csv");
    let use_words = [
        &short[..],
        &["--set", "data.vocabulary=runs/tiny/best/tokenizer.json"],
        &["--out", "other"],
    ]
    .concat();
    assert_eq!(warnings(&workplace, &use_words), [""; 0]);
    // Words of another language, and then of another language in most captions.
    let other = |word: &str| {
        let line = |line: &str| match line.split_once(',') {
            Some((image, _)) if image != "image" => format!("{image},un {word} rouge\n"),
            _ => format!("{line}\n"),
        };
        captions.lines().map(line).collect::<String>()
    };
    workplace.write("captions.csv", other("cercle").as_bytes());
    let use_words = [&use_words[..use_words.len() - 1], &["worse"]].concat();
    let message = workplace.refuse(2, &[&["train", "config.toml"], &use_words[..]].concat());
    assert!(!workplace.path("worse").exists());
    assert!(
        message.contains("`data.vocabulary`, `runs/tiny/best/tokenizer.json`")
            && message.contains("no word of the training captions, such as `un`"),
        "{message}"
    );
    workplace.write("captions.csv", other("circle").as_bytes());
    let use_words = [&use_words[..use_words.len() - 1], &["poor"]].concat();
    let found = warnings(&workplace, &use_words);
    assert!(
        found
            .iter()
            .any(|w| w.contains("67 % of the words of the training captions are unknown")),
        "{found:?}"
    );
}

const LARGE: &str = r#"
import json, sys
scale = float(sys.argv[1])
for line in sys.stdin:
    n = len(json.loads(line)["captions"])
    print(json.dumps({"scores": [scale * (i % 2) for i in range(n)]}), flush=True)
"#;

/// Two stages, the second with a reward of this size.
fn with_reward(scale: &str, more: &str) -> Workplace {
    let workplace = Workplace::new();
    workplace.write("large.py", LARGE.as_bytes());
    let (before, _) = CONFIG
        .split_once("[[stages.scst.rewards]]")
        .expect("rewards");
    let reward = format!(
        "[[stages.scst.rewards]]\n{more}\ncommand = {{ program = [\"python3\", \"large.py\", \"{scale}\"] }}\n"
    );
    workplace.write("config.toml", format!("{before}{reward}").as_bytes());
    workplace
}

#[test]
fn reward_that_overflows_is_named_with_its_caption() {
    for (scale, more) in [
        ("1e300", ""),
        ("-1e200", ""),
        ("1e100", "weight = 1e-50"),
        ("1", "weight = 1e300"),
        ("1e300", "weight = 1e100\nstandardise = true"),
    ] {
        let workplace = with_reward(scale, more);
        let message = workplace.refuse(1, &["train", "config.toml"]);
        let value = scale.parse::<f64>().expect("a number");
        // The first stage has 48 steps, so that the first of the second is the 49th of the run.
        for part in [
            "stage `scst`, step 49:".to_owned(),
            "reward `command`".to_owned(),
            format!("{value:e} for the caption `"),
            "of source `image".to_owned(),
        ] {
            assert!(message.contains(&part), "{part} in: {message}");
        }
        assert!(!message.contains("learning rate"), "{message}");
    }
    // Not even the sum is a number.
    let workplace = with_reward("1e300", "weight = 1e300");
    let message = workplace.refuse(1, &["train", "config.toml"]);
    assert!(
        message.contains("reward command: found 1e300 for the caption `"),
        "{message}"
    );
}

#[test]
fn large_reward_warns_once_and_standardised_it_trains() {
    let workplace = with_reward("1e7", "");
    let found = warnings(&workplace, &[]);
    let large = found
        .iter()
        .filter(|w| w.contains("reward `command` with weight 1.0: found 1e7 for the caption `"));
    assert_eq!(large.count(), 1, "{found:?}");
    let workplace = with_reward("1e300", "standardise = true");
    let found = warnings(&workplace, &[]);
    assert!(found.iter().any(|w| w.contains("found 1e300")), "{found:?}");
    let workplace = with_reward("1e6", "");
    assert_eq!(warnings(&workplace, &[]), [""; 0]);
}

#[test]
fn captions_that_are_cut_and_sources_that_fill_no_batch_are_said_when_they_are_many() {
    let workplace = Workplace::new();
    let short = [
        "--set",
        "stages.0.epochs=1",
        "--set",
        "stages.1.epochs=1",
        "--set",
        "stages.1.sources_per_batch=25",
        "--set",
        "data.max_length=5",
    ];
    let found = warnings(&workplace, &short);
    // Of five captions three have five words, and the end token is the sixth.
    for expected in [
        "`data.max_length`: 60 % of the training captions are longer than 5 words",
        "stage `scst`: an epoch leaves out 23 of 48 training sources",
    ] {
        let said = found.iter().filter(|w| w.contains(expected));
        assert_eq!(said.count(), 1, "{expected} in: {found:?}");
    }
}

#[test]
fn captions_that_collapse_are_said_once_and_again_at_the_end() {
    let workplace = Workplace::new();
    // Weights as they were drawn: no caption ends. What a training that diverges says depends on the machine.
    let scenes = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/scenes");
    let config = format!(
        "[data]\ncaptions.kaggle = {{ captions = \"{scenes}/captions.csv\", splits = \"{scenes}/splits.csv\" }}\n\
         features.npy = {{ path = \"{scenes}/pooled.npy\" }}\nstandardise = true\nminimum_count = 2\nmax_length = 12\n\
         [model.fc]\nhidden = 128\nembedding = 96\n[validation]\nsamples = 0\n\
         [[stages]]\nname = \"still\"\nsteps = 8\nvalidate_every_steps = 4\nlearning_rate = 1e-9\nxe = {{}}\n"
    );
    workplace.write("config.toml", config.as_bytes());
    let found = warnings(&workplace, &["--out", "run"]);
    let of_captions = |warning: &&String| {
        warning.contains("validation sources") || warning.contains("on average")
    };
    let said: Vec<_> = found.iter().filter(of_captions).collect();
    assert!(!said.is_empty(), "{found:?}");
    assert!(
        said.iter().all(|w| w.contains("stage `still`, step ")),
        "{said:?}"
    );
    let summary: Value = serde_json::from_str(&workplace.text("run/summary.json")).expect("JSON");
    let at_the_end = summary["warnings"].to_string();
    assert!(
        at_the_end.contains("stage `still`, step 8: found"),
        "{at_the_end}"
    );
    // One that is finished already says what there is to say, and nothing twice.
    let mut again = warnings(&workplace, &["--resume", "--out", "run"]);
    let all = again.len();
    again.sort();
    again.dedup();
    assert_eq!(again.len(), all, "{again:?}");
    let listed = summary["warnings"].as_array().expect("a list");
    for warning in listed.iter().filter_map(Value::as_str) {
        assert!(again.contains(&format!("warning: {warning}")), "{again:?}");
    }
    // No captions are kept where none are asked for.
    assert_eq!(workplace.text("run/samples.jsonl"), "");
}
