//! Runs of several seeds: one after the other, killed, stopped and resumed.

mod support;

use std::{
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use support::{Workplace, measured};

const SHORT: [&str; 4] = ["--set", "stages.0.epochs=2", "--set", "stages.1.epochs=1"];

/// 12 steps an epoch, 3 epochs.
const LAST: &str = "checkpoints/step-00000036/model.safetensors";

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn train(out: &str, more: &[&str]) -> Vec<String> {
    let start = ["train", "config.toml", "--out", out];
    let all = [&start[..], &SHORT, more].concat();
    all.into_iter().map(str::to_owned).collect()
}

fn succeed(workplace: &Workplace, arguments: &[String]) -> String {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    workplace.succeed(&arguments)
}

/// What a run leaves, but for times.
fn outcome(workplace: &Workplace, run: &str) -> (Vec<u8>, Vec<u8>, Vec<u8>, Vec<Value>) {
    (
        workplace.read(&format!("{run}/{LAST}")),
        workplace.read(&format!("{run}/best/model.safetensors")),
        workplace.read(&format!("{run}/samples.jsonl")),
        measured(workplace, run),
    )
}

fn assert_same(workplace: &Workplace, [one, other]: [&str; 2], seeds: &[u64]) {
    for seed in seeds {
        let of = |out: &str| outcome(workplace, &format!("{out}/seed-{seed}"));
        assert!(of(one) == of(other), "seed {seed} of {one} and {other}");
    }
}

/// Starts in `killed`, and lets it go for a while; the child.
fn start(workplace: &Workplace) -> Child {
    let arguments = train("killed", &["--seeds", "3", "--resume-or-start"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = workplace.command(&arguments);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().expect("scst starts")
}

#[test]
fn seeds_are_those_of_single_runs_and_kills_change_no_bit() {
    let workplace = Workplace::new();
    let since = Instant::now();
    let printed = succeed(&workplace, &train("whole", &["--seeds", "3"]));
    let whole = since.elapsed();
    succeed(&workplace, &train("single/seed-2", &["--seed", "2"]));
    assert_same(&workplace, ["whole", "single"], &[2]);
    // Before the first checkpoint, in the first, second and third run.
    for fraction in [0.03, 0.15, 0.3, 0.4, 0.5] {
        let mut child = start(&workplace);
        thread::sleep(whole.mul_f64(fraction));
        let _ = child.kill();
        child.wait().expect("the child ends");
    }
    succeed(
        &workplace,
        &["train".into(), "--resume".into(), "killed".into()],
    );
    assert_same(&workplace, ["whole", "killed"], &[1, 2, 3]);

    // The summary is that of the runs.
    let summary = json(&workplace.text("whole/summary.json"));
    assert_eq!(summary, json(&workplace.text("killed/summary.json")));
    assert_eq!(summary["seeds"], serde_json::json!([1, 2, 3]));
    let best = |seed: u64| {
        let summary = json(&workplace.text(&format!("whole/seed-{seed}/summary.json")));
        summary["best"]["cider_d"].as_f64().expect("a number")
    };
    let scores = [1, 2, 3].map(best);
    let mean = scores.iter().sum::<f64>() / 3.0;
    let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
    let of_summary = &summary["metrics"]["cider_d"];
    let close = |found: &Value, expected: f64| {
        let found = found.as_f64().expect("a number");
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    };
    close(&of_summary["mean"], mean);
    close(&of_summary["deviation"], (squares / 2.0).sqrt());
    let half = 4.302_652_729_749_46 * (squares / 2.0).sqrt() / 3.0f64.sqrt();
    close(&of_summary["interval"][0], mean - half);
    let line = format!("CIDEr-D  mean {mean:.4}, deviation ");
    assert!(printed.contains(&line), "{printed}");

    // Nothing is left to do, and more seeds may be added.
    let again = workplace.run(&["train", "--resume", "whole"]);
    let errors = String::from_utf8_lossy(&again.stderr);
    assert!(
        again.status.success() && errors.contains("seed 3 was finished already"),
        "{errors}"
    );
    assert_same(&workplace, ["whole", "killed"], &[1, 2, 3]);
    succeed(&workplace, &train("whole", &["--seeds", "4", "--resume"]));
    let summary = json(&workplace.text("whole/summary.json"));
    assert_eq!(summary["seeds"], serde_json::json!([1, 2, 3, 4]));
}

#[test]
#[cfg(unix)]
fn signal_ends_all_runs_with_a_checkpoint_and_the_way_on() {
    let workplace = Workplace::new();
    let mut child = start(&workplace);
    let begun = workplace.path("killed/seed-1/checkpoints/step-00000005");
    while !begun.is_dir() {
        assert!(
            child.try_wait().expect("a status").is_none(),
            "it ended early"
        );
        thread::sleep(Duration::from_millis(1));
    }
    let sent = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(sent.expect("kill runs").success());
    let output = child.wait_with_output().expect("the child ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{errors}");
    assert!(errors.contains("train --resume killed\n"), "{errors}");
    assert!(!workplace.path("killed/seed-3").exists());
    assert!(!workplace.path("killed/seed-1/run.lock").exists());
}

#[test]
fn directories_of_one_run_and_of_several_are_not_confused() {
    let workplace = Workplace::new();
    succeed(&workplace, &train("one", &[]));
    succeed(&workplace, &train("several", &["--seeds", "1,2"]));
    let refuse = |arguments: Vec<String>| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        workplace.refuse(2, &arguments)
    };
    for (arguments, expected) in [
        (train("one", &["--seeds", "2"]), "`one` holds one run"),
        (
            train("one", &["--seeds", "2", "--resume"]),
            "`one` holds one run",
        ),
        (
            train("several", &[]),
            "`several` holds the runs of several seeds already; to go on",
        ),
        (
            train("several", &["--resume"]),
            "`several` holds the runs of several seeds already",
        ),
        (
            train("several", &["--seeds", "2"]),
            "`several` holds the runs of several seeds already",
        ),
        (
            train("none", &["--seeds", "2", "--resume"]),
            "`none` holds no runs of several seeds",
        ),
        (
            train("none", &["--seeds", "1"]),
            "expected a number of seeds from 2",
        ),
        (train("none", &["--seeds", "2", "--seed", "1"]), "--seed"),
    ] {
        let message = refuse(arguments);
        assert!(message.contains(expected), "{message}");
    }
    assert!(!workplace.path("none").exists());
    // Another configuration is refused by the runs that are there.
    let other = ["--seeds", "2", "--resume", "--set", "model.fc.hidden=25"];
    let message = refuse(train("several", &other));
    assert!(
        message.contains("key `model.fc.hidden` was 24, now it is 25"),
        "{message}"
    );
}
