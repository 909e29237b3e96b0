//! A run directory: who may train in it, what it says of itself, and how a run goes on from it, also from elsewhere.

mod support;

use std::{
    fs,
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;
use support::Workplace;

const SHORT: [&str; 4] = ["--set", "stages.0.epochs=1", "--set", "stages.1.epochs=1"];

fn train(more: &[&'static str]) -> Vec<&'static str> {
    [&["train", "config.toml"], &SHORT[..], more].concat()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// `scst` in another directory below that of the data.
fn run_in(workplace: &Workplace, directory: &str, arguments: &[&str]) -> Output {
    let mut command = workplace.command(arguments);
    command.current_dir(workplace.path(directory));
    command.output().expect("scst starts")
}

#[test]
fn run_goes_on_by_its_directory_alone_and_a_finished_one_says_so() {
    let workplace = Workplace::new();
    workplace.succeed(&["train", "config.toml", "--out", "whole"]);
    workplace.succeed(&train(&[]));
    let short = workplace.run(&["train", "--resume", "runs/tiny"]);
    let said = errors(&short);
    assert!(
        short.status.success() && said.contains("finished already"),
        "{said}"
    );
    assert!(
        said.contains("train --resume runs/tiny --set stages.1.epochs=2"),
        "{said}"
    );
    // The name below runs/, the file in it, and the flag at the end mean the same.
    for given in [
        ["--resume", "tiny"],
        ["--resume", "runs/tiny/config.toml"],
        ["runs/tiny/", "--resume"],
        ["--resume-or-start", "runs/tiny"],
    ] {
        let output = workplace.run(&[&["train"], &given[..]].concat());
        let said = errors(&output);
        assert!(
            output.status.success() && said.contains("finished already"),
            "{given:?}: {said}"
        );
    }
    workplace.succeed(&[
        "train",
        "--resume",
        "runs/tiny",
        "--set",
        "stages.1.epochs=3",
    ]);
    let last = "checkpoints/step-00000048/model.safetensors";
    assert!(workplace.path("runs/tiny").join(last).is_file());

    let record = workplace.text("runs/tiny/run.json");
    let record: Value = serde_json::from_str(&record).expect("JSON");
    let events = record["starts"].as_array().expect("starts");
    assert_eq!(events[0]["event"], "started");
    let newest = events.last().expect("a start");
    assert_eq!(newest["event"], "resumed");
    assert_eq!(newest["step"], 24);
    assert_eq!(newest["threads"], 2);
    assert_eq!(newest["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(newest["command"][1], "train");
    assert_eq!(newest["cargo_features"][0], "flex");
    let working_directory = newest["working_directory"].as_str().expect("a path");
    assert_eq!(
        workplace.path("").canonicalize().expect("a path"),
        fs::canonicalize(working_directory).expect("a path")
    );
    let date = newest["date"].as_str().expect("a date");
    assert!(date.len() == 20 && date.starts_with("20") && date.ends_with('Z'));
    assert!(!workplace.path("runs/tiny/run.lock").exists());
}

#[test]
fn what_is_no_run_is_answered_with_what_to_give() {
    const CHECKPOINT: &str =
        "there is no run or checkpoint `runs/tinny`; did you mean `runs/tiny`?";
    let workplace = Workplace::new();
    workplace.succeed(&train(&[]));
    let line = "train --resume runs/tiny";
    for (arguments, expected) in [
        (&["train", "runs/tiny"][..], line),
        (&["train", "--resume", "runs/tiny/best"], line),
        (&["train", "--resume", "runs/tiny/checkpoints"], line),
        (
            &["train", "--resume", "runs/tiny/checkpoints/step-00000024"],
            line,
        ),
        (&["train", "--resume", "runs/tiny/best/config.toml"], line),
        (&["train", "--resume", "runs"], "; there is `runs/tiny`"),
        (
            &["train", "--resume", "tony"],
            "there is no run `tony`; did you mean `runs/tiny`?",
        ),
        (
            &["train", "--resume", "run/tiny"],
            "there is no run `run/tiny`; did you mean `runs/tiny`?",
        ),
        (&["eval", "runs/tinny"], CHECKPOINT),
        (
            &["eval", "runs/tiny", "--ensemble", "runs/tinny"],
            CHECKPOINT,
        ),
        (&["caption", "runs/tinny", "photo.jpg"], CHECKPOINT),
        (&["reward", "--serve", "--run", "runs/tinny"], CHECKPOINT),
        (
            &["estimators", "config.toml", "--checkpoint", "runs/tinny"],
            CHECKPOINT,
        ),
        (
            &["eval", "runs"],
            "found no `manifest.json`; there is `runs/tiny`",
        ),
        (
            &["eval", "config.toml"],
            "`config.toml` is a file, expected the directory of a run or checkpoint; there is `runs/tiny`",
        ),
        (
            &["train", "--resume", "runs/tiny", "--out", "other"],
            "--out `other`: expected no other directory",
        ),
    ] {
        let message = workplace.refuse(2, arguments);
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}

#[test]
fn run_whose_records_are_lost_goes_on_and_begins_them_anew() {
    let workplace = Workplace::new();
    workplace.succeed(&train(&[]));
    let records = workplace.path("runs/tiny/metrics.jsonl");
    fs::remove_file(&records).expect("a file less");
    let longer = [
        "train",
        "--resume",
        "runs/tiny",
        "--set",
        "stages.1.epochs=2",
    ];
    workplace.succeed(&longer);
    let text = fs::read_to_string(&records).expect("records");
    assert!(
        text.lines().all(|line| line.contains("\"stage\":\"scst\"")),
        "{text}"
    );
    // Without its configuration it is still seen to be a run.
    fs::remove_file(workplace.path("runs/tiny/config.toml")).expect("a file less");
    let message = workplace.refuse(2, &longer);
    assert!(message.contains("put the `config.toml` back"), "{message}");
}

#[test]
fn place_where_no_run_can_be_is_refused() {
    let workplace = Workplace::new();
    let file = "`splits.csv` is a file, expected a directory for the run";
    let mut places = vec![
        ("splits.csv", file.to_owned()),
        ("splits.csv/run", format!("{file} `splits.csv/run`")),
    ];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", workplace.path("link")).expect("a link");
        let link = "`link` is a link to what is not there, expected a directory for the run";
        places.push(("link", link.to_owned()));
    }
    for (out, expected) in places {
        let message = workplace.refuse(2, &["train", "config.toml", "--out", out]);
        assert_eq!(message, format!("error: {expected}"));
    }
}

#[test]
fn one_of_two_processes_trains_and_the_other_is_told_of_it() {
    let workplace = Workplace::new();
    for round in 0..3 {
        let out = format!("run{round}");
        let spawn = || {
            workplace
                .command(&["train", "config.toml", "--out", &out, "--resume-or-start"])
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .expect("scst starts")
        };
        let both = [spawn(), spawn()];
        let outputs = both.map(|child| child.wait_with_output().expect("it ends"));
        let codes = outputs.each_ref().map(|output| output.status.code());
        // On a loaded machine, one may end before the other begins.
        let refused = outputs.iter().find(|output| !output.status.success());
        let said = refused.map(errors).unwrap_or_default();
        let finished = outputs
            .iter()
            .filter(|o| errors(o).contains("finished already"));
        assert!(
            codes.contains(&Some(0)) && (finished.count() == 1 || codes.contains(&Some(2))),
            "{codes:?}: {said}"
        );
        assert!(
            refused.is_none()
                || said.contains("is being trained by process")
                || said.contains("holds a run already"),
            "{said}"
        );
        assert!(!workplace.path(&out).join("run.lock").exists());
    }
}

#[test]
fn killed_run_goes_on_at_once_and_tells_whose_lock_it_takes_over() {
    let workplace = Workplace::new();
    let mut child = workplace
        .command(&["train", "config.toml", "--set", "stages.1.epochs=200"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("scst starts");
    while !workplace.path("runs/tiny/metrics.jsonl").exists() {
        assert!(child.try_wait().expect("a status").is_none(), "it ended");
        thread::sleep(Duration::from_millis(1));
    }
    let message = workplace.refuse(2, &["train", "--resume", "runs/tiny"]);
    let holder = format!("is being trained by process {} on `", child.id());
    assert!(message.contains(&holder), "{message}");
    child.kill().expect("a kill");
    let output = workplace.run(&["train", "--resume", "runs/tiny"]);
    child.wait().expect("it ends");
    let said = errors(&output);
    assert!(output.status.success(), "{said}");
    let taken_over = format!("was left by process {} on `", child.id());
    assert!(said.contains(&taken_over), "{said}");
}

#[test]
fn run_finds_its_data_from_another_directory_and_after_a_move() {
    let workplace = Workplace::new();
    for directory in ["project", "elsewhere"] {
        fs::create_dir(workplace.path(directory)).expect("a directory");
    }
    for name in [
        "captions.csv",
        "splits.csv",
        "features.npy",
        "features.names.txt",
        "config.toml",
    ] {
        let to = workplace.path("project").join(name);
        fs::rename(workplace.path(name), to).expect("a rename");
    }
    let output = run_in(&workplace, "project", &train(&[]));
    assert!(output.status.success(), "{}", errors(&output));
    let scores = |directory: &str, run: &str| {
        let output = run_in(&workplace, directory, &["eval", run, "--json"]);
        assert!(output.status.success(), "{}", errors(&output));
        let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        value["metrics"].clone()
    };
    let expected = scores("project", "runs/tiny");
    assert_eq!(scores("elsewhere", "../project/runs/tiny"), expected);
    assert_eq!(scores("project/runs/tiny", "best"), expected);
    // The project as a whole has moved.
    fs::rename(workplace.path("project"), workplace.path("moved")).expect("a rename");
    assert_eq!(scores("elsewhere", "../moved/runs/tiny"), expected);
    let longer = [
        "train",
        "--resume",
        "../moved/runs/tiny",
        "--set",
        "stages.1.epochs=2",
    ];
    let output = run_in(&workplace, "elsewhere", &longer);
    assert!(output.status.success(), "{}", errors(&output));
    // The data have moved alone: the answer says which key to set, and its value is relative to the current directory.
    fs::rename(
        workplace.path("moved/captions.csv"),
        workplace.path("elsewhere/c.csv"),
    )
    .expect("a rename");
    let longer = [
        "train",
        "--resume",
        "../moved/runs/tiny",
        "--set",
        "stages.1.epochs=3",
    ];
    let output = run_in(&workplace, "elsewhere", &longer);
    let said = errors(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    let advice = "--set data.captions.kaggle.captions=PATH";
    assert!(
        said.contains(advice) && said.contains("`captions.csv` in `"),
        "{said}"
    );
    let moved = ["--set", "data.captions.kaggle.captions=c.csv"];
    let with_captions = [&longer[..], &moved].concat();
    let captions = workplace.text("elsewhere/c.csv");
    let changed = captions.replace("a red circle", "a red disc");
    workplace.write("elsewhere/c.csv", changed.as_bytes());
    let output = run_in(&workplace, "elsewhere", &with_captions);
    let said = errors(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("holds other captions"), "{said}");
    workplace.write("elsewhere/c.csv", captions.as_bytes());
    let output = run_in(&workplace, "elsewhere", &with_captions);
    assert!(output.status.success(), "{}", errors(&output));
    // What was given is kept as it was meant, wherever the run goes on.
    let output = run_in(&workplace, "moved", &["train", "--resume", "runs/tiny"]);
    let said = errors(&output);
    assert!(
        output.status.success() && said.contains("finished already"),
        "{said}"
    );
}

#[test]
#[cfg(unix)]
fn failed_run_says_how_it_goes_on() {
    use std::os::unix::fs::PermissionsExt;

    let workplace = Workplace::new();
    let program =
        "#!/bin/sh\nread -r request; echo '{\"scores\":[0.5]}'\nread -r request; exit 3\n";
    workplace.write("program.sh", program.as_bytes());
    let path = workplace.path("program.sh");
    fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("a mode can be set");
    let rewards = "stages.1.scst.rewards=[{command={program=[\"./program.sh\"]}}]";
    let output = workplace.run(&["train", "config.toml", "--set", rewards]);
    let said = errors(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let mut lines = said.lines().rev();
    let last = lines.next().unwrap_or_default();
    assert!(last.ends_with("train --resume runs/tiny"), "{said}");
    assert_eq!(lines.next(), Some("to go on from the newest checkpoint:"));
    assert!(!workplace.path("runs/tiny/run.lock").exists());
}

#[test]
fn version_tells_what_the_program_was_built_with() {
    let print = |flag: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_scst"))
            .arg(flag)
            .output()
            .expect("scst starts");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let line = print("-V");
    let version = concat!("scst ", env!("CARGO_PKG_VERSION"));
    assert!(line.starts_with(&format!("{version} (")), "{line}");
    assert!(line.contains("features: flex"), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    let lines = print("--version");
    let names = lines.lines().skip(1).map(|line| &line[..13]);
    let names: Vec<&str> = names.map(str::trim_end).collect();
    assert_eq!(lines.lines().next(), Some(version), "{lines}");
    assert_eq!(names, ["commit", "features", "target", "vector unit"]);
    assert!(lines.contains(std::env::consts::ARCH), "{lines}");
}
