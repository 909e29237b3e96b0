//! The main job: a run of two stages, its directory, and its evaluation.

mod support;

use std::{ffi::OsStr, path::Path};

use serde_json::Value;
use support::{Workplace, newest_checkpoint};

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn train_leaves_the_promised_files_and_eval_reads_them() {
    let workplace = Workplace::new();
    let printed = workplace.succeed(&["train", "config.toml"]);
    assert!(printed.contains("run: runs/tiny"), "{printed}");

    for file in [
        "config.toml",
        "metrics.jsonl",
        "curve.svg",
        "summary.json",
        "best/model.safetensors",
        "best/tokenizer.json",
    ] {
        assert!(workplace.path("runs/tiny").join(file).is_file(), "{file}");
    }
    assert!(workplace.path("runs/tiny/tensorboard").is_dir());
    let newest = newest_checkpoint(&workplace.path("runs/tiny"));
    // 48 training images in batches of 4: 12 steps an epoch, six epochs in all.
    assert!(newest.ends_with("step-00000072"), "{}", newest.display());

    let summary = json(&workplace.text("runs/tiny/summary.json"));
    let stages = summary["stages"].as_array().expect("stages");
    assert_eq!(stages.len(), 2);
    for (stage, (kind, steps)) in stages.iter().zip([("xe", 48), ("scst", 24)]) {
        assert_eq!(stage["kind"], kind);
        assert_eq!(stage["steps"], steps);
        assert!(stage["seconds"].as_f64().expect("a number") > 0.0);
        assert!(stage["best"]["cider_d"].is_f64());
    }
    assert!(
        summary["signature"]
            .as_str()
            .expect("text")
            .contains("cider_d")
    );

    let records: Vec<Value> = workplace
        .text("runs/tiny/metrics.jsonl")
        .lines()
        .map(json)
        .collect();
    let train = records.iter().filter(|record| record["kind"] == "train");
    let scst: Vec<&Value> = train.filter(|record| record["stage"] == "scst").collect();
    assert_eq!(scst.len(), 6);
    for name in [
        "loss",
        "reward",
        "baseline",
        "advantage",
        "reward_spread",
        "zero_advantage_share",
        "entropy",
        "caption_length",
        "cut_off_share",
        "gradient_norm",
        "learning_rate",
        "sources_per_sec",
        "tokens_per_sec",
        "rollout_secs",
        "reward_secs",
        "update_secs",
        "reward_cider_d",
        "reward_bleu_2",
    ] {
        assert!(scst[0][name].is_f64(), "{name} in {}", scst[0]);
    }

    let text = workplace.succeed(&["eval", "runs/tiny", "--json"]);
    let report = json(&text);
    assert_eq!(report["split"], "val");
    assert_eq!(report["images"], 12);
    assert_eq!(report["decoder"], "greedy");
    for metric in ["bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l"] {
        assert!(report["metrics"][metric].is_f64(), "{metric}");
    }
    assert_eq!(report["metrics"]["cider_d"], summary["best"]["cider_d"]);
    assert!(report["signature"].is_string());
}

#[test]
fn eval_scores_other_data_and_writes_results_for_the_coco_server() {
    let workplace = Workplace::new();
    workplace.succeed(&["train", "config.toml", "--set", "stages.1.epochs=1"]);
    workplace.write_data("other_");
    let text = workplace.succeed(&[
        "eval",
        "runs/tiny",
        "--split",
        "train",
        "--beam",
        "3",
        "--json",
        "--captions",
        "other_captions.csv",
        "--splits",
        "other_splits.csv",
        "--features",
        "other_features.npy",
        "--out",
        "results.json",
    ]);
    let report = json(&text);
    assert_eq!(report["decoder"], "beam 3");
    assert_eq!(report["images"], 48);
    let results = json(&workplace.text("results.json"));
    let results = results.as_array().expect("a list");
    assert_eq!(results.len(), 48);
    for result in results {
        // A table has no ids: images go by their names.
        let image = result["image_id"].as_str().expect("text");
        let ending = Path::new(image).extension();
        assert_eq!(ending.and_then(OsStr::to_str), Some("png"), "{image}");
        let caption = result["caption"].as_str().expect("text");
        assert!(
            !caption.is_empty() && !caption.contains("<unk>"),
            "{caption}"
        );
    }
}

#[test]
fn training_learns_the_tiny_data() {
    let workplace = Workplace::new();
    workplace.succeed(&["train", "config.toml", "--set", "stages.0.epochs=15"]);
    let summary = json(&workplace.text("runs/tiny/summary.json"));
    let best = summary["best"]["cider_d"].as_f64().expect("a number");
    assert!(best > 1.0, "CIDEr-D {best}");
    // The training reward rises while self-critical training goes on.
    let records = workplace.text("runs/tiny/metrics.jsonl");
    let rewards: Vec<f64> = records
        .lines()
        .filter_map(|r| json(r)["reward"].as_f64())
        .collect();
    let (first, last) = (rewards[0], rewards[rewards.len() - 1]);
    assert!(last > first, "reward {first} to {last}");
}

/// Trains with changes to the first stage; the training records of that stage, and its best CIDEr-D.
fn first_stage(workplace: &Workplace, out: &str, changes: &[&str]) -> (Vec<Value>, f64) {
    let mut arguments = vec!["train", "config.toml", "--out", out];
    let changes: Vec<String> = changes.iter().map(|c| format!("stages.0.{c}")).collect();
    for change in &changes {
        arguments.extend(["--set", change]);
    }
    arguments.extend(["--set", "stages.1.epochs=1"]);
    workplace.succeed(&arguments);
    let records = workplace.text(&format!("{out}/metrics.jsonl"));
    let records = records.lines().map(json);
    let records = records.filter(|r| r["kind"] == "train" && r["stage"] == "xe");
    let summary = json(&workplace.text(&format!("{out}/summary.json")));
    let best = summary["stages"][0]["best"]["cider_d"].as_f64();
    (records.collect(), best.expect("a number"))
}

#[test]
fn brier_stage_learns_the_tiny_data() {
    let workplace = Workplace::new();
    let (records, best) = first_stage(&workplace, "brier", &["xe.loss=brier", "epochs=20"]);
    assert!(best > 1.0, "CIDEr-D {best}");
    let losses = records
        .iter()
        .map(|r| r["loss"].as_f64().expect("a number"));
    let losses: Vec<f64> = losses.collect();
    let (first, last) = (losses[0], losses[losses.len() - 1]);
    // The Brier score lies between 0 and 2; before training it is close to 1 - 1/V.
    assert!(
        first > 0.8 && first < 1.1 && last < 0.6,
        "{first} to {last}"
    );
}

#[test]
fn student_that_begins_as_its_teacher_has_no_gradient_but_for_gold_words() {
    let workplace = Workplace::new();
    first_stage(&workplace, "teacher", &["epochs=2"]);
    let norm = |out: &str, weight: &str| {
        let changes = [
            weight,
            "xe.loss.distillation.teacher=teacher",
            "start_from.checkpoint=teacher",
            "dropout=0.0",
            "learning_rate=1e-9",
            "epochs=1",
        ];
        let (records, _) = first_stage(&workplace, out, &changes);
        records[0]["gradient_norm"].as_f64().expect("a number")
    };
    let taught = norm("taught", "xe.loss.distillation.weight=1.0");
    let mixed = norm("mixed", "xe.loss.distillation.weight=0.5");
    assert!(taught < 1e-6 && mixed > 1e-2, "{taught:e} {mixed:e}");
}

#[test]
fn same_seed_gives_the_same_bytes_and_another_seed_does_not() {
    let workplace = Workplace::new();
    let weights = |out: &str, seed: &str| {
        workplace.succeed(&[
            "train",
            "config.toml",
            "--out",
            out,
            "--seed",
            seed,
            "--set",
            "stages.0.epochs=1",
            "--set",
            "stages.1.epochs=1",
        ]);
        workplace.read(&format!(
            "{out}/checkpoints/step-00000024/model.safetensors"
        ))
    };
    let first = weights("a", "3");
    assert!(first == weights("b", "3"), "two runs of one seed differ");
    assert!(first != weights("c", "4"), "two seeds agree");
}

#[test]
fn config_prints_what_it_reads_back() {
    let workplace = Workplace::new();
    let printed = workplace.succeed(&["config", "config.toml", "--threads", "1"]);
    assert!(printed.contains("threads = 1"), "{printed}");
    assert!(
        printed.contains("beta_2 = 0.999"),
        "defaults are shown: {printed}"
    );
    workplace.write("again.toml", printed.as_bytes());
    assert_eq!(workplace.succeed(&["config", "again.toml"]), printed);
}

#[test]
fn every_shipped_configuration_resolves() {
    let workplace = Workplace::new();
    let configs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs");
    let mut count = 0;
    for entry in std::fs::read_dir(configs).expect("the directory configs") {
        let path = entry.expect("an entry").path();
        workplace.succeed(&["config", path.to_str().expect("UTF-8")]);
        count += 1;
    }
    assert!(count >= 2, "found {count} configurations");
}
