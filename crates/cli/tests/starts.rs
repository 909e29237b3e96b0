//! What a stage begins with: it is scored before the first step, compared with what comes of it, and kept if that is worse.

mod support;

use std::{
    fs,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use support::{CONFIG, Workplace, forget_from, measured};

const SHORT: [&str; 4] = ["--set", "stages.0.epochs=2", "--set", "stages.1.epochs=1"];

/// The same two stages, both beginning with the weights of the run `start`.
fn from_another_run() -> Workplace {
    let workplace = Workplace::new();
    let long = ["--set", "stages.0.epochs=15", "--set", "stages.1.epochs=1"];
    workplace.succeed(&[&["train", "config.toml", "--out", "start"], &long[..]].concat());
    let mut config = CONFIG.to_owned();
    for name in ["name = \"xe\"\n", "name = \"scst\"\n"] {
        let begins = format!("{name}start_from.checkpoint = \"start\"\n");
        config = config.replace(name, &begins);
    }
    workplace.write("config.toml", config.as_bytes());
    workplace
}

fn summary(workplace: &Workplace, run: &str) -> Value {
    serde_json::from_str(&workplace.text(&format!("{run}/summary.json"))).expect("JSON")
}

/// The records of a kind.
fn of_kind(workplace: &Workplace, run: &str, kind: &str) -> Vec<Value> {
    let mut records = measured(workplace, run);
    records.retain(|record| record["kind"] == kind);
    records
}

/// Step and stage of every sample caption.
fn samples(workplace: &Workplace, run: &str) -> Vec<(u64, String)> {
    let text = workplace.text(&format!("{run}/samples.jsonl"));
    let of = |line: &str| {
        let sample: Value = serde_json::from_str(line).expect("JSON");
        let stage = sample["stage"].as_str().expect("text").to_owned();
        (sample["step"].as_u64().expect("a step"), stage)
    };
    text.lines().map(of).collect()
}

#[test]
fn stage_that_ruins_its_start_says_so_and_best_keeps_the_start() {
    let workplace = from_another_run();
    let ruin = [
        "train",
        "config.toml",
        "--set",
        "stages.0.learning_rate=1000",
    ];
    let ruin = [&ruin[..], &SHORT, &["--set", "stages.1.learning_rate=1000"]].concat();
    let output = workplace.run(&ruin);
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{errors}");
    let begun_with = summary(&workplace, "start")["best"]["cider_d"].clone();
    // Scored before the first step of either stage, though nothing of it was learnt here.
    let starts = of_kind(&workplace, "runs/tiny", "start");
    let found: Vec<_> = starts
        .iter()
        .map(|r| [&r["step"], &r["stage"], &r["cider_d"], &r["epoch"]].map(Value::clone))
        .collect();
    let expected =
        |step: u64, stage: &str| [step.into(), stage.into(), begun_with.clone(), 0.0.into()];
    assert_eq!(found, [expected(0, "xe"), expected(24, "scst")]);
    let sampled = samples(&workplace, "runs/tiny");
    for (step, stage) in [
        (0, "xe"),
        (12, "xe"),
        (24, "xe"),
        (24, "scst"),
        (36, "scst"),
    ] {
        let own = sampled.iter().filter(|(s, of)| *s == step && of == stage);
        assert_eq!(own.count(), 5, "{step} {stage}");
    }
    let summary = summary(&workplace, "runs/tiny");
    assert_eq!(summary["best"]["cider_d"], begun_with);
    assert_eq!(summary["stages"][0]["start"]["cider_d"], begun_with);
    assert!(
        workplace.read("runs/tiny/best/model.safetensors")
            == workplace.read("start/best/model.safetensors")
    );
    for stage in ["xe", "scst"] {
        let expected = format!("stage `{stage}`: its best validation, CIDEr-D ");
        let lines = errors.lines().filter(|line| line.contains(&expected));
        assert!(lines.count() >= 1, "{errors}");
        let warnings = summary["warnings"].as_array().expect("a list");
        let said = |w: &&Value| w.as_str().is_some_and(|w| w.starts_with(&expected));
        assert_eq!(warnings.iter().filter(said).count(), 1, "{warnings:?}");
    }
}

#[test]
fn stage_that_goes_on_from_the_one_before_knows_its_score() {
    let workplace = Workplace::new();
    workplace.succeed(&[&["train", "config.toml"], &SHORT[..]].concat());
    let last = ["--set", "stages.1.start_from=last", "--out", "last"];
    workplace.succeed(&[&["train", "config.toml"], &SHORT[..], &last].concat());
    for (run, from) in [("runs/tiny", "best"), ("last", "last")] {
        let first = summary(&workplace, run)["stages"][0].clone();
        let starts = of_kind(&workplace, run, "start");
        let [start] = starts.as_slice() else {
            panic!("one stage begins with known weights: {starts:?}");
        };
        assert_eq!(
            (&start["step"], &start["stage"]),
            (&24.into(), &"scst".into())
        );
        for name in ["cider_d", "rouge_l", "distinct_captions", "mean_length"] {
            assert_eq!(
                start[name].as_f64(),
                first[from][name].as_f64(),
                "{run} {name}"
            );
        }
        // Nothing was decoded for it.
        let sampled = samples(&workplace, run);
        assert!(!sampled.contains(&(24, "scst".to_owned())), "{sampled:?}");
        assert_eq!(of_kind(&workplace, run, "validation").len(), 3);
        assert_eq!(
            summary(&workplace, run)["warnings"],
            Value::Array(Vec::new())
        );
    }
}

#[test]
fn run_from_a_checkpoint_that_is_killed_anywhere_ends_with_the_same_bytes() {
    let workplace = from_another_run();
    let train = |out: &'static str| {
        let start = ["train", "config.toml", "--out", out, "--resume-or-start"];
        [&start[..], &SHORT, &["--set", "checkpoints.keep=100"]].concat()
    };
    let begun = Instant::now();
    workplace.succeed(&train("whole"));
    let whole = begun.elapsed();
    for fraction in [0.2, 0.35, 0.3, 0.25, 0.5] {
        let mut child = workplace
            .command(&train("killed"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("scst starts");
        thread::sleep(Duration::min(
            whole.mul_f64(fraction),
            Duration::from_secs(20),
        ));
        let _ = child.kill();
        child.wait().expect("the child ends");
    }
    workplace.succeed(&train("killed"));
    let same = || {
        assert_eq!(
            measured(&workplace, "whole"),
            measured(&workplace, "killed")
        );
        for name in ["samples.jsonl", "best/model.safetensors"] {
            let [one, two] =
                ["whole", "killed"].map(|run| workplace.read(&format!("{run}/{name}")));
            assert!(one == two, "{name}");
        }
    };
    same();
    // Killed right after the validation of a start, which the checkpoints do not know of: before the first step of all,
    // and where the first stage has ended and the second has not begun.
    for step in ["step-00000000", "step-00000025"] {
        forget_from(&workplace.path("killed"), step);
        workplace.succeed(&train("killed"));
        same();
    }
}

#[test]
fn stage_shorter_than_the_logging_interval_leaves_its_records() {
    let workplace = Workplace::new();
    let seldom = ["train", "config.toml", "--set", "log_every_steps=1000"];
    let seldom = [&seldom[..], &SHORT].concat();
    workplace.succeed(&seldom);
    let records = of_kind(&workplace, "runs/tiny", "train");
    let found: Vec<_> = records
        .iter()
        .map(|r| (r["step"].as_u64(), r["epoch"].as_f64()))
        .collect();
    let expected = [(12, 1.0), (24, 2.0), (36, 1.0)];
    assert_eq!(
        found,
        expected.map(|(step, epoch)| (Some(step), Some(epoch)))
    );
    // A record says the same whether or not the run was interrupted on the way to it.
    let before = measured(&workplace, "runs/tiny");
    forget_from(&workplace.path("runs/tiny"), "step-00000034");
    let kept = fs::read_dir(workplace.path("runs/tiny/checkpoints")).expect("checkpoints");
    assert!(
        kept.count() > 2,
        "a checkpoint within the last epoch is left"
    );
    workplace.succeed(&[&seldom[..], &["--resume"]].concat());
    assert_eq!(measured(&workplace, "runs/tiny"), before);
}
