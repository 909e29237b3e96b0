//! SPICE (Anderson et al. 2016), computed by its own jar: one run of the program for each corpus.
//!
//! `java -jar -Xmx8G spice-1.0.jar IN -cache DIR -out OUT -subset -silent` reads hypotheses and references from one
//! JSON file and writes the precision, recall and F-score of their scene graphs to another. The jar needs the Stanford
//! CoreNLP 3.6.0 jars in `lib/` beside it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::java::{Jar, JarKeys, check_file, check_items};
use crate::process::{Deadline, Process, name, program_error};
use crate::program_error::beginning;
use crate::{ProgramFault, ProgramStage, RewardError, TextItem};

const KEYS: JarKeys = JarKeys {
    jar: "spice.jar",
    java: "spice.java",
    memory: "spice.memory",
};

const EXPECTED: &str =
    "a list such as [{\"image_id\":0,\"scores\":{\"All\":{\"f\":0.5}}}], with every item once";

/// How SPICE is run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpiceOptions {
    /// Where `spice-1.0.jar` is.
    pub jar: PathBuf,
    /// The Java program, looked up on the `PATH` when it holds no slash.
    pub java: PathBuf,
    /// Java's largest heap.
    pub memory: String,
    /// How long a corpus may take, in seconds.
    pub timeout_secs: f64,
    /// A directory, made if necessary, in which SPICE keeps the scene graphs of references for its next run.
    pub cache: Option<PathBuf>,
}

impl Default for SpiceOptions {
    fn default() -> Self {
        Self {
            jar: PathBuf::new(),
            java: PathBuf::from("java"),
            memory: "8G".to_owned(),
            timeout_secs: 7200.0,
            cache: None,
        }
    }
}

impl SpiceOptions {
    /// The options that cannot be right.
    pub fn problems(&self) -> Vec<RewardError> {
        let problems = self.jar().problems(&KEYS);
        let time_out = Deadline::problem("spice.timeout_secs", self.timeout_secs);
        problems.chain(time_out).collect()
    }

    fn jar(&self) -> Jar<'_> {
        Jar {
            java: &self.java,
            path: &self.jar,
            memory: &self.memory,
        }
    }
}

/// SPICE of a corpus, 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct SpiceScores {
    /// The mean of the items.
    pub mean: f64,
    /// The F-score over all kinds of tuples, of each item.
    pub items: Vec<f64>,
    /// How many items SPICE gave no number for, because it found no tuple in hypothesis and references.
    ///
    /// They count 0 here, as captions that say nothing right; coco-caption's mean of such a corpus is NaN.
    pub undefined: usize,
}

#[derive(Serialize)]
struct Request<'a> {
    image_id: usize,
    test: &'a str,
    refs: &'a [String],
}

#[derive(Deserialize)]
struct Answer {
    image_id: usize,
    scores: BTreeMap<String, Tuples>,
}

#[derive(Deserialize)]
struct Tuples {
    f: Option<f64>,
}

/// The scores of a corpus.
///
/// # Errors
/// The first of [`SpiceOptions::problems`], [`RewardError::FileMissing`] for the jar, [`RewardError::NoImages`] or
/// [`RewardError::NoReferences`] when there is nothing to compare, and [`RewardError::Program`] when SPICE fails.
pub fn spice(options: &SpiceOptions, items: &[TextItem<'_>]) -> Result<SpiceScores, RewardError> {
    RewardError::first(options.problems())?;
    check_file(KEYS.jar, options.jar.clone(), "spice-1.0.jar")?;
    check_items(items)?;
    let files = |error| files_error(options, error);
    let directory = tempfile::tempdir().map_err(files)?;
    let (input, output) = (
        directory.path().join("in.json"),
        directory.path().join("out.json"),
    );
    write_input(&input, items).map_err(files)?;
    if let Some(cache) = &options.cache {
        fs::create_dir_all(cache).map_err(files)?;
    }
    let command = options.jar().command(arguments(options, &input, &output));
    let mut process = Process::start(&command, ProgramStage::Start)?;
    let deadline = Deadline::after(options.timeout_secs);
    let scores = process
        .finish(deadline)
        .and_then(|()| fs::read(&output).map_err(ProgramFault::Files))
        .and_then(|text| read_output(&text, items.len()));
    scores.map_err(|fault| process.fail(ProgramStage::Run, fault))
}

fn arguments(options: &SpiceOptions, input: &Path, output: &Path) -> Vec<PathBuf> {
    let mut arguments = vec![input.to_owned()];
    if let Some(cache) = &options.cache {
        arguments.extend(["-cache".into(), cache.clone()]);
    }
    arguments.extend(["-out".into(), output.to_owned()]);
    arguments.extend(["-subset".into(), "-silent".into()]);
    arguments
}

fn files_error(options: &SpiceOptions, error: io::Error) -> RewardError {
    let program = name(&options.jar().command::<PathBuf>([]));
    program_error(
        program,
        ProgramStage::Start,
        ProgramFault::Files(error),
        vec![],
    )
}

fn write_input(path: &Path, items: &[TextItem<'_>]) -> io::Result<()> {
    let requests: Vec<_> = items
        .iter()
        .enumerate()
        .map(|(image_id, item)| Request {
            image_id,
            test: item.hypothesis,
            refs: item.references,
        })
        .collect();
    fs::write(path, serde_json::to_vec(&requests)?)
}

fn read_output(text: &[u8], items: usize) -> Result<SpiceScores, ProgramFault> {
    let answers: Vec<Answer> = match serde_json::from_slice(text) {
        Ok(answers) => answers,
        Err(reason) => {
            return Err(ProgramFault::NotJson {
                found: beginning(text),
                reason: reason.classify(),
                expected: EXPECTED,
            });
        }
    };
    if answers.len() != items {
        return Err(ProgramFault::ScoreCount {
            found: answers.len(),
            expected: items,
        });
    }
    let mut scores = vec![None; items];
    for answer in answers {
        let all = answer.scores.get("All");
        match (scores.get_mut(answer.image_id), all) {
            (Some(slot @ None), Some(tuples)) => *slot = Some(tuples.f),
            _ => {
                return Err(ProgramFault::Form {
                    found: beginning(text),
                    expected: EXPECTED,
                });
            }
        }
    }
    // As many answers as items, and none twice: every item has one.
    let scores: Vec<_> = scores.into_iter().map(Option::flatten).collect();
    let undefined = scores.iter().filter(|score| score.is_none()).count();
    let items: Vec<_> = scores.into_iter().map(|f| f.unwrap_or(0.0)).collect();
    Ok(SpiceScores {
        mean: items.iter().sum::<f64>() / items.len() as f64,
        items,
        undefined,
    })
}
