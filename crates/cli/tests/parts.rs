//! Batches in parts: the same bits on any number of threads, and when a run is stopped and goes on.

mod support;

use support::{Workplace, newest_weights, weights};

/// Parts that do not divide the batch, a baseline over all of it, and cross-entropy beside.
const PARTS: [&str; 4] = [
    "stages.0.parts=3",
    "stages.1.parts=4",
    "stages.1.scst.baseline=moving_average",
    "stages.1.scst.xe_weight=0.2",
];

#[test]
fn threads_and_an_interruption_leave_the_bits_of_parts_as_they_are() {
    let workplace = Workplace::new();
    let one = weights(&workplace, "one", &PARTS, &["--threads", "1"]);
    for threads in ["2", "3", "4"] {
        let other = weights(&workplace, threads, &PARTS, &["--threads", threads]);
        assert!(one == other, "{threads} threads");
    }
    // Computed at a time or one after the other, with the runs that drew samples kept or made again.
    for (threads, held) in [("1", "4"), ("4", "1"), ("4", "3")] {
        let held_in = format!("parts_in_memory={held}");
        let sets = [&PARTS[..], &[held_in.as_str()]].concat();
        let run = format!("{threads}-{held}");
        let other = weights(&workplace, &run, &sets, &["--threads", threads]);
        assert!(one == other, "{threads} threads, {held} parts in memory");
    }
    // Half of the second stage, then, on other threads, the rest.
    let half = [&PARTS[..], &["stages.1.epochs=1"]].concat();
    weights(&workplace, "half", &half, &["--threads", "1"]);
    let rest = ["train", "--resume", "half", "--set", "stages.1.epochs=2"];
    workplace.succeed(&[&rest[..], &["--threads", "2"]].concat());
    assert!(one == newest_weights(&workplace, "half"), "interrupted");
    // Other parts are other draws and other sums.
    let fewer = [&PARTS[..], &["stages.1.parts=2"]].concat();
    assert!(one != weights(&workplace, "fewer", &fewer, &[]));
}

#[test]
fn more_parts_than_sources_are_refused() {
    let workplace = Workplace::new();
    for parts in ["0", "1000"] {
        let set = format!("stages.1.parts={parts}");
        let said = workplace.refuse(2, &["train", "config.toml", "--out", "run", "--set", &set]);
        assert!(said.contains("stages.1.parts"), "{said}");
        assert!(
            said.contains(&format!("found {parts}, expected ")),
            "{said}"
        );
    }
    assert!(!workplace.path("run").exists());
}
