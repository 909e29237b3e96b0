//! From a TOML file and overrides to a configuration.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use thiserror::Error;
use toml::{Table, Value};

use super::{Config, Problem};

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("`{}`, line {line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A key is unknown or missing, or a value has the wrong type.
    #[error("`{}`, key `{key}`: {message}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Dotted path of the key.
        key: String,
        /// What was found and what was expected.
        message: String,
    },
    /// An override is not `key.path=value`.
    #[error("override `{text}`: {expected}")]
    Override {
        /// The override as given.
        text: String,
        /// What was expected.
        expected: String,
    },
    /// Values are out of range or contradict one another.
    #[error("`{}`: {}", path.display(), join(problems))]
    Problems {
        /// The file.
        path: PathBuf,
        /// All of them.
        problems: Vec<Problem>,
    },
}

fn join(problems: &[Problem]) -> String {
    let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
    problems.join("; ")
}

/// A value to be set over a file's: `key.path=value`, list elements by number from 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    text: String,
    path: Vec<String>,
    value: Value,
}

impl Override {
    /// Reads `key.path=value`. The value is TOML; what is no TOML value is taken as a string.
    ///
    /// # Errors
    /// [`ConfigError::Override`] when there is no key or no `=`.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let expected = || ConfigError::Override {
            text: text.to_owned(),
            expected: "expected `key.path=value`, such as `stages.0.epochs=3`".to_owned(),
        };
        let (key, value) = text.split_once('=').ok_or_else(expected)?;
        let path: Vec<String> = key.trim().split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err(expected());
        }
        Ok(Self {
            text: text.to_owned(),
            path,
            value: parse_value(value.trim()),
        })
    }

    fn apply(self, table: &mut Table) -> Result<(), ConfigError> {
        let Some((last, parents)) = self.path.split_last() else {
            return Ok(());
        };
        let mut root = Value::Table(std::mem::take(table));
        let mut at = &mut root;
        for key in parents {
            at = Self::child(at, key, &self.text)?;
        }
        *Self::child(at, last, &self.text)? = self.value;
        if let Value::Table(changed) = root {
            *table = changed;
        }
        Ok(())
    }

    fn child<'a>(at: &'a mut Value, key: &str, text: &str) -> Result<&'a mut Value, ConfigError> {
        let problem = |expected: String| ConfigError::Override {
            text: text.to_owned(),
            expected,
        };
        match at {
            Value::Table(table) => Ok(table
                .entry(key.to_owned())
                .or_insert_with(|| Value::Table(Table::new()))),
            Value::Array(list) => {
                let length = list.len();
                key.parse::<usize>()
                    .ok()
                    .and_then(|index| list.get_mut(index))
                    .ok_or_else(|| {
                        problem(format!(
                            "`{key}` is no element of a list of {length}, counted from 0"
                        ))
                    })
            }
            other => Err(problem(format!(
                "`{key}` lies below a {}, which has no keys",
                other.type_str()
            ))),
        }
    }
}

fn parse_value(text: &str) -> Value {
    match toml::from_str::<Table>(&format!("value = {text}")) {
        Ok(mut table) if table.len() == 1 => table
            .remove("value")
            .unwrap_or_else(|| Value::String(text.to_owned())),
        _ => Value::String(text.to_owned()),
    }
}

impl Config {
    /// Reads a configuration file, lays `overrides` over it, fills in defaults and checks it.
    ///
    /// # Errors
    /// [`ConfigError`], which names file, key, value found and what was expected.
    pub fn load(path: &Path, overrides: Vec<Override>) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path, overrides)
    }

    /// As [`load`](Self::load), from the text of a file.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn parse(text: &str, path: &Path, overrides: Vec<Override>) -> Result<Self, ConfigError> {
        let mut table: Table = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            ConfigError::Syntax {
                path: path.to_owned(),
                line: 1 + text.bytes().take(start).filter(|&b| b == b'\n').count(),
                message: error.message().replace('\n', ", "),
            }
        })?;
        for change in overrides {
            change.apply(&mut table)?;
        }
        let key_error = |key: String, message: &str| ConfigError::Key {
            path: path.to_owned(),
            key,
            message: in_words(message),
        };
        let mut config: Self = serde_path_to_error::deserialize(Value::Table(table))
            .map_err(|error| key_error(dotted(error.path()), error.inner().message()))?;
        config.fill_names(path);
        let problems = config.problems();
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError::Problems {
                path: path.to_owned(),
                problems,
            })
        }
    }

    fn fill_names(&mut self, path: &Path) {
        if self.name.is_empty() {
            let stem = path.file_stem().map(|stem| stem.to_string_lossy());
            self.name = stem.map_or_else(|| "run".to_owned(), Into::into);
        }
        for stage in &mut self.stages {
            if stage.name.is_empty() {
                let objective = if stage.scst.is_some() { "scst" } else { "xe" };
                objective.clone_into(&mut stage.name);
            }
        }
    }

    /// The resolved configuration as TOML, all defaults shown.
    pub fn to_toml(&self) -> String {
        // Every field has a TOML form: there are no maps with other keys, no u64 beyond i64 after
        // the check of the seed, and tables come after values as `toml` sorts them.
        toml::to_string(self).unwrap_or_default()
    }

    /// The first key in which two configurations differ, with both values.
    pub fn first_difference(&self, other: &Self) -> Option<(String, String, String)> {
        let value = |config: &Self| Table::deserialize(toml::Value::try_from(config).ok()?).ok();
        difference(
            "",
            &Value::Table(value(self)?),
            &Value::Table(value(other)?),
        )
    }
}

/// The path of a key as overrides spell it: `stages.0.epochs`.
fn dotted(path: &serde_path_to_error::Path) -> String {
    path.to_string().replace('[', ".").replace(']', "")
}

/// A message of the parser in one line, with plain words for Rust's types.
fn in_words(message: &str) -> String {
    let line = message.trim().replace('\n', ", ");
    for (types, words) in [
        (
            ["expected usize", "expected u64"],
            "expected a whole number, 0 or more",
        ),
        (["expected f64", "expected f32"], "expected a number"),
    ] {
        for name in types {
            if let Some(start) = line.strip_suffix(name) {
                return format!("{start}{words}");
            }
        }
    }
    line
}

fn difference(path: &str, a: &Value, b: &Value) -> Option<(String, String, String)> {
    let below = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    match (a, b) {
        (Value::Table(a), Value::Table(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter()
                .find_map(|key| match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => difference(&below(key), a, b),
                    (a, b) => Some((below(key), show(a), show(b))),
                })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .find_map(|(k, (a, b))| difference(&below(&k.to_string()), a, b)),
        _ if a == b => None,
        _ => Some((path.to_owned(), show(Some(a)), show(Some(b)))),
    }
}

fn show(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), Value::to_string)
}
