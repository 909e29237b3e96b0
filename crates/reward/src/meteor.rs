//! METEOR (Denkowski and Lavie 2014), computed by its own jar.
//!
//! `java -jar -Xmx2G meteor-1.5.jar - - -stdio -l en -norm` is started once, takes up to half a minute to load
//! its paraphrases, and is kept running. It reads `SCORE ||| reference ||| ... ||| hypothesis`, which it answers with the
//! statistics of that pair, and `EVAL ||| statistics ||| ...`, which it answers with one score per item and that of
//! the corpus, made from the sums of all statistics and not the mean.
//!
//! `|||` and line ends inside texts would break these lines. coco-caption takes `|||` out of hypotheses only; here it
//! is taken out of references too, and every run of spaces and line ends becomes one space. No other text scores
//! differently.

use std::fmt::Write;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::java::{Jar, JarKeys, check_file, check_items};
use crate::process::{Deadline, Process, name, program_error};
use crate::program_error::beginning;
use crate::{
    Batch, ProgramFault, ProgramStage, References, Reward, RewardError, TextItem, VERSION,
};

/// Separates the parts of a line.
const SEPARATOR: &str = "|||";

/// Where METEOR looks for its paraphrases, beside its jar.
const PARAPHRASES: &str = "data/paraphrase-en.gz";

const KEYS: JarKeys = JarKeys {
    jar: "meteor.jar",
    java: "meteor.java",
    memory: "meteor.memory",
};

/// How METEOR is run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MeteorOptions {
    /// Where `meteor-1.5.jar` is, with `data/paraphrase-en.gz` beside it; has to be given.
    pub jar: PathBuf,
    /// The Java program, looked up on the `PATH` when it holds no slash.
    pub java: PathBuf,
    /// Java's largest heap.
    pub memory: String,
    /// How long one line of an answer may take, in seconds; the first one includes the start.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = Deadline::LARGEST))]
    pub timeout_secs: f64,
}

impl Default for MeteorOptions {
    fn default() -> Self {
        Self {
            jar: PathBuf::new(),
            java: PathBuf::from("java"),
            memory: "2G".to_owned(),
            timeout_secs: 180.0,
        }
    }
}

impl MeteorOptions {
    /// The options that cannot be right.
    pub fn problems(&self) -> Vec<RewardError> {
        let problems = self.jar().problems(&KEYS);
        let time_out = Deadline::problem("meteor.timeout_secs", self.timeout_secs);
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

/// METEOR of a corpus, 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct MeteorScores {
    /// The corpus's score, from summed statistics.
    pub corpus: f64,
    /// The score of each item.
    pub items: Vec<f64>,
}

/// A running METEOR.
#[derive(Debug)]
pub struct Meteor {
    /// The program and its arguments, for messages.
    program: String,
    timeout_secs: f64,
    /// None after a failure.
    process: Option<Process>,
}

impl Meteor {
    /// Starts METEOR and waits until it has scored a first pair.
    ///
    /// # Errors
    /// The first of [`MeteorOptions::problems`], [`RewardError::FileMissing`] for the jar or its paraphrases, and
    /// [`RewardError::Program`] when Java cannot be started or METEOR does not answer.
    pub fn start(options: &MeteorOptions) -> Result<Self, RewardError> {
        RewardError::first(options.problems())?;
        check_file(KEYS.jar, options.jar.clone(), "meteor-1.5.jar")?;
        let paraphrases = options.jar.with_file_name(PARAPHRASES);
        check_file(KEYS.jar, paraphrases, "METEOR's paraphrases beside its jar")?;
        let command = options
            .jar()
            .command(["-", "-", "-stdio", "-l", "en", "-norm"]);
        let mut meteor = Self {
            program: name(&command),
            timeout_secs: options.timeout_secs,
            process: Some(Process::start(&command, ProgramStage::Start)?),
        };
        let item = TextItem {
            hypothesis: "a dog",
            references: &["a dog".to_owned()],
        };
        meteor.ask(&[item], ProgramStage::Check)?;
        Ok(meteor)
    }

    /// The scores of a corpus.
    ///
    /// # Errors
    /// [`RewardError::NoImages`] or [`RewardError::NoReferences`] when there is nothing to compare, and
    /// [`RewardError::Program`] when METEOR fails, after which it is stopped for good.
    pub fn score(&mut self, items: &[TextItem<'_>]) -> Result<MeteorScores, RewardError> {
        check_items(items)?;
        self.ask(items, ProgramStage::Run)
    }

    fn ask(
        &mut self,
        items: &[TextItem<'_>],
        stage: ProgramStage,
    ) -> Result<MeteorScores, RewardError> {
        let Some(mut process) = self.process.take() else {
            let program = self.program.clone();
            return Err(program_error(program, stage, ProgramFault::Stopped, vec![]));
        };
        match self.exchange(&mut process, items) {
            Ok(scores) => {
                self.process = Some(process);
                Ok(scores)
            }
            Err(fault) => Err(process.fail(stage, fault)),
        }
    }

    fn exchange(
        &self,
        process: &mut Process,
        items: &[TextItem<'_>],
    ) -> Result<MeteorScores, ProgramFault> {
        let mut lines = String::new();
        for item in items {
            lines.push_str(&score_line(item));
        }
        process.write(lines.into_bytes())?;
        let mut line = "EVAL".to_owned();
        for _ in items {
            let statistics = self.read(process)?;
            numbers(&statistics)?;
            // Writing to a string does not fail.
            let _ = write!(
                line,
                " {SEPARATOR} {}",
                String::from_utf8_lossy(&statistics)
            );
        }
        line.push('\n');
        process.write(line.into_bytes())?;
        let items = items.iter().map(|_| self.read_score(process));
        Ok(MeteorScores {
            items: items.collect::<Result<_, _>>()?,
            corpus: self.read_score(process)?,
        })
    }

    fn read(&self, process: &mut Process) -> Result<Vec<u8>, ProgramFault> {
        process.read(Deadline::after(self.timeout_secs))
    }

    fn read_score(&self, process: &mut Process) -> Result<f64, ProgramFault> {
        let line = self.read(process)?;
        match numbers(&line)?[..] {
            [score] => Ok(score),
            _ => Err(ProgramFault::Form {
                found: beginning(&line),
                expected: "a line with one score",
            }),
        }
    }
}

/// `SCORE ||| reference ||| ... ||| hypothesis`; an empty text leaves two spaces between its separators.
fn score_line(item: &TextItem<'_>) -> String {
    let mut line = "SCORE".to_owned();
    let references = item.references.iter().map(String::as_str);
    for text in references.chain([item.hypothesis]) {
        // METEOR takes an empty hypothesis only after a space.
        let _ = write!(line, " {SEPARATOR} {}", clean(text));
    }
    line.push('\n');
    line
}

/// A text without separators and line ends, and without spaces beside spaces.
fn clean(text: &str) -> String {
    let text = text.replace(SEPARATOR, "");
    let words = text
        .split([' ', '\n', '\r'])
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// The numbers of a line that holds nothing else.
fn numbers(line: &[u8]) -> Result<Vec<f64>, ProgramFault> {
    let text = String::from_utf8_lossy(line);
    let numbers: Option<Vec<f64>> = text
        .split_ascii_whitespace()
        .map(|word| word.parse().ok().filter(|number: &f64| number.is_finite()))
        .collect();
    match numbers {
        Some(numbers) if !numbers.is_empty() => Ok(numbers),
        _ => Err(ProgramFault::Form {
            found: beginning(line),
            expected: "a line of numbers",
        }),
    }
}

/// METEOR of each caption as a reward, 0 to 1, on words without the end token.
#[derive(Debug)]
pub struct MeteorReward {
    meteor: Meteor,
    signature: String,
}

impl MeteorReward {
    /// Starts METEOR.
    ///
    /// # Errors
    /// As [`Meteor::start`].
    pub fn start(options: &MeteorOptions, references: &References) -> Result<Self, RewardError> {
        let jar = options.jar.file_name().unwrap_or_default();
        Ok(Self {
            signature: format!(
                "meteor|jar:{}|language:en|norm:true|{}|version:{VERSION}",
                jar.to_string_lossy(),
                references.signature()
            ),
            meteor: Meteor::start(options)?,
        })
    }
}

impl Reward for MeteorReward {
    fn name(&self) -> &'static str {
        "meteor"
    }

    fn signature(&self) -> String {
        self.signature.clone()
    }

    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        let distinct = batch.distinct();
        let items: Vec<_> = distinct
            .map(|(candidate, image)| TextItem {
                hypothesis: candidate.text,
                references: &image.texts,
            })
            .collect();
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let scores = self.meteor.score(&items)?;
        batch.spread(self.name(), &scores.items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_keeps_its_parts_when_texts_hold_separators() {
        let references = ["a ||| dog", "", "two\r\ndogs  run "].map(str::to_owned);
        let mut item = TextItem {
            hypothesis: "|||| a  |  dog\n",
            references: &references,
        };
        assert_eq!(
            score_line(&item),
            "SCORE ||| a dog |||  ||| two dogs run ||| | a | dog\n"
        );
        item.hypothesis = "|||";
        assert_eq!(
            score_line(&item),
            "SCORE ||| a dog |||  ||| two dogs run ||| \n"
        );
    }

    #[test]
    fn numbers_are_refused_when_something_else_stands_among_them() {
        assert_eq!(numbers(b"1.0 -2E-3").expect("numbers"), [1.0, -0.002]);
        for line in [
            "",
            " ",
            "1.0 x",
            "NaN",
            "Error: specify SCORE or EVAL or SING",
        ] {
            let fault = numbers(line.as_bytes()).expect_err(line);
            assert_eq!(
                fault.to_string(),
                format!("found {line:?}, expected a line of numbers")
            );
        }
    }
}
