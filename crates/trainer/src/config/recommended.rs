//! The defaults, the shipped configurations and what `data/results/README.md` recommends, held together.

use std::{fs, path::Path};

use scst_model::CaptionerRegistry;
use toml::{Table, Value};

use super::{Config, StageConfig};

const DOCUMENT: &str = include_str!("../../../../data/results/README.md");
/// A stage of every kind that says nothing.
const SILENT: &str = r#"
[data]
captions.karpathy = { path = "c.json" }
features.npy = { path = "f.npy" }
[model.fc]
[[stages]]
epochs = 1
xe = {}
[[stages]]
epochs = 1
scst = {}
"#;

/// The cells of the table of the document that begins with this line.
fn table(header: &str) -> Vec<Vec<String>> {
    let (_, rest) = DOCUMENT.split_once(header).expect(header);
    let rows = rest
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let cells = |row: &str| {
        row.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().replace('`', ""))
            .collect()
    };
    rows.map(cells).collect()
}

fn value(text: &str) -> Value {
    let table: Table = toml::from_str(&format!("value = {text}")).expect(text);
    table["value"].clone()
}

/// What a stage has at a key; numbers as such, whole or not.
fn of_stage(stage: &StageConfig, key: &str) -> Option<Value> {
    let stage = Value::try_from(stage).unwrap();
    key.split('.')
        .try_fold(stage, |at, part| at.get(part).cloned())
}

fn is_equal(found: &Value, expected: &Value) -> bool {
    let number = |value: &Value| {
        value
            .as_float()
            .or(value.as_integer().map(|whole| whole as f64))
    };
    match (number(found), number(expected)) {
        (Some(found), Some(expected)) => found == expected,
        _ => found == expected,
    }
}

/// Key, value in a cross-entropy stage, value in a self-critical one.
fn recommended() -> Vec<(String, [Option<Value>; 2])> {
    let rows = table("| key | `xe` stage | `scst` stage | why |");
    let cell = |text: &String| (!text.is_empty()).then(|| value(text));
    rows.iter()
        .map(|row| (row[0].clone(), [cell(&row[1]), cell(&row[2])]))
        .collect()
}

#[test]
fn defaults_are_what_the_results_recommend() {
    let config = Config::parse(
        SILENT,
        Path::new("c.toml"),
        Vec::new(),
        &CaptionerRegistry::default(),
    )
    .unwrap();
    let rows = recommended();
    assert!(rows.len() >= 5, "{rows:?}");
    for (key, values) in rows {
        for (stage, expected) in config.stages.iter().zip(values) {
            let Some(expected) = expected else { continue };
            let found = of_stage(stage, &key).unwrap();
            assert!(
                is_equal(&found, &expected),
                "{}: {key}: {found} {expected}",
                stage.name
            );
        }
    }
}

#[test]
fn shipped_configurations_follow_the_recommendation_but_where_it_says_so() {
    let mut exceptions = table("| configuration | stage | key | value | why |");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let config = Config::load(&path, Vec::new(), &CaptionerRegistry::default()).unwrap();
        for stage in &config.stages {
            for (key, values) in recommended() {
                let expected = &values[usize::from(stage.scst.is_some())];
                let (Some(expected), Some(found)) = (expected, of_stage(stage, &key)) else {
                    continue;
                };
                let row = exceptions
                    .iter()
                    .position(|row| row[..3] == [config.name.as_str(), &stage.name, &key]);
                let expected =
                    row.map_or_else(|| expected.clone(), |row| value(&exceptions.remove(row)[3]));
                assert!(
                    is_equal(&found, &expected),
                    "{}, stage {}, {key}: {found}, expected {expected}",
                    config.name,
                    stage.name
                );
            }
        }
    }
    assert!(exceptions.is_empty(), "rows of no stage: {exceptions:?}");
}
