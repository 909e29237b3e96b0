//! Stopping a run by signals at any moment, long validations among them, and going on.
#![cfg(unix)]

mod support;

use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use support::{Workplace, measured, newest_checkpoint};

/// Validations that take most of the time: one image at a time, after every second step.
const SLOW: [&str; 10] = [
    "--set",
    "validation.sources_per_batch=1",
    "--set",
    "validation.decoder.search={beam={width=8}}",
    "--set",
    "stages.0.validate_every_steps=2",
    "--set",
    "stages.1.validate_every_steps=2",
    "--set",
    "stages.0.epochs=1",
];

fn command(workplace: &Workplace, out: &str, changes: &[&str]) -> Command {
    let start = ["train", "config.toml", "--out", out, "--resume-or-start"];
    let mut command = workplace.command(&[&start[..], changes].concat());
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.expect("kill runs").success());
}

/// Lets a run go for a while and sends it a signal; its exit code, `None` if it had ended before.
fn stop_after(workplace: &Workplace, delay: Duration, names: &[&str]) -> Option<i32> {
    let mut child = command(workplace, "stopped", &SLOW)
        .spawn()
        .expect("scst starts");
    thread::sleep(delay);
    if child.try_wait().expect("a status").is_some() {
        return None;
    }
    for name in names {
        signal(&child, name);
    }
    child.wait().expect("the child ends").code()
}

fn weights(workplace: &Workplace, run: &str) -> [Vec<u8>; 3] {
    let newest = newest_checkpoint(&workplace.path(run));
    let newest = newest.file_name().and_then(|name| name.to_str());
    let last = format!("checkpoints/{}", newest.expect("a name"));
    [&last, "best", "checkpoints/best-xe"]
        .map(|part| workplace.read(&format!("{run}/{part}/model.safetensors")))
}

#[test]
fn run_that_is_stopped_at_any_moment_goes_on_to_the_same_bytes() {
    let workplace = Workplace::new();
    let start = Instant::now();
    let done = command(&workplace, "whole", &SLOW).status();
    assert!(done.expect("scst starts").success());
    let whole = start.elapsed();
    for (k, fraction) in [0.1, 0.23, 0.05, 0.31, 0.17, 0.27, 0.09, 0.21]
        .into_iter()
        .enumerate()
    {
        // The second signal, where there is one, ends the process where it stands.
        let names: &[&str] = [&["-TERM"][..], &["-INT"], &["-TERM", "-INT"], &["-KILL"]][k % 4];
        let Some(code) = stop_after(&workplace, whole.mul_f64(fraction), names) else {
            continue;
        };
        assert!([0, 130, 143].contains(&code), "exit code {code}");
    }
    let done = command(&workplace, "stopped", &SLOW).status();
    assert!(done.expect("scst starts").success());
    assert!(weights(&workplace, "whole") == weights(&workplace, "stopped"));
    assert_eq!(
        measured(&workplace, "whole"),
        measured(&workplace, "stopped")
    );
    assert!(workplace.read("whole/samples.jsonl") == workplace.read("stopped/samples.jsonl"));
}

#[test]
fn checkpoints_appear_by_the_clock_and_change_nothing() {
    let workplace = Workplace::new();
    let short = ["--set", "stages.0.epochs=1", "--set", "stages.1.epochs=1"];
    let run = |out: &str, more: &[&str]| {
        let status = command(&workplace, out, &[&short[..], more].concat()).output();
        let output = status.expect("scst starts");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{errors}");
    };
    let steps = |out: &str| {
        let entries = fs::read_dir(workplace.path(&format!("{out}/checkpoints")));
        let names = entries.expect("checkpoints").map(|entry| {
            let name = entry.expect("an entry").file_name();
            name.to_string_lossy().into_owned()
        });
        names.filter(|name| name.starts_with("step-")).count()
    };
    run("plain", &["--set", "checkpoints.keep=100"]);
    let every = [
        "--set",
        "checkpoints.keep=100",
        "--set",
        "checkpoints.every_minutes=1e-9",
    ];
    run("often", &every);
    assert_eq!((steps("plain"), steps("often")), (6, 24));
    assert!(weights(&workplace, "plain") == weights(&workplace, "often"));
    // What is written down may change from one start to the next.
    run("often", &["--set", "checkpoints.every_minutes=60"]);
}
