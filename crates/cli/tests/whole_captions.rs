//! The Markov captioner, which scores whole captions: both stages, all decoders, resuming, and what it is not for.

mod support;

use support::{CONFIG, Workplace, forget_from};

const SAMPLING: &str = ", scheduled_sampling = { increase = 0.1, every_epochs = 2 }";

fn workplace() -> Workplace {
    let workplace = Workplace::new();
    let markov = "[model.markov]\nhidden = 24\npositions = 8\nshortlist = 9\nrank = 3";
    let config = CONFIG
        .replace("[model.fc]\nhidden = 24\nembedding = 16", markov)
        .replace(SAMPLING, "");
    assert!(config.contains(markov) && !config.contains("scheduled_sampling"));
    workplace.write("config.toml", config.as_bytes());
    workplace
}

#[test]
fn run_trains_resumes_to_the_same_bytes_and_decodes_with_every_search() {
    let workplace = workplace();
    workplace.succeed(&["train", "config.toml"]);
    workplace.succeed(&["train", "config.toml", "--out", "stopped"]);
    forget_from(&workplace.path("stopped"), "step-00000066");
    workplace.succeed(&["train", "config.toml", "--out", "stopped", "--resume"]);
    let last = "checkpoints/step-00000072/model.safetensors";
    let weights = |run: &str| workplace.read(&format!("{run}/{last}"));
    assert!(weights("runs/tiny") == weights("stopped"));

    let metrics = workplace.text("runs/tiny/metrics.jsonl");
    let values = |kind: &str, name: &str| -> Vec<f64> {
        let records = metrics.lines().filter(|line| line.contains(kind));
        let record = records.map(|line| serde_json::from_str(line).expect("JSON"));
        record
            .filter_map(|record: serde_json::Value| record[name].as_f64())
            .collect()
    };
    let loss = values("\"xe\"", "loss");
    assert!(loss[loss.len() - 1] < 0.7 * loss[0], "{loss:?}");
    let outside = values("train", "outside_shortlist");
    assert!(!outside.is_empty() && outside.iter().all(|&share| share > 0.0 && share < 1.0));

    for decoder in [
        &[][..],
        &["--beam", "3"],
        &["--samples", "3", "--rerank", "consensus"],
        &["--minimum-length", "2", "--no-repeat-ngram", "1"],
        &["--ensemble", "stopped"],
    ] {
        let report = workplace.succeed(&[&["eval", "runs/tiny"][..], decoder].concat());
        assert!(report.contains("CIDEr-D"), "{report}");
    }
}

#[test]
fn what_needs_a_softmax_over_single_words_is_refused() {
    let workplace = workplace();
    for (change, key) in [
        ("model.markov.positions=9", "model.markov.positions"),
        ("model.markov.shortlist=3", "stages.0.xe.targets_per_source"),
        ("stages.0.xe.loss=brier", "stages.0.xe.loss"),
        (
            "stages.0.xe.label_smoothing=0.1",
            "stages.0.xe.label_smoothing",
        ),
        (
            "stages.0.xe.scheduled_sampling.maximum=0.5",
            "stages.0.xe.scheduled_sampling",
        ),
        ("stages.1.scst.baseline=learned", "stages.1.scst.baseline"),
        (
            "stages.1.scst.objective=max_margin",
            "stages.1.scst.objective",
        ),
        ("stages.1.scst.mixer.shrink=1", "stages.1.scst.mixer"),
        ("stages.1.scst.kl_weight=0.1", "stages.1.scst.kl_weight"),
        (
            "stages.1.scst.entropy_bonus=0.1",
            "stages.1.scst.entropy_bonus",
        ),
    ] {
        let message = workplace.refuse(2, &["train", "config.toml", "--set", change]);
        assert!(
            message.contains(&format!("{key}: found"))
                || message.contains(&format!("`{key}`: found")),
            "{message}"
        );
    }
    workplace.succeed(&["train", "config.toml", "--set", "stages.0.epochs=1"]);
    workplace.write("student.toml", CONFIG.as_bytes());
    let teacher = "stages.0.xe.loss.distillation.teacher=runs/tiny";
    let message = workplace.refuse(
        2,
        &[
            "train",
            "student.toml",
            "--out",
            "student",
            "--set",
            teacher,
        ],
    );
    assert!(message.contains("scores whole captions"), "{message}");
}
