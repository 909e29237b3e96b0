//! What becomes of the work when nobody reads any more what is said of it, or a disk is full.
#![cfg(target_os = "linux")]

mod support;

use std::{
    fs::File,
    io::Read,
    process::{Command, Stdio},
};

use support::Workplace;

const SHORT: [&str; 4] = ["--set", "stages.0.epochs=1", "--set", "stages.1.epochs=1"];

fn train(workplace: &Workplace, out: &str) -> Command {
    workplace.command(&[&["train", "config.toml", "-v", "--out", out], &SHORT[..]].concat())
}

fn full() -> File {
    let full = File::options().write(true).open("/dev/full");
    full.expect("a device that is full")
}

#[test]
fn run_is_finished_when_nobody_reads_what_is_said_of_it() {
    let workplace = Workplace::new();
    let weights = |run: &str| workplace.read(&format!("{run}/best/model.safetensors"));
    assert!(
        train(&workplace, "whole")
            .output()
            .expect("it starts")
            .status
            .success()
    );

    let mut unread = train(&workplace, "unread");
    unread.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut unread = unread.spawn().expect("it starts");
    let mut pipe = unread.stderr.take().expect("a pipe");
    pipe.read_exact(&mut [0]).expect("something is said");
    drop(pipe);
    assert!(unread.wait().expect("it ends").success());
    assert!(weights("unread") == weights("whole"));

    let mut full_log = train(&workplace, "full");
    full_log.stdout(Stdio::null()).stderr(full());
    assert!(full_log.status().expect("it starts").success());
    assert!(weights("full") == weights("whole"));
}

#[test]
fn results_that_cannot_be_written_are_a_failure_of_one_sentence() {
    let workplace = Workplace::new();
    for arguments in [
        &["config", "config.toml"][..],
        &["rewards"],
        &["check", "config.toml"],
        &["--help"],
        &["train", "--help"],
        &["--version"],
    ] {
        let output = workplace.command(arguments).stdout(full()).output();
        let output = output.expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        let expected = "error: cannot write standard output: No space left on device";
        let last = said.lines().last().unwrap_or_default();
        assert!(last.starts_with(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn devices_take_results_and_stay_devices() {
    let workplace = Workplace::new();
    workplace.succeed(&[&["train", "config.toml"], &SHORT[..]].concat());
    workplace.succeed(&["eval", "runs/tiny", "--out", "/dev/null"]);
    let kind = std::fs::metadata("/dev/null").expect("a device");
    assert!(!kind.is_file());
    let printed = workplace.succeed(&["eval", "runs/tiny", "--out", "/dev/stdout"]);
    assert!(printed.starts_with("[{\"image_id\":"), "{printed}");
    let message = workplace.refuse(1, &["eval", "runs/tiny", "--out", "/dev/full"]);
    assert!(
        message.contains("cannot write `/dev/full`: No space left"),
        "{message}"
    );
}
