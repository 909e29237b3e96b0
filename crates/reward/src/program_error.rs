//! What can be wrong with another program that scores captions.

use std::fmt;
use std::io;
use std::process::ExitStatus;

use serde_json::error::Category;

/// How much of what a program wrote is shown in a message, in characters.
const SHOWN: usize = 200;

/// A program that could not be used, with the last lines that it wrote to its standard error.
#[derive(Debug)]
pub struct ProgramError {
    /// The program and its arguments.
    pub program: String,
    /// When it went wrong.
    pub stage: ProgramStage,
    /// What went wrong.
    pub fault: ProgramFault,
    /// The last lines of its standard error, the newest at the end.
    pub stderr: Vec<String>,
}

impl fmt::Display for ProgramError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let check = match self.stage {
            ProgramStage::Check => "start-up check: ",
            ProgramStage::Start | ProgramStage::Run => "",
        };
        let (program, fault) = (&self.program, &self.fault);
        write!(formatter, "program {program}: {check}{fault}")?;
        if !self.stderr.is_empty() {
            formatter.write_str("; its standard error ended with")?;
        }
        self.stderr
            .iter()
            .try_for_each(|line| write!(formatter, "\n    {line}"))
    }
}

impl std::error::Error for ProgramError {}

/// When a program failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProgramStage {
    /// Before it ran.
    Start,
    /// While it answered the first question, whose answer is only checked.
    Check,
    /// Later.
    Run,
}

/// What a program did, and what was expected of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramFault {
    /// There is no such program.
    #[error("found no such program, expected the path of one or a name on the PATH")]
    NotFound,
    /// The file exists and is no program.
    #[error("found a file that may not be executed, expected an executable one (chmod +x)")]
    NotExecutable,
    /// The system could not start it for another reason.
    #[error("failed to start: {0}")]
    Start(io::Error),
    /// Files could not be exchanged with it.
    #[error("failed to exchange files with it: {0}")]
    Files(io::Error),
    /// It was asked and did not answer.
    #[error("found no answer after {secs} s, expected one within that time")]
    TimeOut {
        /// The time-out in seconds.
        secs: f64,
    },
    /// It was asked for a line and did not answer, which is what an answer that stays in a buffer looks like.
    #[error(
        "found no answer after {secs} s, expected a line within that time (does it flush its standard output after every \
         line?)"
    )]
    NoLine {
        /// The time-out in seconds.
        secs: f64,
    },
    /// It did not read what it was asked.
    #[error("found its request still unread after {secs} s, expected an answer within that time")]
    RequestUnread {
        /// The time-out in seconds.
        secs: f64,
    },
    /// It ended instead of answering.
    #[error("found {}, expected an answer", status(*.0))]
    Exited(ExitStatus),
    /// It closed its standard output and kept running.
    #[error("found its standard output closed, expected an answer")]
    OutputClosed,
    /// It wrote something without being asked.
    #[error("found {found:?}, which was not asked for, expected one line per request")]
    Unasked {
        /// The beginning of the line.
        found: String,
    },
    /// It wrote a line without an end.
    #[error("found a line of more than {limit} bytes, expected a shorter one")]
    LineTooLong {
        /// The largest length.
        limit: usize,
    },
    /// It wrote something else than JSON.
    #[error("found {found:?}, which is not {}, expected {expected}", form(*.reason))]
    NotJson {
        /// The beginning of what it wrote.
        found: String,
        /// Why that is not JSON.
        reason: Category,
        /// What was expected.
        expected: &'static str,
    },
    /// It wrote something of another form.
    #[error("found {found:?}, expected {expected}")]
    Form {
        /// The beginning of what it wrote.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
    /// It answered with keys that the protocol does not have.
    #[error("found an answer with {found}, expected exactly one of the keys scores and error")]
    Keys {
        /// The keys found, or that there were none.
        found: String,
    },
    /// It refused the captions in words of its own.
    #[error("found a refusal ({0}), expected scores")]
    Refused(String),
    /// It returned more or fewer scores than there were captions.
    #[error("found {found} scores, expected {expected}, one per caption")]
    ScoreCount {
        /// Scores found.
        found: usize,
        /// Captions sent.
        expected: usize,
    },
    /// It returned something that is no score.
    #[error(
        "found {found} as the score of caption {caption} ({text:?} of image {image}), expected {expected}"
    )]
    Score {
        /// What it returned.
        found: String,
        /// Which caption of the request, from 0.
        caption: usize,
        /// The caption's words.
        text: String,
        /// The image's id.
        image: String,
        /// What a score may be.
        expected: &'static str,
    },
    /// A request that cannot be written as JSON.
    #[error("failed to write a request as JSON")]
    Request(#[source] serde_json::Error),
    /// It is used again after a failure.
    #[error("found it stopped after an earlier failure, expected no further captions")]
    Stopped,
}

/// What a text is not, by the kind of error that reading it has met.
fn form(reason: Category) -> &'static str {
    match reason {
        Category::Eof => "all of a JSON value",
        Category::Data => "JSON of this form",
        Category::Io | Category::Syntax => "JSON",
    }
}

/// `exit status 3`, `signal 9 (SIGKILL)`.
fn status(status: ExitStatus) -> String {
    status.to_string().replacen(": ", " ", 1)
}

/// The beginning of what a program wrote, with dots where it is cut.
pub(crate) fn beginning(found: &[u8]) -> String {
    // A character has at most four bytes.
    let text = String::from_utf8_lossy(&found[..found.len().min(4 * SHOWN + 4)]);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_after_200_characters_when_it_is_longer() {
        assert_eq!(beginning(b"a\tb"), "a\tb");
        let text = "\u{e9}".repeat(200);
        assert_eq!(beginning(text.as_bytes()), text);
        let long = "\u{1f600}".repeat(100_000);
        let expected = format!("{}...", "\u{1f600}".repeat(200));
        assert_eq!(beginning(long.as_bytes()), expected);
    }

    #[test]
    fn message_lists_the_lines_when_there_is_standard_error() {
        let mut error = ProgramError {
            program: "python3 mine.py".to_owned(),
            stage: ProgramStage::Check,
            fault: ProgramFault::TimeOut { secs: 0.5 },
            stderr: vec![],
        };
        let sentence = "program python3 mine.py: start-up check: found no answer after 0.5 s, expected one within that time";
        assert_eq!(error.to_string(), sentence);
        error.stderr = vec!["one".to_owned(), "two".to_owned()];
        assert_eq!(
            error.to_string(),
            format!("{sentence}; its standard error ended with\n    one\n    two")
        );
    }
}
