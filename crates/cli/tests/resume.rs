//! Killing, interrupting and starving a run, and going on with it.

mod support;

use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use support::{Workplace, newest_checkpoint};

const LAST: &str = "checkpoints/step-00000072/model.safetensors";

/// The final weights and the best weights of a run.
fn outcome(workplace: &Workplace, run: &str) -> (Vec<u8>, Vec<u8>) {
    let last = workplace.read(&format!("{run}/{LAST}"));
    (
        last,
        workplace.read(&format!("{run}/best/model.safetensors")),
    )
}

/// Waits for something that a run does.
fn wait_while_running(child: &mut Child, done: impl Fn() -> bool) {
    while !done() {
        assert!(
            child.try_wait().expect("a status").is_none(),
            "the run ended early"
        );
        thread::sleep(Duration::from_millis(1));
    }
}

/// Starts a run, and kills it as `kill -9` does after `delay`, unless it ends before.
fn kill_after(workplace: &Workplace, delay: Duration) {
    let mut child = workplace
        .command(&["train", "config.toml", "--out", "killed", "--resume"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("scst starts");
    let start = Instant::now();
    while start.elapsed() < delay && child.try_wait().expect("a status").is_none() {
        thread::sleep(Duration::from_millis(1));
    }
    let _ = child.kill();
    child.wait().expect("the child ends");
}

#[test]
fn resumed_run_ends_with_the_same_bytes_when_it_is_killed_again_and_again() {
    let workplace = Workplace::new();
    let start = Instant::now();
    workplace.succeed(&["train", "config.toml", "--out", "whole"]);
    let whole = start.elapsed();
    // Fractions of the run's own duration, from before its first checkpoint to near its end.
    for fraction in [0.15, 0.33, 0.5, 0.21, 0.62, 0.4, 0.77] {
        kill_after(&workplace, whole.mul_f64(fraction));
    }
    workplace.succeed(&["train", "config.toml", "--out", "killed", "--resume"]);
    assert!(
        outcome(&workplace, "whole") == outcome(&workplace, "killed"),
        "weights differ"
    );
    // The record of a resumed run has every step once.
    let steps = |run: &str| {
        let text = workplace.text(&format!("{run}/metrics.jsonl"));
        let step = |line: &str| {
            let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
            (record["step"].as_u64(), record["kind"].to_string())
        };
        text.lines().map(step).collect::<Vec<_>>()
    };
    assert_eq!(steps("whole"), steps("killed"));
}

#[test]
#[cfg(unix)]
fn interrupted_run_writes_a_checkpoint_says_how_to_go_on_and_ends_the_same() {
    let workplace = Workplace::new();
    workplace.succeed(&["train", "config.toml", "--out", "whole"]);
    let mut child = workplace
        .command(&["train", "config.toml", "--out", "stopped"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("scst starts");
    let checkpoints = workplace.path("stopped/checkpoints");
    wait_while_running(&mut child, || {
        fs::read_dir(&checkpoints).is_ok_and(|mut entries| entries.next().is_some())
    });
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.expect("kill runs").success());
    let output = child.wait_with_output().expect("the child ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{errors}");
    assert!(errors.contains("--resume"), "{errors}");
    workplace.succeed(&["train", "config.toml", "--out", "stopped", "--resume"]);
    assert!(outcome(&workplace, "whole") == outcome(&workplace, "stopped"));
}

#[test]
fn lost_run_directory_is_an_error_and_a_new_run_is_not_hindered() {
    let workplace = Workplace::new();
    let mut child = workplace
        .command(&["train", "config.toml"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("scst starts");
    let checkpoint = workplace.path("runs/tiny/checkpoints/step-00000005");
    wait_while_running(&mut child, || checkpoint.is_dir());
    fs::rename(workplace.path("runs/tiny"), workplace.path("moved")).expect("a rename");
    fs::write(workplace.path("runs/tiny"), b"in the way").expect("a file");
    let output = child.wait_with_output().expect("the child ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("error: cannot"), "{errors}");
    // What was written before is whole.
    let newest = newest_checkpoint(&workplace.path("moved"));
    workplace.succeed(&["eval", newest.to_str().expect("UTF-8"), "--json"]);
}

#[test]
fn resume_is_refused_when_the_configuration_has_changed() {
    let workplace = Workplace::new();
    let short = ["--set", "stages.0.epochs=1", "--set", "stages.1.epochs=1"];
    workplace.succeed(&[&["train", "config.toml"], &short[..]].concat());
    let message = workplace.refuse(
        2,
        &[
            &[
                "train",
                "config.toml",
                "--resume",
                "--set",
                "model.fc.hidden=25",
            ],
            &short[..],
        ]
        .concat(),
    );
    assert!(
        message.contains("key `model.fc.hidden` was 24, now it is 25"),
        "{message}"
    );
}

#[test]
fn finished_run_goes_on_when_its_last_stage_is_made_longer() {
    let workplace = Workplace::new();
    workplace.succeed(&["train", "config.toml", "--out", "whole"]);
    let short = ["--set", "stages.1.epochs=1"];
    let longer = ["train", "config.toml", "--out", "longer"];
    workplace.succeed(&[&longer[..], &short].concat());
    workplace.succeed(&[&longer[..], &["--resume"]].concat());
    assert!(outcome(&workplace, "whole") == outcome(&workplace, "longer"));
    let cosine = [
        "--set",
        "stages.1.schedule.cosine.final_fraction=0.1",
        "--out",
        "cosine",
    ];
    let cosine = [&["train", "config.toml"], &cosine[..]].concat();
    workplace.succeed(&[&cosine[..], &short].concat());
    let message = workplace.refuse(2, &[&cosine[..], &["--resume"]].concat());
    assert!(
        message.contains("key `stages.1.epochs` was 1, now it is 2"),
        "{message}"
    );
}

#[test]
fn finished_run_is_left_alone_when_it_is_resumed_and_refused_without() {
    let workplace = Workplace::new();
    let arguments = [
        "train",
        "config.toml",
        "--set",
        "stages.0.epochs=1",
        "--set",
        "stages.1.epochs=1",
    ];
    workplace.succeed(&arguments);
    let weights = "runs/tiny/checkpoints/step-00000024/model.safetensors";
    let before = workplace.read(weights);
    let message = workplace.refuse(2, &arguments);
    assert!(
        message.contains("holds a run already; add --resume"),
        "{message}"
    );
    workplace.succeed(&[&arguments[..], &["--resume"]].concat());
    assert!(before == workplace.read(weights));
}
