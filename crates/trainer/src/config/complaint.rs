//! A problem of a configuration, and who is to blame.

use std::path::Path;

use super::problem::Problem;

/// A problem, and the overrides that it comes of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    pub(super) problem: Problem,
    /// Names of the overrides without any one of which there is no such problem; none if the file alone has it.
    pub(super) culprits: Vec<String>,
}

impl Complaint {
    /// The problem.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    fn in_words(&self) -> String {
        let key = self.problem.key();
        match self.culprits.as_slice() {
            [] => self.problem.to_string(),
            // An override that tells its own key.
            [one] if one.split_once(' ').is_some_and(|(_, own)| own == key) => {
                let name = |of: &str| {
                    if of == key {
                        one.clone()
                    } else {
                        format!("key `{of}`")
                    }
                };
                self.problem.in_words(name)
            }
            several => format!("{}: {}", several.join(" and "), self.problem),
        }
    }
}

/// More complaints than these are no sentence.
const TOLD: usize = 8;

/// All complaints in one line: first those about the file, then those about overrides.
pub(super) fn told(path: &Path, complaints: &[Complaint]) -> String {
    let (file, overrides): (Vec<&Complaint>, Vec<&Complaint>) =
        complaints.iter().partition(|c| c.culprits.is_empty());
    let words = |complaints: Vec<&Complaint>| -> Vec<String> {
        complaints.into_iter().map(Complaint::in_words).collect()
    };
    let mut parts = words(file);
    if let Some(first) = parts.first_mut() {
        *first = format!("`{}`: {first}", path.display());
    }
    parts.extend(words(overrides));
    let more = parts.len().saturating_sub(TOLD);
    parts.truncate(TOLD);
    let told = parts.join("; ");
    match more {
        0 => told,
        more => format!("{told}; and {more} more"),
    }
}
