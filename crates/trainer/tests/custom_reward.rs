//! The example of a reward of another crate, run as a program.

use std::{path::PathBuf, process::Command};

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

fn example() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let program = format!("custom_reward{}", std::env::consts::EXE_SUFFIX);
    profile.join("examples").join(program)
}

#[test]
fn example_trains_on_its_own_reward_and_refuses_what_is_not_registered() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let config = directory.path().join("config.toml");
    let scenes = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/scenes");
    std::fs::write(&config, CONFIG.replace("SCENES", scenes)).expect("a file can be written");
    let run = |name: &str, reward: &str| {
        let output = Command::new(example())
            .arg(&config)
            .arg(directory.path().join(name))
            .arg(format!(
                "stages.1.scst.rewards=[{{cider_d={{}}}},{{weight=0.5,custom={reward}}}]"
            ))
            .output()
            .expect("the example starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (
            output.status.success(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let (success, _, errors) = run("good", r#"{name="agreement",options={references=3}}"#);
    assert!(success, "{errors}");
    let metrics = std::fs::read_to_string(directory.path().join("good/metrics.jsonl"));
    let metrics = metrics.expect("a run leaves its metrics");
    assert!(metrics.contains("reward_agreement"), "{metrics}");

    let (success, _, errors) = run("unknown", r#"{name="agrement"}"#);
    assert!(!success);
    assert!(errors.contains("agrement"), "{errors}");
    assert!(!directory.path().join("unknown").exists());
}
