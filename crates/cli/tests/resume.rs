//! Killing, interrupting and starving a run, and going on with it.

mod support;

use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use support::{Workplace, forget_from, measured, newest_checkpoint};

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
        .command(&[
            "train",
            "config.toml",
            "--out",
            "killed",
            "--resume-or-start",
        ])
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
    assert_eq!(
        measured(&workplace, "whole"),
        measured(&workplace, "killed")
    );
    assert!(workplace.read("whole/samples.jsonl") == workplace.read("killed/samples.jsonl"));
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

const SHORT: [&str; 4] = ["--set", "stages.0.epochs=1", "--set", "stages.1.epochs=1"];

#[test]
fn resume_is_refused_where_there_is_no_run_unless_one_may_be_begun() {
    let workplace = Workplace::new();
    let train = |more: &[&'static str]| [&["train", "config.toml"], &SHORT[..], more].concat();
    for out in ["rum", "runs"] {
        let _ = fs::create_dir(workplace.path("runs"));
        let message = workplace.refuse(2, &[&train(&["--resume"])[..], &["--out", out]].concat());
        assert!(
            message.contains(&format!("`{out}` holds no run to go on with"))
                && message.contains("--resume-or-start"),
            "{message}"
        );
    }
    assert!(!workplace.path("rum").exists());
    workplace.succeed(&train(&["--out", "rum", "--resume-or-start"]));
    let before = workplace.read("rum/checkpoints/step-00000024/model.safetensors");
    workplace.succeed(&train(&["--out", "rum", "--resume-or-start"]));
    workplace.succeed(&train(&["--out", "rum", "--resume"]));
    assert!(before == workplace.read("rum/checkpoints/step-00000024/model.safetensors"));
}

#[test]
fn run_without_its_configuration_is_refused_however_it_is_begun() {
    let workplace = Workplace::new();
    let train = [&["train", "config.toml"], &SHORT[..]].concat();
    workplace.succeed(&train);
    fs::remove_file(workplace.path("runs/tiny/config.toml")).expect("a file less");
    let records = workplace.read("runs/tiny/metrics.jsonl");
    for more in [&[][..], &["--resume"], &["--resume-or-start"]] {
        let message = workplace.refuse(2, &[&train[..], more].concat());
        assert!(
            message.contains("`runs/tiny` holds no `config.toml`, but `runs/tiny/best`"),
            "{message}"
        );
    }
    assert!(records == workplace.read("runs/tiny/metrics.jsonl"));
    // Checkpoints alone are traces enough, also one whose replacement was interrupted.
    for name in ["best", "metrics.jsonl"] {
        let path = workplace.path("runs/tiny").join(name);
        let _ = fs::remove_dir_all(&path);
        let _ = fs::remove_file(&path);
    }
    let message = workplace.refuse(2, &train);
    assert!(message.contains("runs/tiny/checkpoints/"), "{message}");
}

#[test]
fn checkpoint_whose_replacement_was_killed_is_found() {
    let workplace = Workplace::new();
    workplace.succeed(&["train", "config.toml", "--out", "whole"]);
    workplace.succeed(&["train", "config.toml", "--out", "killed"]);
    let checkpoints = workplace.path("killed/checkpoints");
    let left = |name: &str| checkpoints.join(name);
    for name in ["step-00000072", "step-00000068"] {
        fs::remove_dir_all(left(name)).expect("a directory less");
    }
    // A kill between the two renames of a replacement leaves the earlier one under another name.
    fs::rename(left("step-00000063"), left(".old-step-00000063")).expect("a rename");
    fs::rename(
        workplace.path("killed/best"),
        workplace.path("killed/.old-best"),
    )
    .expect("a rename");
    let records = measured(&workplace, "killed").len();
    let output = workplace.run(&["train", "config.toml", "--out", "killed", "--resume"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.contains("15 are done"),
        "{errors}"
    );
    assert_eq!(measured(&workplace, "killed").len(), records);
    assert!(outcome(&workplace, "whole") == outcome(&workplace, "killed"));
}

#[test]
fn last_stage_cannot_end_before_where_it_is_and_is_validated_where_it_ends() {
    let workplace = Workplace::new();
    // Checkpoints at every fifth step of the second stage, validations at its end.
    let config = workplace.text("config.toml");
    let (before, after) = config.split_once("\nepochs = 2\n").expect("an end");
    let train = |steps: &str, more: &[&str]| {
        let config = format!("{before}\nsteps = {steps}\n{after}");
        workplace.write("changed.toml", config.as_bytes());
        let arguments = [
            "train",
            "changed.toml",
            "--set",
            "name=tiny",
            "--set",
            "stages.0.epochs=1",
            "--set",
            "stages.1.validate_every_steps=1000",
        ];
        workplace.run(&[&arguments[..], more].concat())
    };
    let succeed = |steps: &str, more: &[&str]| {
        let output = train(steps, more);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
    };
    let validations = || {
        let records = measured(&workplace, "runs/tiny");
        let found = records.iter().filter(|r| r["kind"] == "validation");
        found.map(|r| r["step"].as_u64()).collect::<Vec<_>>()
    };
    succeed("20", &[]);
    assert_eq!(validations(), [Some(12), Some(32)]);
    let output = train("19", &["--resume"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(
        errors.contains("stage `scst`: found an end after 19 steps, expected 20 or more"),
        "{errors}"
    );
    // Where it was never validated, it is now, once.
    let newest = workplace.path("runs/tiny/checkpoints/step-00000032");
    fs::remove_dir_all(newest).expect("a directory less");
    succeed("15", &["--resume"]);
    assert_eq!(validations(), [Some(12), Some(27)]);
    succeed("15", &["--resume"]);
    assert_eq!(validations(), [Some(12), Some(27)]);
    succeed("16", &["--resume"]);
    assert_eq!(validations(), [Some(12), Some(27), Some(28)]);
}

#[test]
fn more_steps_than_can_be_counted_are_refused() {
    let workplace = Workplace::new();
    for (key, found) in [
        ("stages.0.epochs", "4611686018427387904"),
        ("stages.0.epochs", "9223372036854775807"),
    ] {
        let change = format!("{key}={found}");
        let message = workplace.refuse(2, &["train", "config.toml", "--set", &change]);
        assert!(
            message.contains("epochs") && message.contains(found),
            "{message}"
        );
        assert!(!workplace.path("runs").exists());
    }
}

#[test]
fn manifest_that_names_other_files_is_refused() {
    let workplace = Workplace::new();
    workplace.succeed(&[&["train", "config.toml"], &SHORT[..]].concat());
    let manifest = workplace.text("runs/tiny/best/manifest.json");
    for name in ["../../metrics.jsonl", "/etc/passwd", "notes.txt", ""] {
        let entry = format!("{{\n  {name:?}: {{\"bytes\": 1, \"sha256\": \"00\"}},");
        let doctored = manifest.replacen('{', &entry, 1);
        workplace.write("runs/tiny/best/manifest.json", doctored.as_bytes());
        let message = workplace.refuse(2, &["eval", "runs/tiny"]);
        assert!(
            message.contains("best/manifest.json")
                && message.contains(&format!(
                    "found an entry `{name}`, expected only `state.json`"
                )),
            "{message}"
        );
    }
}

/// A run with a teacher in its first stage and another run's weights in its second.
fn with_others() -> Workplace {
    let workplace = Workplace::new();
    for out in ["teacher", "start"] {
        workplace.succeed(&[&["train", "config.toml", "--out", out], &SHORT[..]].concat());
    }
    let config = workplace.text("config.toml");
    let config = config.replace("xe = {", "xe = { loss.distillation.teacher = \"teacher\", ");
    let scst = "name = \"scst\"\n";
    let config = config.replace(scst, &format!("{scst}start_from.checkpoint = \"start\"\n"));
    let config = config.replace("[stages.scst]\n", "[stages.scst]\nkl_weight = 0.1\n");
    workplace.write("config.toml", config.as_bytes());
    workplace.succeed(&["train", "config.toml"]);
    workplace
}

#[test]
fn other_runs_must_be_what_they_were_and_only_those_to_come_must_be_there() {
    let workplace = with_others();
    let resume = ["train", "config.toml", "--resume"];
    let last = "runs/tiny/checkpoints/step-00000072/model.safetensors";
    let expected = workplace.read(last);
    let stop_in_second = || forget_from(&workplace.path("runs/tiny"), "step-00000066");
    let model = "start/best/model.safetensors";
    // Another run has taken the place of the one whose weights the second stage begins with and is compared with.
    fs::rename(workplace.path("start"), workplace.path("kept")).expect("a rename");
    let other = ["train", "kept/config.toml", "--out", "start", "--seed", "9"];
    workplace.succeed(&other);
    assert!(workplace.read(model) != workplace.read("kept/best/model.safetensors"));
    stop_in_second();
    let message = workplace.refuse(2, &resume);
    assert!(
        message.contains("`start` has changed since this run began with it"),
        "{message}"
    );
    fs::remove_dir_all(workplace.path("start")).expect("a directory less");
    fs::rename(workplace.path("kept"), workplace.path("start")).expect("a rename");
    // The first stage is done: nobody needs its teacher any more.
    fs::rename(workplace.path("teacher"), workplace.path("gone")).expect("a rename");
    workplace.succeed(&resume);
    assert!(workplace.read(last) == expected);
    // A finished run needs nothing at all.
    fs::rename(workplace.path("start"), workplace.path("also_gone")).expect("a rename");
    workplace.succeed(&resume);
    stop_in_second();
    let message = workplace.refuse(2, &resume);
    let expected = "there is no run or checkpoint `start`";
    assert!(message.contains(expected), "{message}");
}
