//! SPICE's files, written by a shell script in the place of Java.

use std::fs;

use scst_reward::{SpiceOptions, SpiceScores, TextItem, spice};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{LONG, executable};

/// Keeps its arguments and its input, and writes what the test left in `answer` to the file after `-out`.
const FAKE: &str = r#"
dir=$(dirname "$0")
echo "$*" > "$dir/arguments"
cp "$4" "$dir/input"
echo "Parsing reference captions"
while [ "$1" != -out ]; do shift; done
cp "$dir/answer" "$2"
"#;

fn installed(script: &str) -> (TempDir, SpiceOptions) {
    let directory = tempfile::tempdir().expect("a directory");
    let jar = directory.path().join("spice-1.0.jar");
    fs::write(&jar, "").expect("a jar");
    let options = SpiceOptions {
        java: executable(directory.path(), "java", script),
        jar,
        timeout_secs: LONG,
        ..SpiceOptions::default()
    };
    (directory, options)
}

/// Two captions, of which one has two references.
fn run(options: &SpiceOptions) -> Result<SpiceScores, scst_reward::RewardError> {
    let references = ["a \"dog\"", "two\ndogs"].map(str::to_owned);
    let item = |hypothesis, count| TextItem {
        hypothesis,
        references: &references[..count],
    };
    spice(options, &[item("a dog", 2), item("", 1)])
}

fn answered(answer: &str) -> Result<SpiceScores, scst_reward::RewardError> {
    let (directory, options) = installed(FAKE);
    fs::write(directory.path().join("answer"), answer).expect("an answer");
    run(&options)
}

fn answer(items: &[(usize, Value)]) -> String {
    let items = items.iter().map(|(image, f)| {
        let scores = json!({"All": {"pr": 0.1, "re": null, "f": f, "fn": 0.0, "numImages": 1.0, "tp": 2.0, "fp": 1.0}, "Object": {"f": null}});
        json!({"image_id": image, "scores": scores})
    });
    Value::Array(items.collect()).to_string()
}

/// The message after the program's name.
fn message(result: Result<SpiceScores, scst_reward::RewardError>) -> String {
    let error = result.expect_err("no scores");
    assert!(!error.is_mistake());
    let message = error.to_string();
    let (program, rest) = message.split_once("-subset -silent: ").expect("a program");
    assert!(program.starts_with("program "), "{message}");
    rest.to_owned()
}

#[test]
fn scores_are_found_by_image_when_spice_changes_their_order() {
    let (directory, mut options) = installed(FAKE);
    options.cache = Some(directory.path().join("new/cache"));
    let text = answer(&[(1, json!(0.25)), (0, json!(0.5))]);
    fs::write(directory.path().join("answer"), text).expect("an answer");
    let scores = run(&options).expect("scores");
    assert_eq!(scores.items, [0.5, 0.25]);
    assert_eq!((scores.mean, scores.undefined), (0.375, 0));
    let arguments = fs::read_to_string(directory.path().join("arguments")).expect("arguments");
    let words: Vec<_> = arguments.split_whitespace().collect();
    let (jar, cache) = (
        options.jar.display().to_string(),
        directory.path().join("new/cache"),
    );
    assert_eq!(words[..3], ["-jar", "-Xmx8G", &jar]);
    assert_eq!(
        words[4..7],
        ["-cache", &cache.display().to_string(), "-out"]
    );
    assert_eq!(words[8..], ["-subset", "-silent"]);
    assert!(cache.is_dir());
    assert!(
        !std::path::Path::new(words[3]).exists(),
        "temporary files are removed"
    );
    let input = fs::read_to_string(directory.path().join("input")).expect("an input");
    let expected = json!([
        {"image_id": 0, "test": "a dog", "refs": ["a \"dog\"", "two\ndogs"]},
        {"image_id": 1, "test": "", "refs": ["a \"dog\""]},
    ]);
    assert_eq!(
        serde_json::from_str::<Value>(&input).expect("JSON"),
        expected
    );
}

#[test]
fn item_counts_zero_when_spice_gives_null() {
    let scores = answered(&answer(&[(0, json!(0.5)), (1, Value::Null)])).expect("scores");
    assert_eq!(scores.items, [0.5, 0.0]);
    assert_eq!((scores.mean, scores.undefined), (0.25, 1));
}

#[test]
fn message_shows_the_answer_when_it_is_no_list_of_scores() {
    let expected = r#"expected a list such as [{"image_id":0,"scores":{"All":{"f":0.5}}}], with every item once"#;
    assert_eq!(
        message(answered("oh")),
        format!("found \"oh\", which is not JSON, {expected}")
    );
    let text = answer(&[(0, json!("x")), (1, json!(1))]);
    let found = message(answered(&text));
    assert!(
        found.contains(", which is not JSON of this form, expected a list"),
        "{found}"
    );
    assert_eq!(
        message(answered(&answer(&[(0, json!(1))]))),
        "found 1 scores, expected 2, one per caption"
    );
    for images in [[0, 0], [0, 2]] {
        let text = answer(&images.map(|image| (image, json!(1))));
        let found = message(answered(&text));
        assert!(found.ends_with(&format!("...\", {expected}")), "{found}");
    }
}

#[test]
fn message_tells_what_happened_when_spice_fails() {
    let (_directory, options) = installed("echo NoClassDefFoundError >&2; exit 1");
    assert_eq!(
        message(run(&options)),
        "found exit status 1, expected an answer; its standard error ended with\n    NoClassDefFoundError"
    );
    let (_directory, mut options) = installed("exec sleep 1000");
    options.timeout_secs = 0.3;
    assert_eq!(
        message(run(&options)),
        "found no answer after 0.3 s, expected one within that time"
    );
    let (_directory, options) = installed("exit 0");
    assert_eq!(
        message(run(&options)),
        "failed to exchange files with it: No such file or directory (os error 2)"
    );
}

#[test]
fn message_names_the_file_when_one_is_missing() {
    let (directory, mut options) = installed(FAKE);
    let message = |options: &SpiceOptions| {
        let error = run(options).expect_err("a missing file");
        assert!(error.is_mistake());
        error.to_string()
    };
    options.java = "/no/such/java".into();
    let found = message(&options);
    let start = format!(
        "program /no/such/java -jar -Xmx8G {}/spice-1.0.jar ",
        directory.path().display()
    );
    assert!(found.starts_with(&start), "{found}");
    assert!(
        found.ends_with(": found no such program, expected the path of one or a name on the PATH"),
        "{found}"
    );
    options.jar = "/no/such/spice.jar".into();
    assert_eq!(
        message(&options),
        "spice.jar: found no file /no/such/spice.jar, expected spice-1.0.jar"
    );
}

#[test]
fn corpus_is_refused_when_it_is_empty() {
    let (_directory, options) = installed(FAKE);
    let error = spice(&options, &[]).expect_err("no item");
    assert_eq!(error.to_string(), "found no image, expected at least one");
}
