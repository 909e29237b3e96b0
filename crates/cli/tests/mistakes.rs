//! Mistakes on purpose: each is one sentence with file, key, value and expectation, and exit
//! code 2; nothing half-written stays behind.

mod support;

use std::fs;

use support::{CONFIG, Workplace, newest_checkpoint};

/// The message for a configuration in which `from` is replaced by `to`.
fn message_when(from: &str, to: &str) -> String {
    let workplace = Workplace::new();
    assert!(CONFIG.contains(from), "the configuration has {from}");
    workplace.write("config.toml", CONFIG.replacen(from, to, 1).as_bytes());
    let message = workplace.refuse(2, &["train", "config.toml"]);
    assert!(
        !workplace.path("runs").exists(),
        "nothing is left behind: {message}"
    );
    message
}

fn assert_names(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part} in: {message}");
    }
}

#[test]
fn unknown_key_is_named_with_what_was_expected() {
    let message = message_when("minimum_count", "min_count");
    assert_names(
        &message,
        &[
            "config.toml",
            "min_count",
            "no such key, did you mean `data.minimum_count`?",
        ],
    );
    let message = message_when("cider_d = {}", "cider = {}");
    assert_names(&message, &["stages.1.scst.rewards.0", "cider", "cider_d"]);
}

#[test]
fn wrong_type_is_named_with_its_key() {
    let message = message_when("hidden = 24", "hidden = \"big\"");
    assert_names(
        &message,
        &[
            "config.toml",
            "model.fc.hidden",
            "big",
            "expected a whole number",
        ],
    );
}

#[test]
fn all_values_out_of_range_are_reported_at_once() {
    let workplace = Workplace::new();
    let message = workplace.refuse(
        2,
        &[
            "train",
            "config.toml",
            "--set",
            "model.fc.dropout=1.5",
            "--set",
            "stages.0.learning_rate=-1",
            "--set",
            "stages.1.scst.samples_per_source=0",
        ],
    );
    assert_names(
        &message,
        &[
            "--set model.fc.dropout: found 1.5, expected 0 or more, less than 1",
            "--set stages.0.learning_rate: found -1, expected a finite number above 0",
            "--set stages.1.scst.samples_per_source: found 0, expected 1 or more",
        ],
    );
}

#[test]
fn heads_that_do_not_divide_the_units_are_refused() {
    let message = message_when(
        "[model.fc]\nhidden = 24\nembedding = 16",
        "[model.transformer]\nhidden = 24\nheads = 5",
    );
    assert_names(
        &message,
        &["key `model.transformer.heads`: found 5, expected 1 or more, a divisor of `hidden` = 24"],
    );
}

#[test]
fn stage_without_or_with_two_objectives_is_refused() {
    let message = message_when(
        "xe = { targets_per_source = 3",
        "xe_ = { targets_per_source = 3",
    );
    assert_names(&message, &["xe_"]);
    let message = message_when("[stages.scst]", "[stages.xe]\n[stages.scst]");
    assert_names(&message, &["stages.1.xe", "one objective"]);
}

#[test]
fn label_smoothing_is_refused_with_the_brier_score() {
    let message = message_when(
        "xe = { targets_per_source = 3",
        "xe = { loss = \"brier\", label_smoothing = 0.1, targets_per_source = 3",
    );
    assert_names(
        &message,
        &["key `stages.0.xe.label_smoothing`: found 0.1, expected 0 with the loss `brier`"],
    );
    let message = message_when("xe = { targets", "xe = { loss = \"hinge\", targets");
    assert_names(
        &message,
        &["stages.0.xe.loss", "hinge", "cross_entropy", "brier"],
    );
}

#[test]
fn teacher_that_does_not_fit_is_refused_before_training() {
    let teacher = "stages.0.xe.loss.distillation.teacher";
    let workplace = trained();
    let refuse = |changes: &[&str]| {
        let mut arguments = vec!["train", "config.toml", "--out", "student"];
        for change in changes {
            arguments.extend(["--set", change]);
        }
        let message = workplace.refuse(2, &arguments);
        assert!(!workplace.path("student").exists(), "{message}");
        message
    };
    let found = format!("{teacher}=runs/tiny");
    assert_names(
        &refuse(&[&format!("{teacher}=nowhere")]),
        &["stage `xe`: teacher:", "nowhere", "no run or checkpoint"],
    );
    assert_names(
        &refuse(&[&found, "stages.0.xe.loss.distillation.temperature=0"]),
        &[
            "--set stages.0.xe.loss.distillation.temperature: found 0, expected a finite number above 0",
        ],
    );
    assert_names(
        &refuse(&[&found, "data.minimum_count=100"]),
        &["stage `xe`: teacher:", "tokenizer of another run"],
    );
    write_features_of_another_dimension(&workplace);
    assert_names(
        &refuse(&[&found, "data.features.npy.path=wide.npy"]),
        &[
            "stage `xe`: teacher:",
            "`wide.npy`: found one vector an image of 3 dimensions, expected one vector an image of 8 dimensions, as \
             checkpoint `runs/tiny/best` reads",
        ],
    );
    assert_names(
        &refuse(&[&found, "data.standardise=false"]),
        &["stage `xe`: teacher:", "standardised otherwise"],
    );
}

#[test]
fn broken_toml_names_the_line() {
    let message = message_when("seed = 3", "seed = = 3");
    assert_names(&message, &["config.toml", "line 3"]);
}

#[test]
fn missing_files_are_named() {
    let workplace = Workplace::new();
    let message = workplace.refuse(2, &["train", "nowhere.toml"]);
    assert_names(&message, &["nowhere.toml", "No such file"]);
    let message = message_when("\"captions.csv\"", "\"nowhere.csv\"");
    assert_names(&message, &["nowhere.csv", "No such file"]);
    let message = message_when("\"features.npy\"", "\"nowhere.npy\"");
    assert_names(&message, &["nowhere.npy", "No such file"]);
    let message = workplace.refuse(2, &["eval", "nowhere"]);
    assert_names(&message, &["nowhere", "no run or checkpoint"]);
}

#[test]
fn captions_without_features_are_named() {
    let workplace = Workplace::new();
    let names = workplace
        .text("features.names.txt")
        .replace("image7.png", "other.png");
    workplace.write("features.names.txt", names.as_bytes());
    let message = workplace.refuse(2, &["train", "config.toml"]);
    assert_names(
        &message,
        &[
            "`features.names.txt`: no features for 1 of 60 images: \"image7.png\"",
            "found rows of no image: \"other.png\"",
        ],
    );
    assert!(!workplace.path("runs").exists());
}

#[test]
fn truncated_features_and_nan_are_found_before_training() {
    let workplace = Workplace::new();
    let whole = workplace.read("features.npy");
    workplace.write("features.npy", &whole[..whole.len() - 10]);
    let message = workplace.refuse(2, &["train", "config.toml"]);
    assert_names(&message, &["features.npy", "bytes"]);

    let mut damaged = whole;
    let end = damaged.len();
    damaged[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    workplace.write("features.npy", &damaged);
    let message = workplace.refuse(2, &["train", "config.toml"]);
    assert_names(&message, &["features.npy", "NaN", "image59.png"]);
}

#[test]
fn backend_that_is_unknown_or_not_compiled_in_is_one_sentence() {
    let workplace = Workplace::new();
    let message = workplace.refuse(2, &["train", "config.toml", "--backend", "abacus"]);
    assert_names(&message, &["backend", "abacus", "flex"]);
    if !cfg!(feature = "cuda") {
        let message = workplace.refuse(2, &["train", "config.toml", "--backend", "cuda"]);
        assert_names(
            &message,
            &["`cuda` is not compiled into this binary", "--features cuda"],
        );
    }
}

#[test]
fn malformed_override_is_explained() {
    let workplace = Workplace::new();
    let message = workplace.refuse(2, &["train", "config.toml", "--set", "seed"]);
    assert_names(&message, &["`seed`", "key.path=value"]);
    let message = workplace.refuse(2, &["train", "config.toml", "--set", "stages.7.epochs=1"]);
    assert_names(&message, &["`7` is no element of a list of 2"]);
}

#[test]
fn batch_larger_than_the_training_set_is_refused() {
    let message = message_when("sources_per_batch = 4", "sources_per_batch = 49");
    assert_names(&message, &["stage `xe`", "49", "48 training sources"]);
}

/// A finished short run, for damaging.
fn trained() -> Workplace {
    let workplace = Workplace::new();
    workplace.succeed(&[
        "train",
        "config.toml",
        "--set",
        "stages.0.epochs=1",
        "--set",
        "stages.1.epochs=1",
    ]);
    workplace
}

#[test]
fn damaged_checkpoint_is_refused_with_the_file_named() {
    let workplace = trained();
    let names = [
        "model.safetensors",
        "state.json",
        "config.toml",
        "standardisation.safetensors",
        "manifest.json",
    ];
    for name in names {
        let path = workplace.path("runs/tiny/best").join(name);
        let whole = fs::read(&path).expect("the file");
        fs::write(&path, &whole[..whole.len() / 2]).expect("a write");
        let message = workplace.refuse(2, &["eval", "runs/tiny"]);
        assert_names(&message, &[name, "damaged"]);

        let mut flipped = whole.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        fs::write(&path, &flipped).expect("a write");
        let message = workplace.refuse(2, &["eval", "runs/tiny"]);
        assert_names(&message, &["damaged"]);
        fs::write(&path, &whole).expect("a write");
    }
    workplace.succeed(&["eval", "runs/tiny", "--json"]);
}

#[test]
fn resume_from_a_damaged_checkpoint_is_refused() {
    let workplace = Workplace::new();
    let arguments = ["train", "config.toml", "--set", "stages.0.epochs=1"];
    workplace.succeed(&[&arguments[..], &["--set", "stages.1.epochs=1"]].concat());
    let newest = newest_checkpoint(&workplace.path("runs/tiny"));
    let path = newest.join("optimiser.safetensors");
    let whole = fs::read(&path).expect("the file");
    fs::write(&path, &whole[..100]).expect("a write");
    let all = [&arguments[..], &["--set", "stages.1.epochs=1", "--resume"]].concat();
    let message = workplace.refuse(2, &all);
    assert_names(&message, &["optimiser.safetensors", "damaged", "100 bytes"]);
    // The checkpoint before it is whole, and leads to the same weights.
    let said = workplace.run(&all).stderr;
    let said = String::from_utf8_lossy(&said).into_owned();
    let advice = "there is an earlier checkpoint: with `runs/tiny/checkpoints/step-00000024` deleted, the run goes on \
                  from `runs/tiny/checkpoints/step-000000";
    assert!(said.contains(advice), "{said}");
    let weights = fs::read(newest.join("model.safetensors")).expect("the file");
    fs::remove_dir_all(&newest).expect("a directory less");
    workplace.succeed(&all);
    assert!(fs::read(newest.join("model.safetensors")).expect("the file") == weights);
}

#[test]
fn tokenizer_of_another_run_is_refused() {
    let workplace = trained();
    let path = "runs/tiny/best/tokenizer.json";
    let other = workplace.text(path).replace("circle", "octagon");
    workplace.write(path, other.as_bytes());
    let message = workplace.refuse(2, &["eval", "runs/tiny"]);
    assert_names(&message, &["tokenizer.json", "another run", "fingerprint"]);
}

/// Writes `wide.npy`: features of 3 dimensions.
fn write_features_of_another_dimension(workplace: &Workplace) {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (60, 3), }";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    let padded = format!("{header:<117}\n");
    bytes.extend((padded.len() as u16).to_le_bytes());
    bytes.extend(padded.bytes());
    bytes.extend([0; 60 * 3 * 4]);
    workplace.write("wide.npy", &bytes);
    workplace.write("wide.names.txt", &workplace.read("features.names.txt"));
}

#[test]
fn features_of_another_dimension_are_refused_in_evaluation() {
    let workplace = trained();
    write_features_of_another_dimension(&workplace);
    let message = workplace.refuse(
        2,
        &[
            "eval",
            "runs/tiny",
            "--captions",
            "captions.csv",
            "--splits",
            "splits.csv",
            "--features",
            "wide.npy",
        ],
    );
    assert_names(&message, &["3", "8"]);
}

#[test]
fn files_that_could_not_be_written_are_refused_before_anything_is_computed() {
    let workplace = Workplace::new();
    for command in [
        &["report", "run"][..],
        &["card", "run"],
        &["eval", "run"],
        &["caption", "run", "--split", "val"],
        &["split", "captions.csv"],
        &["document-frequency", "--captions", "captions.csv"],
        &[
            "new",
            "mine",
            "--captions",
            "captions.csv",
            "--features",
            "features.npy",
        ],
    ] {
        let refused = |out: &str| workplace.refuse(2, &[command, &["--out", out]].concat());
        assert_eq!(
            refused("nowhere/file"),
            "error: --out: there is no folder `nowhere`",
            "{command:?}"
        );
        let regions = refused("regions");
        let expected = "found the folder `regions`, expected a file";
        assert!(regions.ends_with(expected), "{command:?}: {regions}");
    }
}
