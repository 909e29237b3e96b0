//! The program trains on its own reward, and knows the names that it has.

use std::{path::Path, process::Command};

const CONFIG: &str = r#"
log_every_steps = 1

[data]
captions.kaggle = { captions = "SCENES/captions.csv", splits = "SCENES/splits.csv" }
features.npy = { path = "SCENES/pooled.npy" }
minimum_count = 2
max_length = 8

[model.fc]
hidden = 8
embedding = 8

[[stages]]
steps = 2
images_per_batch = 4
xe = {}

[[stages]]
steps = 2
images_per_batch = 4
[stages.scst]
samples_per_image = 2
[[stages.scst.rewards]]
cider_d = {}
"#;

/// Trains in a directory with a second reward; exit code and what was said.
fn train(directory: &Path, out: &str, reward: &str) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_own-reward"))
        .current_dir(directory)
        .args(["train", "config.toml", "--out", out, "--set"])
        .arg(format!(
            "stages.1.scst.rewards=[{{cider_d={{}}}},{{weight=0.5,custom={reward}}}]"
        ))
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

#[test]
fn own_reward_is_trained_on_and_a_mistyped_one_is_named() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let directory = directory.path();
    let scenes = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/scenes");
    let config = CONFIG.replace("SCENES", scenes);
    std::fs::write(directory.join("config.toml"), config).expect("a file can be written");

    let own = r#"{name="agreement",options={references=3}}"#;
    let (code, said) = train(directory, "run", own);
    assert_eq!(code, Some(0), "{said}");
    let metrics = std::fs::read_to_string(directory.join("run/metrics.jsonl"));
    let metrics = metrics.expect("a run leaves its metrics");
    assert!(metrics.contains("reward_agreement"), "{metrics}");

    for (reward, expected) in [
        (r#"{name="agrement"}"#, "agrement"),
        (
            r#"{name="agreement",options={references=0}}"#,
            "found `references` = 0, expected `references` of 1 or more",
        ),
    ] {
        let (code, said) = train(directory, "refused", reward);
        assert!(code.is_some_and(|code| code > 0), "{said}");
        assert!(said.contains(expected), "{said}");
        assert!(!directory.join("refused").exists());
    }
}
