//! Training with products of bfloat16: the bits of a run, what it is scored with, and where it is refused.

mod support;

use scst_trainer::{Backend, Precision};
use support::{Workplace, newest_checkpoint, newest_weights, weights};

const BF16: [&str; 3] = ["precision=bf16", "stages.0.parts=3", "stages.1.parts=4"];

/// Whether there are such products; else the test says that it is skipped.
fn is_there() -> bool {
    let found = Backend::Flex.check_precision(Precision::Bf16);
    if let Err(error) = &found {
        scst_testing::oracles::skip(&error.to_string());
    }
    found.is_ok()
}

#[test]
fn threads_and_an_interruption_leave_the_bits_as_they_are() {
    if !is_there() {
        return;
    }
    let workplace = Workplace::new();
    let one = weights(&workplace, "one", &BF16, &["--threads", "1"]);
    assert!(
        one == weights(&workplace, "two", &BF16, &["--threads", "2"]),
        "2 threads"
    );
    let half = [&BF16[..], &["stages.1.epochs=1"]].concat();
    weights(&workplace, "half", &half, &["--threads", "1"]);
    let rest = ["train", "--resume", "half", "--set", "stages.1.epochs=2"];
    workplace.succeed(&[&rest[..], &["--threads", "2"]].concat());
    assert!(one == newest_weights(&workplace, "half"), "interrupted");
    assert!(
        one != weights(&workplace, "f32", &BF16[1..], &["--threads", "2"]),
        "32 bits have the bits of bfloat16"
    );
}

#[test]
fn runs_are_scored_in_32_bits_and_go_on_as_they_began() {
    if !is_there() {
        return;
    }
    let workplace = Workplace::new();
    weights(&workplace, "run", &BF16, &["--threads", "1"]);
    // What was decoded while training is decoded again where no such products are asked for.
    let newest = newest_checkpoint(&workplace.path("run"));
    let checkpoint = newest.to_str().expect("a path");
    let scores = workplace.succeed(&["eval", checkpoint, "--split", "val", "--json"]);
    let scores: serde_json::Value = serde_json::from_str(&scores).expect("JSON");
    let records = workplace.text("run/metrics.jsonl");
    let validation = records
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .rfind(|record| record["kind"] == "validation")
        .expect("a validation");
    assert_eq!(scores["metrics"]["cider_d"], validation["cider_d"]);

    let set = ["--set", "precision=f32", "--set", "stages.1.epochs=3"];
    let said = workplace.refuse(2, &[&["train", "--resume", "run"][..], &set].concat());
    assert!(said.contains("precision"), "{said}");
}

#[test]
fn what_has_no_such_products_is_refused_before_training() {
    let workplace = Workplace::new();
    let of_backend = "precision=bf16\nbackend=wgpu";
    let of_captioner = "precision=bf16\nmodel={ markov = { positions = 12 } }\ndata.max_length=12";
    for (sets, found) in [
        (of_backend, "found `bf16` with backend `wgpu`"),
        (of_captioner, "found `bf16` with captioner `markov`"),
    ] {
        let sets: Vec<&str> = sets.lines().flat_map(|set| ["--set", set]).collect();
        for command in ["train", "check"] {
            let said = workplace.refuse(2, &[&[command, "config.toml"][..], &sets].concat());
            let expected = [found, "precision", "expected `f32`"];
            for part in expected {
                assert!(said.contains(part), "{said}");
            }
        }
    }
}
