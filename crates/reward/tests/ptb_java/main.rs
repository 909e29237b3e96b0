//! The PTB tokenizer against the reference itself: against what it made of lines and characters kept here, and, where
//! Java and its jar are, against the program on a corpus drawn anew.
//!
//! The jar is that of the environment variable `SCST_PTB_JAR`, or else that of an installed Python package
//! `pycocoevalcap`; without either nothing is compared with the program, which fails if `SCST_REQUIRE_ORACLES` is 1.

mod corpus;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use scst_reward::ptb::tokens;
use scst_testing::oracles::skip;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A word after every line, so that lines are found again where a character breaks them.
const END: &str = "zqz";
/// How many lines are mixed.
const MIXTURES: usize = 100_000;
/// How many of them may differ: those listed in `docs/src/evaluation.md` under "Tokens".
const MOST_DIFFERENT: usize = 10;
/// How many captions are put into files of their own, and how many of those may differ.
const ALONE: usize = 2_000;
const MOST_DIFFERENT_ALONE: usize = 1;

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The tokens of a line that a word follows.
fn tokens_before_word(line: &str) -> String {
    let mut tokens = tokens(&format!("{line} {END}"));
    assert_eq!(tokens.pop().as_deref(), Some(END), "{line:?}");
    tokens.join(" ")
}

fn in_surrounding(surrounding: &str) -> Vec<String> {
    let character = |character: char| surrounding.replace('%', &character.to_string());
    corpus::characters().map(character).collect()
}

fn pairs(value: &Value) -> Vec<(&str, &str)> {
    let pairs = value.as_array().expect("pairs").iter();
    pairs
        .map(|pair| {
            let text = |index: usize| pair[index].as_str().expect("a text");
            (text(0), text(1))
        })
        .collect()
}

#[test]
fn tokens_equal_the_reference_when_lines_show_a_rule_each() {
    let fixture = fixture("ptb_java.json");
    let lines = pairs(&fixture["lines"]);
    assert!(lines.len() >= 40, "{} lines", lines.len());
    for (line, expected) in lines {
        assert_eq!(tokens_before_word(line), expected, "{line:?}");
    }
}

#[test]
fn tokens_equal_the_reference_when_a_character_is_any_of_the_basic_plane() {
    let fixture = fixture("ptb_java.json");
    let digests = pairs(&fixture["digests"]);
    assert_eq!(digests.len(), corpus::SURROUNDINGS.len());
    for ((surrounding, expected), (shows, known)) in digests.into_iter().zip(corpus::SURROUNDINGS) {
        assert_eq!(surrounding, known);
        let mut found = Sha256::new();
        for line in in_surrounding(surrounding) {
            found.update(tokens_before_word(&line));
            found.update("\n");
        }
        let found = found.finalize();
        let found = found.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string that grows");
            text
        });
        assert_eq!(found, expected, "{shows}: {surrounding}");
    }
}

/// The reference's jar. Says so where there is none.
fn jar() -> Option<PathBuf> {
    let packaged = || {
        let find = "import importlib.util\n\
            spec = importlib.util.find_spec('pycocoevalcap')\n\
            print(spec.submodule_search_locations[0] if spec else '')";
        let output = Command::new("python3").args(["-c", find]).output().ok()?;
        let folder = String::from_utf8(output.stdout).ok()?;
        let jar = Path::new(folder.trim()).join("tokenizer/stanford-corenlp-3.4.1.jar");
        jar.is_file().then_some(jar)
    };
    let jar = std::env::var_os("SCST_PTB_JAR")
        .map(PathBuf::from)
        .or_else(packaged);
    if jar.is_none() {
        skip("neither SCST_PTB_JAR nor the Python package pycocoevalcap is there");
    }
    jar
}

/// The reference as coco-caption runs it.
fn java(jar: &Path) -> Command {
    let mut command = Command::new("java");
    command.arg("-cp").arg(jar);
    command.args([
        "edu.stanford.nlp.process.PTBTokenizer",
        "-preserveLines",
        "-lowerCase",
    ]);
    command
}

/// What the reference makes of every line before a word, all lines in one file.
fn java_tokens(jar: &Path, lines: &[String]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("lines.txt");
    let text: Vec<String> = lines.iter().map(|line| format!("{line} {END}")).collect();
    std::fs::write(&file, text.join("\n")).expect("a file");
    let output = java(jar).arg(&file).output().expect("java");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let output = String::from_utf8(output.stdout).expect("UTF-8");
    let mut found = Vec::with_capacity(lines.len());
    let mut tokens = Vec::new();
    for token in output.split(['\n', ' ']).filter(|token| !token.is_empty()) {
        if token == END {
            found.push(tokens.join(" "));
            tokens.clear();
        } else {
            tokens.push(token);
        }
    }
    assert_eq!(found.len(), lines.len(), "lines");
    found
}

/// The lines whose tokens differ, a few of them as text.
fn differences(lines: &[String], found: &[String], expected: &[String]) -> (usize, String) {
    let all = lines.iter().zip(found).zip(expected);
    let different: Vec<_> = all
        .filter(|((_, found), expected)| found != expected)
        .collect();
    let shown =
        different
            .iter()
            .take(20)
            .fold(String::new(), |mut text, ((line, found), expected)| {
                write!(text, "\n{line:?}: found {found:?}, expected {expected:?}")
                    .expect("a string that grows");
                text
            });
    (different.len(), shown)
}

/// Captions of COCO that are kept here.
fn captions() -> Vec<String> {
    let fixture = fixture("coco_excerpt.json");
    let items = fixture["items"].as_array().expect("items").iter();
    let references = items.flat_map(|item| item["refs"].as_array().expect("references"));
    references
        .map(|reference| reference.as_str().expect("a caption").to_owned())
        .collect()
}

#[test]
fn tokens_equal_the_program_when_characters_are_all_of_the_basic_plane() {
    let Some(jar) = jar() else { return };
    let surroundings = corpus::SURROUNDINGS.iter();
    let lines: Vec<String> = surroundings
        .flat_map(|(surrounding, _)| in_surrounding(surrounding))
        .collect();
    let found: Vec<String> = lines.iter().map(|line| tokens_before_word(line)).collect();
    let (different, shown) = differences(&lines, &found, &java_tokens(&jar, &lines));
    assert_eq!(different, 0, "of {} lines:{shown}", lines.len());
}

#[test]
#[expect(
    clippy::print_stderr,
    reason = "the count belongs into the test's report"
)]
fn tokens_equal_the_program_when_captions_are_mixed_with_strange_things() {
    let Some(jar) = jar() else { return };
    let lines = corpus::mixtures(1, MIXTURES, &captions());
    let found: Vec<String> = lines.iter().map(|line| tokens_before_word(line)).collect();
    let (different, shown) = differences(&lines, &found, &java_tokens(&jar, &lines));
    eprintln!("{different} of {MIXTURES} lines differ:{shown}");
    assert!(different <= MOST_DIFFERENT, "{different} lines:{shown}");
}

#[test]
fn tokens_equal_the_program_when_captions_stand_alone() {
    let Some(jar) = jar() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = |index: usize, extension: &str| folder.path().join(format!("{index}{extension}"));
    let lines = corpus::mixtures(2, ALONE, &captions());
    let mut list = String::new();
    for (index, line) in lines.iter().enumerate() {
        std::fs::write(file(index, ""), line).expect("a file");
        writeln!(list, "{}", file(index, "").display()).expect("a string that grows");
    }
    let list_file = folder.path().join("list");
    std::fs::write(&list_file, list).expect("a file");
    let output = java(&jar)
        .arg("-ioFileList")
        .arg(&list_file)
        .output()
        .expect("java");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let expected = |index: usize| {
        let text = std::fs::read_to_string(file(index, ".tok")).expect("tokens");
        let tokens = text.split(['\n', ' ']).filter(|token| !token.is_empty());
        tokens.collect::<Vec<_>>().join(" ")
    };
    let expected: Vec<String> = (0..lines.len()).map(expected).collect();
    let found: Vec<String> = lines.iter().map(|line| tokens(line).join(" ")).collect();
    let (different, shown) = differences(&lines, &found, &expected);
    assert!(
        different <= MOST_DIFFERENT_ALONE,
        "{different} lines:{shown}"
    );
}
