//! What is to be written and said.

use std::path::{Path, PathBuf};

use scst_data::Notice;

use crate::{
    failure::Failure,
    output::{program, quoted},
};

/// Sources below which nothing is worth training.
const LEAST_TRAIN: usize = 40;
/// Sources below which validation says nothing.
const LEAST_VAL: usize = 5;
/// Sources of which only a part is validated.
const MANY_VAL: usize = 2_000;

/// A configuration that is not written yet.
pub(super) struct Draft {
    /// Its text.
    pub(super) config: String,
    /// Files that it names and that are to be written before it.
    pub(super) files: Vec<(PathBuf, Vec<u8>)>,
    /// What should be known of the data.
    pub(super) notices: Vec<Notice>,
    /// What was found, in lines.
    pub(super) found: Vec<String>,
    /// Commands for afterwards.
    pub(super) next: Vec<String>,
}

/// Shares of train, val and test, where data have no splits.
pub(super) const SHARES: &str = "0.8,0.1,0.1";
/// The draw of such shares.
pub(super) const SEED: u64 = 1;

/// Sources of train, val and test.
pub(super) type Counts = [usize; 3];

/// A mistake if there are too few to train on and to choose a captioner by; `what` they are stands in `path`.
pub(super) fn check_counts(
    path: &Path,
    what: &str,
    counts: Counts,
    are_drawn: bool,
) -> Result<(), Failure> {
    let [train, val, _] = counts;
    if train >= LEAST_TRAIN && val >= LEAST_VAL {
        return Ok(());
    }
    let path = path.display();
    let all: usize = counts.iter().sum();
    Err(Failure::Mistake(if are_drawn {
        format!(
            "`{path}`: found {all} {what}, expected {} or more to share out as {SHARES}",
            LEAST_TRAIN * 10 / 8
        )
    } else {
        format!(
            "`{path}`: found {train} {what} of train and {val} of val, expected {LEAST_TRAIN} and {LEAST_VAL} or more"
        )
    }))
}

/// Lines for the table of validation, where there is much to validate.
pub(super) fn part_of_validation(sources: usize) -> &'static str {
    if sources <= MANY_VAL {
        return "";
    }
    "# The same ones every time; all take long.\nsources = 1000\n"
}

/// A value of TOML.
pub(super) fn toml_text(text: &str) -> String {
    // Strings of JSON are strings of TOML.
    serde_json::Value::from(text).to_string()
}

/// A path as a value of TOML.
pub(super) fn toml_path(path: &Path) -> String {
    toml_text(&path.to_string_lossy())
}

/// A file beside the configuration `out`: `birds.splits.csv` for `birds.toml`.
pub(super) fn beside(out: &Path, ending: &str) -> PathBuf {
    out.with_extension(ending)
}

/// A command line of this program.
pub(super) fn command(words: &str, path: &Path) -> String {
    format!("{} {words} {}", program(), quoted(path))
}

/// The first lines of the file.
pub(super) fn head(name: &str, out: &Path, about: &str) -> String {
    format!(
        "# {about}\n# `scst config --explain KEY` says what a key means, `scst config {}` prints all keys with their values.\n\n\
         name = {}\nseed = 1\n",
        quoted(out),
        toml_text(name)
    )
}
