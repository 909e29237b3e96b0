//! The program trains on its own reward, with its own captioner and by its own objective, reads captions in its own layout,
//! searches in its own way, and knows the names that it has.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

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

[validation]
images = 20

[[stages]]
steps = 2
sources_per_batch = 4
xe = {}

[[stages]]
steps = 2
sources_per_batch = 4
[stages.scst]
samples_per_source = 2
[[stages.scst.rewards]]
cider_d = {}
"#;

/// The option that chooses the captioner.
const GRU: &str = r#"model.custom={name="gru",options={hidden=8,embedding=6}}"#;

/// A directory with a configuration.
fn workplace() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let scenes = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/scenes");
    let config = CONFIG.replace("SCENES", scenes);
    fs::write(directory.path().join("config.toml"), config).expect("a file can be written");
    directory
}

fn program(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_own-reward"))
        .current_dir(directory)
        .args(arguments)
        .output()
        .expect("the program starts")
}

/// What it printed, if it went well.
fn printed(directory: &Path, arguments: &[&str]) -> String {
    let output = program(directory, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A run with this option is refused as the user's mistake, in words that hold `expected`, and leaves nothing.
fn assert_refused(directory: &Path, set: &str, expected: &str) {
    let arguments = ["train", "config.toml", "--out", "refused", "--set", set];
    let output = program(directory, &arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(output.status.code(), Some(2), "{set}: {said}");
    assert!(said.contains(expected), "{said}");
    assert!(!directory.join("refused").exists());
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn own_reward_is_trained_on_and_a_mistyped_one_is_named() {
    let directory = workplace();
    let directory = directory.path();
    let reward =
        |of: &str| format!("stages.1.scst.rewards=[{{cider_d={{}}}},{{weight=0.5,custom={of}}}]");

    let own = reward(r#"{name="agreement",options={references=3}}"#);
    printed(
        directory,
        &["train", "config.toml", "--out", "run", "--set", &own],
    );
    let metrics = fs::read_to_string(directory.join("run/metrics.jsonl"));
    let metrics = metrics.expect("a run leaves its metrics");
    assert!(metrics.contains("reward_agreement"), "{metrics}");

    for (of, expected) in [
        (r#"{name="agrement"}"#, "agrement"),
        (
            r#"{name="agreement",options={references=0}}"#,
            "found `references` = 0, expected `references` of 1 or more",
        ),
    ] {
        let wrong = reward(of);
        let arguments = ["train", "config.toml", "--out", "refused", "--set", &wrong];
        let output = program(directory, &arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code().is_some_and(|code| code > 0), "{said}");
        assert!(said.contains(expected), "{said}");
        assert!(!directory.join("refused").exists());
    }
}

#[test]
fn own_objective_trains_to_the_same_bits_and_a_mistyped_one_is_named() {
    let directory = workplace();
    let directory = directory.path();
    let set = |custom: &str| format!("stages.1.scst.objective={{custom={custom}}}");
    let own = set(r#"{name="ranks",options={power=2}}"#);
    let train = |out: &str, more: &[&str]| {
        let arguments = [&["train", "config.toml", "--out", out, "--set"], more].concat();
        printed(directory, &arguments);
        read(
            &directory
                .join(out)
                .join("checkpoints/step-00000004/model.safetensors"),
        )
    };
    let weights = train("run", &[&own]);
    assert_eq!(train("again", &[&own]), weights);
    assert_ne!(train("plain", &["seed=1"]), weights);
    // The ratio of later updates is there to be read, and so is its metric.
    train(
        "twice",
        &[&own, "--set", "stages.1.scst.updates_per_rollout=2"],
    );
    let metrics = String::from_utf8(read(&directory.join("twice/metrics.jsonl"))).expect("text");
    assert!(metrics.contains("kl_from_rollout"), "{metrics}");

    for (custom, expected) in [
        (
            r#"{name="rank"}"#,
            "`objective.custom.name`: found `rank`, expected one that this program has of its own: `ranks`",
        ),
        (r"{}", "`stages.1.scst.objective.custom.name`: found none"),
        (
            r#"{name="ranks",options={power=0}}"#,
            "objective `ranks`: found `power` = 0, expected `power` above 0",
        ),
    ] {
        assert_refused(directory, &set(custom), expected);
    }
}

#[test]
fn own_captioner_learns_goes_on_and_captions_with_the_same_bits() {
    let directory = workplace();
    let directory = directory.path();
    let train = |out: &str, more: &[&str]| {
        let arguments = [&["train", "config.toml", "--out", out, "--set", GRU], more].concat();
        printed(directory, &arguments);
    };
    train("run", &[]);
    train("again", &[]);
    // Half a run, which then goes on by its name.
    train("half", &["--set", "stages.1.steps=1"]);
    printed(
        directory,
        &["train", "--resume", "half", "--set", "stages.1.steps=2"],
    );
    let weights = |run: &str| {
        let checkpoint = format!("{run}/checkpoints/step-00000004/model.safetensors");
        read(&directory.join(checkpoint))
    };
    assert_eq!(weights("again"), weights("run"));
    assert_eq!(weights("half"), weights("run"));

    // Parts that threads compute at the same time, each with a backward pass of its own.
    for threads in ["1", "4"] {
        let parts = ["stages.0.parts=4", "stages.1.parts=4"];
        let parts = parts.iter().flat_map(|set| ["--set", set]);
        let more: Vec<&str> = parts.chain(["--threads", threads]).collect();
        train(threads, &more);
    }
    assert_eq!(weights("1"), weights("4"));

    // The moments of the optimiser show that every weight has had gradients.
    let moments = read(&directory.join("run/checkpoints/step-00000004/optimiser.safetensors"));
    let moments = String::from_utf8_lossy(&moments).into_owned();
    for name in [
        "embedding",
        "candidate_recurrent_weight",
        "words.output_bias",
    ] {
        assert!(moments.contains(&format!("\"{name}.first\"")), "{name}");
    }

    let beam = ["eval", "run", "--split", "test", "--beam", "3", "--json"];
    let report = printed(directory, &beam);
    assert!(report.contains("cider_d"), "{report}");
    let ensemble = ["eval", "run", "--ensemble", "half", "--json"];
    assert!(printed(directory, &ensemble).contains("cider_d"));
    let captions = printed(directory, &["caption", "run", "--split", "val"]);
    assert!(captions.lines().count() > 20, "{captions}");
    let explained = printed(directory, &["config", "config.toml", "--set", GRU]);
    assert!(explained.contains("[model.custom]"), "{explained}");
    printed(directory, &["check", "config.toml", "--set", GRU]);
}

#[test]
fn a_captioner_that_there_is_not_is_named() {
    let directory = workplace();
    let directory = directory.path();
    for (custom, expected) in [
        (
            r#"{name="grue"}"#,
            "`model.custom.name`: found `grue`, expected one that this program has of its own: `gru`",
        ),
        (
            r#"{name="gru",options={hiden=8}}"#,
            "`model.custom.options.hiden`: found an option that the captioner does not have, expected only `embedding`, \
             `hidden`",
        ),
        (
            r#"{name="gru",options={hidden=0}}"#,
            "`model.custom.options.hidden`: found 0, expected a whole number from 1 to 1000000",
        ),
        (
            r#"{name="gru",options={hidden=900000}}"#,
            "parameters, expected at most 500000000",
        ),
    ] {
        let set = format!("model.custom={custom}");
        assert_refused(directory, &set, expected);
    }
}

#[test]
fn own_search_decodes_to_the_same_captions_and_a_mistyped_one_is_named() {
    let directory = workplace();
    let directory = directory.path();
    let set = |custom: &str| format!("validation.decoder.search={{custom={custom}}}");
    let own = set(r#"{name="stochastic_beam",options={width=4}}"#);
    printed(
        directory,
        &["train", "config.toml", "--out", "run", "--set", &own],
    );
    let captions = |arguments: &[&str]| {
        let arguments = [&["caption", "run", "--split", "val"], arguments].concat();
        printed(directory, &arguments)
    };
    assert_eq!(captions(&[]), captions(&[]));
    assert_ne!(
        captions(&[]),
        captions(&["--set", "validation.decoder.seed=2"])
    );
    let report = printed(directory, &["eval", "run", "--json"]);
    assert!(
        report.contains("stochastic_beam|width:4|seed:1"),
        "{report}"
    );
    // Four captions to choose from, by what they have in common.
    let consensus = "validation.decoder.rerank=\"consensus\"";
    printed(directory, &["eval", "run", "--set", consensus]);
    // As wide as the beam of all captions is long, and constraints hold.
    let forbidden = "validation.decoder.forbidden_words=[\"a\"]";
    let without = captions(&["--set", forbidden]);
    let words = || without.lines().flat_map(str::split_whitespace);
    assert!(!words().any(|word| word == "a"), "{without}");

    for (custom, expected) in [
        (
            r#"{name="stochastic"}"#,
            "`search.custom.name`: found `stochastic`, expected one that this program has of its own: `stochastic_beam`",
        ),
        (r"{}", "`validation.decoder.search.custom.name`: found none"),
        (
            r#"{name="stochastic_beam",options={width=0}}"#,
            "search `stochastic_beam`: found `width` = 0, expected `width` from 1 to 100",
        ),
    ] {
        assert_refused(directory, &set(custom), expected);
    }
}

#[test]
fn own_layout_gives_the_captions_of_the_built_in_one_and_damage_is_named() {
    let directory = workplace();
    let directory = directory.path();
    let scenes = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/scenes");
    let table = |name: &str| {
        let text = fs::read_to_string(Path::new(scenes).join(name)).expect("a table of the scenes");
        let rows = text.lines().skip(1).map(|row| {
            let (image, rest) = row.split_once(',').expect("two columns");
            (image.to_owned(), rest.trim_matches('"').to_owned())
        });
        rows.collect::<Vec<_>>()
    };
    let splits: std::collections::HashMap<_, _> = table("splits.csv").into_iter().collect();
    let lines = table("captions.csv").into_iter();
    let lines: Vec<String> = lines
        .map(|(image, caption)| format!("{}\t{image}\t{caption}\n", splits[&image]))
        .collect();
    fs::write(directory.join("captions.tsv"), lines.concat()).expect("a file can be written");
    let set = |custom: &str| format!("data.captions={{custom={custom}}}");
    let own = set(r#"{name="tab_separated",path="captions.tsv"}"#);
    printed(directory, &["train", "config.toml", "--out", "built-in"]);
    printed(
        directory,
        &["train", "config.toml", "--out", "run", "--set", &own],
    );
    let weights = |run: &str| {
        read(
            &directory
                .join(run)
                .join("checkpoints/step-00000004/model.safetensors"),
        )
    };
    assert_eq!(weights("run"), weights("built-in"));
    printed(directory, &["eval", "run"]);

    fs::write(
        directory.join("damaged.tsv"),
        "train\tone.png\tA caption\nvalid\ttwo.png\tB\n",
    )
    .expect("a file can be written");
    fs::write(directory.join("twice.tsv"), "train\t\tA caption\n").expect("a file can be written");
    for (custom, expected) in [
        (
            r#"{name="tabs",path="captions.tsv"}"#,
            "`captions.custom.name`: found `tabs`, expected one that this program has of its own: `tab_separated`",
        ),
        (
            r#"{name="tab_separated",path="captions.tsv",options={header=true}}"#,
            "captions `tab_separated`: found the option `header`, expected none",
        ),
        (
            r#"{name="tab_separated",path="damaged.tsv"}"#,
            "captions `tab_separated`: line 2: found the split \"valid\", expected train, val or test",
        ),
        (
            r#"{name="tab_separated",path="twice.tsv"}"#,
            "image 1: found an empty file name, expected the name of an image",
        ),
        (r#"{name="tab_separated",path="none.tsv"}"#, "none.tsv"),
    ] {
        assert_refused(directory, &set(custom), expected);
    }
}
