//! A captioner that attends to the regions of an image: training, evaluation, resuming, and features or weights that
//! do not fit.

mod support;

use support::{CONFIG, Workplace};

const FC: &str = "[model.fc]\nhidden = 24";
const ATT2IN: &str = "[model.att2in]\nattention_size = 20\nhidden = 24";
const UP_DOWN: &str = "[model.up_down]\nattention_size = 20\nhidden = 24";
const POOLED: &str = "features.npy = { path = \"features.npy\" }";
const REGIONS: &str = "features.folder = { path = \"regions\" }";

const HARD: &str =
    "[model.show_attend_tell]\nattention = \"hard\"\nattention_size = 20\nhidden = 24";

/// A workplace whose configuration reads regions with this captioner.
fn workplace(captioner: &str) -> Workplace {
    let workplace = Workplace::new();
    let config = CONFIG.replace(FC, captioner).replace(POOLED, REGIONS);
    assert!(config.contains(captioner) && config.contains(REGIONS));
    workplace.write("config.toml", config.as_bytes());
    workplace
}

#[test]
fn att2in_trains_on_regions_and_resumes_as_if_never_stopped() {
    assert_resumes(ATT2IN, "step-00000070");
}

#[test]
fn up_down_trains_on_regions_and_resumes_as_if_never_stopped() {
    assert_resumes(UP_DOWN, "step-00000070");
}

#[test]
fn hard_attention_trains_on_regions_and_resumes_as_if_never_stopped() {
    // In the middle of the first stage, where regions are compared with a moving average, and of the second.
    for lost_after in ["step-00000038", "step-00000070"] {
        assert_resumes(HARD, lost_after);
    }
}

/// A run that lost all checkpoints after `lost_after` goes on to the weights of one that did not.
fn assert_resumes(captioner: &str, lost_after: &str) {
    let workplace = workplace(captioner);
    let keep = ["--set", "checkpoints.keep=100"];
    workplace.succeed(&["train", "config.toml"]);
    let report = workplace.succeed(&["eval", "runs/tiny", "--json", "--beam", "2"]);
    assert!(report.contains("cider_d"), "{report}");

    let stopped = [&["train", "config.toml", "--out", "stopped"][..], &keep].concat();
    workplace.succeed(&stopped);
    for entry in std::fs::read_dir(workplace.path("stopped/checkpoints")).expect("checkpoints") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with("step-") && name > lost_after) {
            std::fs::remove_dir_all(path).expect("a directory less");
        }
    }
    workplace.succeed(&[&stopped[..], &["--resume"]].concat());
    let weights = |run: &str| {
        workplace.read(&format!(
            "{run}/checkpoints/step-00000072/model.safetensors"
        ))
    };
    assert!(weights("runs/tiny") == weights("stopped"));
}

#[test]
fn features_of_the_wrong_form_are_refused_with_what_the_captioner_reads() {
    let workplace = Workplace::new();
    let config = CONFIG.replace(POOLED, REGIONS);
    workplace.write("config.toml", config.as_bytes());
    let message = workplace.refuse(2, &["train", "config.toml"]);
    assert!(
        message.contains(
            "`regions`: found vectors of regions, expected one vector an image, as captioner `fc` reads"
        ),
        "{message}"
    );
    let config = CONFIG.replace(FC, ATT2IN);
    workplace.write("config.toml", config.as_bytes());
    let message = workplace.refuse(2, &["train", "config.toml"]);
    assert!(
        message.contains(
            "`features.npy`: found one vector an image, expected vectors of regions, as captioner `att2in` reads"
        ),
        "{message}"
    );
    assert!(!workplace.path("runs").exists(), "nothing is left behind");
}

#[test]
fn weights_of_another_captioner_are_refused_before_the_run_begins() {
    let workplace = workplace(ATT2IN);
    let plain = ["--set", "data.standardise=false"];
    let once = ["--set", "stages.0.epochs=1", "--set", "stages.1.epochs=1"];
    let once = [&once[..], &plain].concat();
    let start = "stages.1.start_from={checkpoint=\"att2in\"}";
    let refused = |changed: &[&str]| {
        let arguments = [
            &["train", "config.toml", "--set", start][..],
            &plain,
            changed,
        ]
        .concat();
        let message = workplace.refuse(2, &arguments);
        assert!(!workplace.path("runs").exists(), "nothing is left behind");
        message
    };
    workplace.succeed(&[&["train", "config.toml", "--out", "att2in"][..], &once].concat());
    let message = refused(&["--set", "model.att2in.attention_size=10"]);
    for part in [
        "model.safetensors",
        "parameter `",
        "the configuration asks for",
    ] {
        assert!(message.contains(part), "{part} in: {message}");
    }
    workplace.write("config.toml", CONFIG.as_bytes());
    let message = refused(&[]);
    for part in ["att2in", "vectors of regions", "one vector an image"] {
        assert!(message.contains(part), "{part} in: {message}");
    }
}
