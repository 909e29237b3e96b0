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
    for name in ["greedy", "rollout", "reward", "update"] {
        let parts = &report["scst_parts_ms"];
        assert!(parts[name].is_number(), "{name} in {report}");
    }
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
