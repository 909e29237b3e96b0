//! What is told, and to whom.

use scst_trainer::Warning;
use serde::Serialize;

use crate::output::{print_line, with_program};

/// Something that is wrong, in one sentence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Finding {
    /// The name of the rule, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    /// The stage that it was said in, where it was said in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stage: Option<String>,
    /// Steps of the run that were done.
    pub(super) step: u64,
    /// The sentence.
    pub(super) message: String,
}

impl Finding {
    /// One of before the first step.
    pub(super) fn before(warning: &Warning) -> Self {
        Self {
            name: Some(warning.name()),
            stage: None,
            step: 0,
            message: warning.to_string(),
        }
    }

    /// One of a stage.
    pub(super) fn during(warning: &Warning, stage: &str, step: u64) -> Self {
        Self {
            stage: Some(stage.to_owned()),
            step,
            ..Self::before(warning)
        }
    }

    /// One that a run has logged.
    pub(super) fn logged(message: String, stage: Option<String>, step: u64) -> Self {
        Self {
            name: None,
            stage,
            step,
            message,
        }
    }
}

/// Prints them, a line each, and how many there are.
pub(super) fn print(findings: &[Finding]) {
    for finding in findings {
        print_line!("finding: {}", with_program(&finding.message));
    }
    match findings.len() {
        0 => print_line!("no findings"),
        1 => print_line!("1 finding"),
        more => print_line!("{more} findings"),
    }
}
