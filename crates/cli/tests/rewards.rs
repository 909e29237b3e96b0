//! Training on penalties, standardised rewards and other programs, and what happens when those fail.

#![cfg(unix)]

mod support;

use std::{os::unix::fs::PermissionsExt, path::Path};

use serde_json::Value;
use support::Workplace;

/// Sets the rewards of the second stage.
fn train<'a>(rewards: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["train", "config.toml", "--set", rewards], more].concat()
}

/// A program in the shell that answers every request; `body` may look at the request's number `$n`.
fn write_program(workplace: &Workplace, body: &str) {
    let script = format!(
        "#!/bin/sh\nn=0\nwhile read -r request; do n=$((n + 1))\n{body}\n\
         count=$(printf '%s' \"$request\" | grep -o '\"image_id\"' | wc -l)\n\
         scores=$(yes 0.5 | head -n \"$count\" | paste -sd, -)\n\
         echo \"{{\\\"scores\\\":[$scores]}}\"\ndone\n"
    );
    workplace.write("program.sh", script.as_bytes());
    let path = workplace.path("program.sh");
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("a mode can be set");
}

fn last_training_record(workplace: &Workplace) -> Value {
    let metrics = workplace.text("runs/tiny/metrics.jsonl");
    let mut records = metrics
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    records
        .rfind(|record| record["kind"] == "train")
        .expect("a record")
}

const COMMAND: &str = "stages.1.scst.rewards=[{cider_d={}},{weight=0.1,command={program=[\"./program.sh\"],timeout_secs=20.0}}]";

#[test]
fn every_part_is_logged_by_name_when_rewards_are_mixed() {
    let workplace = Workplace::new();
    write_program(&workplace, "");
    let rewards = "stages.1.scst.rewards=[{cider_d={},standardise=true},{weight=0.2,mixer_bleu={}},\
                   {weight=0.1,length_penalty={minimum=2,maximum=4},self_critical=false},\
                   {repetition_penalty={}},{bad_ending_penalty={}},\
                   {weight=0.1,command={program=[\"./program.sh\"],name=\"judge\",workers=2}}]";
    workplace.succeed(&train(rewards, &[]));
    let record = last_training_record(&workplace);
    for part in [
        "cider_d",
        "mixer_bleu",
        "length_penalty",
        "repetition_penalty",
        "bad_ending_penalty",
        "judge",
    ] {
        assert!(
            record[format!("reward_{part}")].is_f64(),
            "{part}: {record}"
        );
    }
    assert_eq!(record["reward_judge"], 0.5);
}

#[test]
fn run_does_not_begin_when_a_program_fails_its_first_test() {
    let workplace = Workplace::new();
    let error = workplace.refuse(2, &train(COMMAND, &[]));
    assert_eq!(
        error,
        "error: stage `scst`: reward 1: program ./program.sh: found no such program, \
         expected the path of one or a name on the PATH"
    );
    write_program(&workplace, "echo 'no model' >&2; exit 3");
    let error = workplace.refuse(2, &train(COMMAND, &[]));
    assert!(
        error.contains("start-up check: found exit status 3"),
        "{error}"
    );
    assert!(!workplace.path("runs").exists());
}

#[test]
fn checkpoint_stays_intact_when_a_program_dies_in_the_middle() {
    let workplace = Workplace::new();
    // Request 1 is the start-up check; the stage has 24 steps.
    write_program(
        &workplace,
        "[ $n = 12 ] && { echo 'out of memory' >&2; exit 9; }",
    );
    let output = workplace.run(&train(COMMAND, &[]));
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(error.contains("found exit status 9"), "{error}");
    assert!(error.contains("out of memory"), "{error}");
    let newest = support::newest_checkpoint(&workplace.path("runs/tiny"));
    let newest = newest.to_str().expect("UTF-8");
    workplace.succeed(&["eval", newest, "--json"]);
    // With a program that lives, the run goes on from there and ends as if nothing had happened.
    write_program(&workplace, "");
    workplace.succeed(&train(COMMAND, &["--resume"]));
    let resumed = final_weights(&workplace, "runs/tiny");
    workplace.succeed(&train(COMMAND, &["--out", "runs/whole"]));
    assert!(
        resumed == final_weights(&workplace, "runs/whole"),
        "other weights"
    );
}

fn final_weights(workplace: &Workplace, run: &str) -> Vec<u8> {
    let newest = support::newest_checkpoint(&workplace.path(run));
    std::fs::read(Path::new(&newest).join("model.safetensors")).expect("weights")
}

#[test]
fn program_is_started_again_when_restarts_are_allowed() {
    let workplace = Workplace::new();
    write_program(&workplace, "[ $n = 12 ] && exit 9");
    let restarting = COMMAND.replace("timeout_secs", "restarts=5,timeout_secs");
    workplace.succeed(&train(&restarting, &[]));
}
