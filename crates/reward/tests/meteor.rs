//! METEOR by its real jar, compared with scores of pycocoevalcap 1.2, which runs the same jar.
//!
//! The jar is that of the environment variable `SCST_METEOR_JAR`, or else that of an installed Python package
//! `pycocoevalcap`; without either nothing is compared.

use std::path::{Path, PathBuf};
use std::process::Command;

use scst_reward::{Meteor, MeteorOptions, TextItem};
use serde_json::Value;

const TOLERANCE: f64 = 1e-12;

/// Captions of the excerpt of COCO, by position, with their METEOR.
const EXCERPT: [(usize, f64); 6] = [
    (0, 0.0),
    (1, 0.0),
    (2, 0.497_316_337_578_176_8),
    (3, 0.208_569_648_296_127_15),
    (4, 0.199_332_180_792_210_93),
    (5, 0.294_748_664_890_205_7),
];

/// Corpora with many items, references, empty and short captions.
const CORPORA: [&str; 6] = [
    "abstract50s_48refs.json",
    "edge_all_empty_candidates.json",
    "edge_hand_made.json",
    "edge_short_candidates.json",
    "edge_single_image.json",
    "flickr8k_repeated.json",
];

fn jar() -> Option<PathBuf> {
    if let Some(jar) = std::env::var_os("SCST_METEOR_JAR") {
        return Some(jar.into());
    }
    let find = "import importlib.util\n\
        spec = importlib.util.find_spec('pycocoevalcap')\n\
        print(spec.submodule_search_locations[0] if spec else '')";
    let output = Command::new("python3").args(["-c", find]).output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    let jar = Path::new(folder.trim()).join("meteor/meteor-1.5.jar");
    jar.is_file().then_some(jar)
}

fn json(path: &Path) -> Value {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Hypothesis and references of every item.
fn texts(items: &Value) -> Vec<(String, Vec<String>)> {
    let string = |value: &Value| value.as_str().expect("a text").to_owned();
    let items = items.as_array().expect("items").iter();
    items
        .map(|item| {
            let references = item["refs"].as_array().expect("references");
            (
                string(&item["cand"]),
                references.iter().map(string).collect(),
            )
        })
        .collect()
}

fn items(texts: &[(String, Vec<String>)]) -> Vec<TextItem<'_>> {
    let items = texts.iter().map(|(hypothesis, references)| TextItem {
        hypothesis,
        references,
    });
    items.collect()
}

/// The largest difference of a comparison.
#[derive(Default)]
struct Deviation {
    largest: f64,
    compared: usize,
}

impl Deviation {
    fn compare(&mut self, what: &str, found: f64, expected: f64) {
        let difference = (found - expected).abs();
        assert!(
            difference <= TOLERANCE,
            "{what}: found {found}, expected {expected}"
        );
        self.largest = self.largest.max(difference);
        self.compared += 1;
    }
}

fn compare_corpus(meteor: &mut Meteor, path: &Path, deviation: &mut Deviation) {
    let corpus = json(path);
    let texts = texts(&corpus["items"]);
    let scores = meteor.score(&items(&texts)).expect("scores");
    let what = path.display().to_string();
    let expected = |scores: &Value| scores["meteor"].as_f64().expect("a number");
    deviation.compare(&what, scores.corpus, expected(&corpus["corpus"]));
    for (item, found) in scores.items.iter().enumerate() {
        let scores = &corpus["items"][item]["scores"];
        deviation.compare(&format!("{what} item {item}"), *found, expected(scores));
    }
}

/// The captions that break the lines of a careless caller.
fn check_odd_captions(meteor: &mut Meteor) {
    let odd = [
        "",
        " ",
        "|||",
        "a ||| dog",
        "a\r\ndog",
        "a  dog",
        "||||",
        "caf\u{e9} \u{1f600}",
        ".",
    ];
    let references: Vec<_> = odd.map(str::to_owned).to_vec();
    let mut items = Vec::new();
    for (position, hypothesis) in odd.into_iter().enumerate() {
        let one = &references[position..=position];
        items.push(TextItem {
            hypothesis,
            references: one,
        });
        items.push(TextItem {
            hypothesis,
            references: &references,
        });
        items.push(TextItem {
            hypothesis: "a dog",
            references: one,
        });
    }
    let together = meteor.score(&items).expect("scores");
    for (item, score) in items.iter().zip(&together.items) {
        assert!((0.0..=1.0).contains(score), "{item:?}: {score}");
        let alone = meteor.score(&[*item]).expect("scores");
        assert_eq!(alone.items, [*score], "{item:?}");
    }
    let score = |hypothesis, reference: &str| (hypothesis, vec![reference.to_owned()]);
    let pairs = [
        ("a dog", "a dog"),
        ("a ||| dog", "a  dog"),
        ("a\r\ndog", "|||a dog"),
    ];
    for (hypothesis, references) in
        pairs.map(|(hypothesis, reference)| score(hypothesis, reference))
    {
        let references = &references[..];
        let scores = meteor
            .score(&[TextItem {
                hypothesis,
                references,
            }])
            .expect("scores");
        assert_eq!(scores.items, [1.0], "{hypothesis:?}");
    }
}

#[expect(clippy::print_stderr, reason = "a skipped comparison must be seen")]
#[test]
fn scores_equal_pycocoevalcap_when_the_same_jar_computes_them() {
    let Some(jar) = jar() else {
        scst_testing::oracles::skip(
            "neither SCST_METEOR_JAR nor the Python package pycocoevalcap is there",
        );
        return;
    };
    let options = MeteorOptions {
        jar,
        timeout_secs: 600.0,
        ..MeteorOptions::default()
    };
    let mut meteor = Meteor::start(&options).expect("a METEOR that runs");
    check_odd_captions(&mut meteor);

    let mut deviation = Deviation::default();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let excerpt = texts(&json(&here.join("tests/fixtures/coco_excerpt.json"))["items"]);
    let scores = meteor
        .score(&items(&excerpt[..EXCERPT.len()]))
        .expect("scores");
    for (position, expected) in EXCERPT {
        deviation.compare("coco_excerpt.json", scores.items[position], expected);
    }
    for corpus in CORPORA {
        if let Some(path) = scst_testing::oracles::shared(&format!("metrics/{corpus}")) {
            compare_corpus(&mut meteor, &path, &mut deviation);
        }
    }
    eprintln!(
        "METEOR: {} values, largest deviation {:e}",
        deviation.compared, deviation.largest
    );
}
