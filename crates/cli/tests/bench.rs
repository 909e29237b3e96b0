//! `scst bench step`: what it prints, and the sizes that it refuses. Nothing is said about times.

mod support;

use serde_json::Value;
use support::Workplace;

#[test]
fn bench_step_prints_one_line_with_all_keys() {
    let workplace = Workplace::new();
    let arguments = "bench step --model fc --images 2 --samples 2 --vocab 50 --hidden 8 \
                     --feature 6 --length 10 --dropout 0.1 --threads 1 --steps 2 --warmup 1";
    let printed = workplace.succeed(&arguments.split_whitespace().collect::<Vec<_>>());
    assert_eq!(printed.lines().count(), 1, "{printed}");
    let report: Value = serde_json::from_str(&printed).expect("JSON");
    for name in ["scst", "backend", "device", "model"] {
        assert!(report[name].is_string(), "{name} in {report}");
    }
    for name in [
        "xe_ms",
        "scst_ms",
        "mean_caption_length",
        "threads",
        "hidden",
    ] {
        assert!(report[name].is_number(), "{name} in {report}");
    }
    // What came with texts is no key of images.
    assert!(report.get("task").is_none() && report.get("encoder").is_none());
    for name in ["greedy", "rollout", "reward", "update"] {
        let parts = &report["scst_parts_ms"];
        assert!(parts[name].is_number(), "{name} in {report}");
    }
    let multiply_adds = |part: &str| report["multiply_adds"][part].as_u64().expect("a count");
    let parts = ["xe", "greedy", "rollout", "reward", "update"].map(multiply_adds);
    assert_eq!(parts.iter().sum::<u64>(), multiply_adds("total"));
    // Rewards multiply nothing; an update goes back, for which there are two products in place of each one of the rollout.
    assert_eq!(parts[3], 0);
    let [rollout, update] = [parts[2], parts[4]];
    assert!((rollout..3 * rollout).contains(&update), "{report}");
    assert_eq!(report["images"], 2);
    assert_eq!(report["samples"], 2);
    assert_eq!(report["vocab"], 50);
    assert_eq!(report["length"], 10);
    assert_eq!(report["threads"], 1);
    assert_eq!(report["backend"], "flex");
    let keys = report.as_object().expect("an object");
    assert_eq!(keys["peak_rss_mib"].is_u64(), cfg!(target_os = "linux"));
    assert!(keys["peak_device_mib"].is_null());
}

#[test]
fn bench_step_times_every_captioner_by_its_name() {
    let workplace = Workplace::new();
    let sizes = "--images 2 --samples 2 --vocab 20 --hidden 4 --feature 3 --regions 2 --length 9 \
                 --threads 1 --steps 1 --warmup 0";
    for (model, regions) in [
        ("fc", 1),
        ("show_tell", 1),
        ("att2in", 2),
        ("att2all", 2),
        ("up_down", 2),
    ] {
        let arguments = format!("bench step --model {model} {sizes}");
        let printed = workplace.succeed(&arguments.split_whitespace().collect::<Vec<_>>());
        let report: Value = serde_json::from_str(&printed).expect("JSON");
        assert_eq!(report["model"], model);
        assert_eq!(report["regions"], regions, "{model}");
    }
}

#[test]
fn bench_step_reads_texts_by_every_encoder() {
    let workplace = Workplace::new();
    let sizes = "--sources 3 --source-length 6 --source-vocab 15 --samples 2 --vocab 20 --hidden 8 --length 9 \
                 --threads 1 --steps 1 --warmup 0";
    for (options, model, encoder) in [
        ("", "att2in", "lstm"),
        (
            "--model transformer --encoder transformer",
            "transformer",
            "transformer",
        ),
    ] {
        let arguments = format!("bench step --task text {options} {sizes}");
        let printed = workplace.succeed(&arguments.split_whitespace().collect::<Vec<_>>());
        let report: Value = serde_json::from_str(&printed).expect("JSON");
        for (name, expected) in [("task", "text"), ("model", model), ("encoder", encoder)] {
            assert_eq!(report[name], expected, "{report}");
        }
        for (name, expected) in [("sources", 3), ("source_length", 6), ("source_vocab", 15)] {
            assert_eq!(report[name], expected, "{report}");
        }
        let length = report["mean_source_length"].as_f64().expect("a number");
        assert!((2.0..=6.0).contains(&length), "{report}");
        assert!(report.get("images").is_none() && report.get("regions").is_none());
    }
}

#[test]
fn bench_step_refuses_flags_of_the_other_task() {
    let workplace = Workplace::new();
    for (task, flags, other) in [
        (
            "image",
            ["sources", "source-length", "source-vocab"].as_slice(),
            "text",
        ),
        ("text", ["images", "feature", "regions"].as_slice(), "image"),
    ] {
        for flag in flags {
            let flag = format!("--{flag}");
            let message = workplace.refuse(2, &["bench", "step", "--task", task, &flag, "5"]);
            let expected =
                format!("{flag}: found it with `--task {task}`, expected `--task {other}`");
            assert!(message.contains(&expected), "{message}");
        }
    }
    let message = workplace.refuse(2, &["bench", "step", "--encoder", "lstm"]);
    assert!(
        message.contains("--encoder: found it with `--task image`"),
        "{message}"
    );
    let message = workplace.refuse(2, &["bench", "step", "--task", "sound"]);
    assert!(
        message.contains("--task") && message.contains("image"),
        "{message}"
    );
}

#[test]
fn bench_step_refuses_sizes_that_are_out_of_range() {
    let workplace = Workplace::new();
    for (option, value, expected) in [
        ("images", "0", "found 0, expected 1 "),
        ("samples", "0", "found 0, expected 1 "),
        ("vocab", "9", "found 9, expected 10 "),
        ("hidden", "0", "found 0, expected 1 "),
        ("feature", "0", "found 0, expected 1 "),
        ("length", "8", "found 8, expected 9 "),
        ("steps", "0", "found 0, expected 1 "),
        ("dropout", "1", "found 1, expected 0 or more, less than 1"),
        ("threads", "0", "found 0, expected 1 "),
        ("backend", "tpu", "expected one of flex"),
        ("model", "lstm", "--model: found `lstm`, expected fc, "),
    ] {
        let message = workplace.refuse(2, &["bench", "step", &format!("--{option}"), value]);
        assert!(
            message.contains(option) && message.contains(expected),
            "{message}"
        );
    }
}
