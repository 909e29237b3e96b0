//! Who may depend on whom: the edges of `cargo metadata` against the table in `crates/README.md`.

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

/// Package, and the packages of this workspace and the frameworks that it may depend on.
const ALLOWED: [(&str, &[&str]); 16] = [
    ("scst-files", &[]),
    ("scst-group", &[]),
    ("scst-tokens", &[]),
    ("scst-data", &["scst-files", "scst-tokens"]),
    ("scst-report", &[]),
    ("scst-reward", &[]),
    ("scst-significance", &[]),
    ("scst-structured", &["scst-tokens"]),
    ("scst-testing", &[]),
    ("scst-kernels", &["burn"]),
    (
        "scst-encoder",
        &["burn", "scst-files", "scst-group", "scst-kernels"],
    ),
    ("scst-loss", &["burn", "scst-kernels"]),
    ("scst-sampler", &["burn", "scst-kernels", "scst-tokens"]),
    (
        "scst-model",
        &["burn", "scst-kernels", "scst-structured", "scst-tokens"],
    ),
    (
        "scst-trainer",
        &[
            "burn",
            "scst-data",
            "scst-files",
            "scst-group",
            "scst-kernels",
            "scst-loss",
            "scst-model",
            "scst-reward",
            "scst-sampler",
            "scst-tokens",
        ],
    ),
    (
        "scst-cli",
        &[
            "clap",
            "indicatif",
            "scst-data",
            "scst-encoder",
            "scst-files",
            "scst-group",
            "scst-kernels",
            "scst-model",
            "scst-report",
            "scst-reward",
            "scst-significance",
            "scst-trainer",
        ],
    ),
];

/// Dependencies that only some crates may have.
const GUARDED: [&str; 3] = ["burn", "clap", "indicatif"];

#[test]
fn crates_depend_only_on_what_the_table_allows() {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in metadata["packages"].as_array().expect("a list of packages") {
        let dependencies = package["dependencies"].as_array().expect("a list");
        let guarded = dependencies
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| text(&dependency["name"]))
            .filter(|name| name.starts_with("scst-") || GUARDED.contains(&name.as_str()));
        found.insert(text(&package["name"]), guarded.collect());
    }
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.into();
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        allowed.keys().copied().collect::<Vec<_>>(),
        "the table names all crates"
    );
    for (package, dependencies) in &found {
        for dependency in dependencies {
            assert!(
                allowed[package.as_str()].contains(&dependency.as_str()),
                "{package} depends on {dependency}, which the table does not allow"
            );
        }
    }
}
