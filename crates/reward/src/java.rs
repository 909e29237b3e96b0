//! What the metrics that are Java programs have in common.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::RewardError;

/// A hypothesis and the references of its image, as words.
#[derive(Debug, Clone, Copy)]
pub struct TextItem<'a> {
    /// The caption to score.
    pub hypothesis: &'a str,
    /// What it is compared with, one or more.
    pub references: &'a [String],
}

/// The keys of a metric's options, for messages.
pub(crate) struct JarKeys {
    pub(crate) jar: &'static str,
    pub(crate) java: &'static str,
    pub(crate) memory: &'static str,
}

/// How a jar is run.
pub(crate) struct Jar<'a> {
    pub(crate) java: &'a Path,
    pub(crate) path: &'a Path,
    /// Largest heap, such as `2G`.
    pub(crate) memory: &'a str,
}

impl Jar<'_> {
    /// The options that cannot be right.
    pub(crate) fn problems(&self, keys: &JarKeys) -> impl Iterator<Item = RewardError> + use<> {
        let given = |option, path: &Path, expected| {
            let text = path.to_string_lossy();
            RewardError::option_text(!text.is_empty(), option, &text, expected)
        };
        let number = self
            .memory
            .strip_suffix(['k', 'K', 'm', 'M', 'g', 'G', 't', 'T']);
        let number = number.unwrap_or(self.memory);
        let good_memory = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let problems = [
            given(keys.jar, self.path, "the path of the jar"),
            given(keys.java, self.java, "java or the path of a java program"),
            RewardError::option_text(
                good_memory,
                keys.memory,
                self.memory,
                "the largest heap, such as 2G",
            ),
        ];
        problems.into_iter().flatten()
    }

    /// `java -jar -XmxMEMORY JAR`, in the order in which coco-caption gives them, and more arguments.
    pub(crate) fn command<S: Into<OsString>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Vec<OsString> {
        let start = [
            self.java.into(),
            "-jar".into(),
            format!("-Xmx{}", self.memory).into(),
            self.path.into(),
        ];
        start
            .into_iter()
            .chain(arguments.into_iter().map(Into::into))
            .collect()
    }
}

/// # Errors
/// [`RewardError::FileMissing`] when there is no such file.
pub(crate) fn check_file(
    option: &'static str,
    path: PathBuf,
    expected: &'static str,
) -> Result<(), RewardError> {
    if path.is_file() {
        return Ok(());
    }
    Err(RewardError::FileMissing {
        option,
        path,
        expected,
    })
}

/// # Errors
/// [`RewardError::NoImages`] or [`RewardError::NoReferences`] when there is nothing to compare.
pub(crate) fn check_items(items: &[TextItem<'_>]) -> Result<(), RewardError> {
    if items.is_empty() {
        return Err(RewardError::NoImages);
    }
    match items.iter().position(|item| item.references.is_empty()) {
        Some(item) => Err(RewardError::NoReferences {
            image: item.to_string(),
        }),
        None => Ok(()),
    }
}
