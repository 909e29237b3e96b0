//! Traces as files, and the comparison of two.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::machine::machine;

/// Set to 1, traces are recorded and not compared.
const RECORD: &str = "SCST_RECORD_TRACE";
/// The key of the machine that a trace was recorded on.
const MACHINE: &str = "machine";
/// How far losses of gold words on two machines may be apart, relatively: sums round otherwise in the seventh digit, what
/// little follows from it grows over 20 steps of Adam, and a drawn word or region that becomes another changes one row of
/// hundreds. Rewards are not compared: a sampled caption that becomes another changes them at once.
const TOLERANCE: f64 = 1e-2;
/// Differences that a message names of every case, those of the earliest steps.
const TOLD: usize = 2;

/// What a run computed, by name.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Trace {
    entries: BTreeMap<String, Entry>,
}

/// One thing that a run computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Entry {
    /// Numbers, in the order of their records.
    Numbers(Vec<f64>),
    /// A hash, or the machine.
    Text(String),
}

impl Trace {
    /// Adds a number to those of the key.
    pub(crate) fn push(&mut self, key: &str, value: f64) {
        assert!(value.is_finite(), "{key}: {value}");
        let fresh = || Entry::Numbers(Vec::new());
        match self.entries.entry(key.to_owned()).or_insert_with(fresh) {
            Entry::Numbers(values) => values.push(value),
            Entry::Text(_) => panic!("{key} is no number"),
        }
    }

    /// Sets a text.
    pub(crate) fn name(&mut self, key: &str, text: String) {
        self.entries.insert(key.to_owned(), Entry::Text(text));
    }

    fn machine(&self) -> &str {
        match self.entries.get(MACHINE) {
            Some(Entry::Text(text)) => text,
            _ => "an unknown machine",
        }
    }

    /// One entry a line.
    fn to_json(&self) -> String {
        let line = |(key, entry): (&String, &Entry)| {
            let entry = serde_json::to_string(entry).expect("JSON");
            format!("{key:?}: {entry}")
        };
        let lines: Vec<String> = self.entries.iter().map(line).collect();
        format!("{{\n{}\n}}\n", lines.join(",\n"))
    }
}

/// A folder for every machine that traces were recorded on.
fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/trace"))
}

/// The traces of this machine.
fn own_folder() -> PathBuf {
    folder().join(machine().replace(' ', "-"))
}

/// The folders of the other machines, in a fixed order.
fn other_folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).expect("a folder of traces");
    let paths = entries.map(|entry| entry.expect("an entry of a folder").path());
    let is_other = |path: &PathBuf| path.is_dir() && *path != own_folder();
    let mut folders: Vec<PathBuf> = paths.filter(is_other).collect();
    folders.sort();
    folders
}

/// The recorded trace of this name: this machine's, or else another one's.
fn recorded(name: &str) -> Option<Trace> {
    let folders = std::iter::once(own_folder()).chain(other_folders());
    let mut texts = folders.filter_map(|folder| fs::read_to_string(file(&folder, name)).ok());
    Some(serde_json::from_str(&texts.next()?).expect("a recorded trace"))
}

/// Writes a trace that is not what was recorded on this machine, and removes what other machines recorded in its place
/// before it changed. Returns whether it was written.
fn record(name: &str, trace: &Trace) -> bool {
    let own = file(&own_folder(), name);
    let before = fs::read_to_string(&own).ok();
    if before.as_deref() == Some(&trace.to_json()) {
        return false;
    }
    fs::create_dir_all(own_folder()).expect("a folder of traces");
    fs::write(&own, trace.to_json()).expect("a trace is written");
    if before.is_some() {
        for folder in other_folders() {
            // Most often there is none.
            fs::remove_file(file(&folder, name)).ok();
        }
    }
    true
}

fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.json"))
}

/// The names of all recorded traces.
pub(crate) fn fixtures() -> BTreeSet<String> {
    let folders = std::iter::once(own_folder()).chain(other_folders());
    let files = folders
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flatten();
    files
        .filter_map(|file| {
            let name = file.expect("a file").file_name().into_string().ok()?;
            name.strip_suffix(".json").map(str::to_owned)
        })
        .collect()
}

fn is_recording() -> bool {
    env::var(RECORD).is_ok_and(|value| value == "1")
}

/// Compares traces with the recorded ones of the same names, all before it fails; or records them, and fails too.
#[expect(clippy::print_stderr, reason = "what is not compared has to be seen")]
pub(crate) fn hold(traces: impl Iterator<Item = (String, Trace)>) {
    let (mut problems, mut written, mut elsewhere) = (Vec::new(), 0, BTreeSet::new());
    for (name, mut trace) in traces {
        trace.name(MACHINE, machine());
        if is_recording() {
            written += usize::from(record(&name, &trace));
            continue;
        }
        let Some(expected) = recorded(&name) else {
            problems.push(format!("{name}: there is no trace of it"));
            continue;
        };
        if expected.machine() != trace.machine() {
            elsewhere.insert(expected.machine().to_owned());
        }
        let differences = differences(&trace, &expected);
        if !differences.is_empty() {
            let (all, told) = (differences.len(), differences.iter().take(TOLD));
            let told: Vec<&str> = told.map(String::as_str).collect();
            problems.push(format!("{name}: {all} keys differ: {}", told.join("; ")));
        }
    }
    assert!(
        !is_recording(),
        "{RECORD} is 1: nothing was compared, and {written} traces were written anew to {}; look at what changed in \
         them, and run the test again without {RECORD}",
        own_folder().display()
    );
    for recorded in elsewhere {
        eprintln!(
            "NOTE: some of these traces were recorded on {recorded} only, and this is {}: bits cannot be compared here, and losses of \
             gold words were compared to {TOLERANCE} of their value",
            machine()
        );
    }
    assert!(
        problems.is_empty(),
        "{} cases do not compute what was recorded:\n{}",
        problems.len(),
        problems.join("\n")
    );
}

/// What is not as expected, the earliest first: of every key the first number that is another, and hashes; on another
/// machine than the recorded one, losses alone, within a tolerance.
fn differences(found: &Trace, expected: &Trace) -> Vec<String> {
    let is_same_machine = found.machine() == expected.machine();
    let (found, expected) = (&found.entries, &expected.entries);
    let keys: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
    let of_key = |key: &String| {
        let (place, problem) = match (found.get(key), expected.get(key)) {
            (Some(Entry::Numbers(found)), Some(Entry::Numbers(expected))) => {
                if is_same_machine {
                    first_other(found, expected, |a, b| a.to_bits() == b.to_bits())
                } else if key.ends_with("xe train loss") {
                    first_other(found, expected, is_close)
                } else {
                    first_other(found, expected, |_, _| true)
                }
            }
            (Some(Entry::Text(found)), Some(Entry::Text(expected))) => {
                let is_other = is_same_machine && found != expected;
                is_other.then(|| (usize::MAX, format!("is {found}, recorded {expected}")))
            }
            (None, _) => Some((0, "was recorded, and is not there".to_owned())),
            _ => Some((0, "was not recorded".to_owned())),
        }?;
        Some((place, format!("{key} {problem}")))
    };
    let mut all: Vec<(usize, String)> = keys.into_iter().filter_map(of_key).collect();
    all.sort();
    all.into_iter().map(|(_, problem)| problem).collect()
}

/// The first of two columns' numbers that are not alike, and its place.
fn first_other(
    found: &[f64],
    expected: &[f64],
    is_alike: impl Fn(f64, f64) -> bool,
) -> Option<(usize, String)> {
    if found.len() != expected.len() {
        let (found, expected) = (found.len(), expected.len());
        return Some((0, format!("has {found} numbers, recorded {expected}")));
    }
    let mut pairs = found.iter().zip(expected).enumerate();
    let (k, (found, expected)) = pairs.find(|&(_, (&a, &b))| !is_alike(a, b))?;
    let number = k + 1;
    Some((
        k,
        format!("is {found:?} in record {number}, recorded {expected:?}"),
    ))
}

/// Whether two losses differ no more than machines do.
fn is_close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= TOLERANCE * expected.abs()
}
