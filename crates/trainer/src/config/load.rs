//! From a TOML file and overrides to a configuration.

use std::{
    fs,
    path::{Path, PathBuf},
};

use scst_model::CaptionerRegistry;
use serde::Deserialize;
use thiserror::Error;
use toml::{Table, Value};

use super::{
    Config, Problem, ValidConfig,
    blame::{self, Complaint, told},
    shape::{Shape, root},
    stage::{SCST_IMAGES_PER_BATCH, SCST_LEARNING_RATE},
    wording,
};

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
    /// An override is not `key.path=value`.
    #[error("{flag} `{text}`: {expected}")]
    Override {
        /// What gave it.
        flag: String,
        /// The override as given.
        text: String,
        /// What was expected.
        expected: String,
    },
    /// A key is unknown or missing, or values have the wrong type, are out of range or contradict one another.
    #[error("{}", told(path, complaints))]
    Problems {
        /// The file.
        path: PathBuf,
        /// All of them.
        complaints: Vec<Complaint>,
    },
    /// A key that is to be explained and that there is not.
    #[error("no key is named `{key}`{}", meant(near.as_deref()))]
    UnknownKey {
        /// The key.
        key: String,
        /// The one that was probably meant.
        near: Option<String>,
    },
    /// Values of a configuration that no file holds are out of range or contradict one another.
    #[error("the configuration: {}", join(problems))]
    Invalid {
        /// All of them.
        problems: Vec<Problem>,
    },
    /// The configuration has no TOML form.
    #[error("the configuration cannot be written as TOML: {message}")]
    Write {
        /// Why.
        message: String,
    },
}

fn meant(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"))
}

fn join(problems: &[Problem]) -> String {
    let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
    problems.join("; ")
}

/// A value to be set over a file's: `key.path=value`, list elements by number from 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// What gave it, as messages name it.
    flag: String,
    /// Whether the flag is always of the same key.
    is_of_one_key: bool,
    text: String,
    path: Vec<String>,
    value: Value,
    /// The value as given.
    raw: String,
}

impl Override {
    /// Reads `key.path=value`. The value is TOML; what is no TOML value is taken as a string.
    ///
    /// # Errors
    /// [`ConfigError::Override`] when there is no key or no `=`, or a number that no file can hold.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Self::of_flag("override", text)
    }

    /// As [`parse`](Self::parse), from a flag that messages name, such as `--set`.
    ///
    /// # Errors
    /// Those of [`parse`](Self::parse).
    pub fn of_flag(flag: &str, text: &str) -> Result<Self, ConfigError> {
        let problem = |expected: &str| ConfigError::Override {
            flag: flag.to_owned(),
            text: text.to_owned(),
            expected: expected.to_owned(),
        };
        let expected = "expected `key.path=value`, such as `stages.0.epochs=3`";
        let (key, value) = text.split_once('=').ok_or_else(|| problem(expected))?;
        let path: Vec<String> = key.trim().split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err(problem(expected));
        }
        let value = value.trim();
        let digits = value.trim_start_matches(['-', '+']);
        let is_whole = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
        if is_whole && value.parse::<i64>().is_err() {
            return Err(problem("expected a number between -2^63 and 2^63"));
        }
        Ok(Self {
            flag: flag.to_owned(),
            is_of_one_key: false,
            text: text.to_owned(),
            path,
            value: parse_value(value),
            raw: value.to_owned(),
        })
    }

    /// The value of a flag that sets one key, such as `--seed`.
    ///
    /// # Errors
    /// Those of [`parse`](Self::parse).
    pub fn of_key(flag: &str, key: &str, value: &str) -> Result<Self, ConfigError> {
        let of_flag = Self::of_flag(flag, &format!("{key}={value}"));
        let of_flag = of_flag.map_err(|error| match error {
            // The user gave the value alone.
            ConfigError::Override { flag, expected, .. } => ConfigError::Override {
                flag,
                text: value.to_owned(),
                expected,
            },
            other => other,
        })?;
        Ok(Self {
            is_of_one_key: true,
            ..of_flag
        })
    }

    /// Dotted path of its key.
    pub(super) fn key(&self) -> String {
        self.path.join(".")
    }

    /// How messages name it.
    pub(super) fn name(&self) -> String {
        if self.is_of_one_key {
            self.flag.clone()
        } else {
            format!("{} {}", self.flag, shortened(&self.key()))
        }
    }

    /// Sets the value. Where a table has one of several keys, the key takes the place of the one that was there.
    pub(super) fn apply(&self, table: &mut Table) -> Result<(), ConfigError> {
        let mut whole = Value::Table(std::mem::take(table));
        let mut at = &mut whole;
        let mut shape = Some(root());
        for key in &self.path {
            let below = shape.and_then(|shape| shape.below(key));
            if let Some(shape) = shape {
                make_room(at, shape, key);
            }
            match (below, &mut *at) {
                // A list that the file does not have begins with the element that is set.
                (Some(Shape::List(_)), Value::Table(values)) => {
                    values
                        .entry(key.clone())
                        .or_insert_with(|| Value::Array(Vec::new()));
                }
                (Some(_), Value::Array(list)) if list.is_empty() && key == "0" => {
                    list.push(Value::Table(Table::new()));
                }
                _ => {}
            }
            at = self.child(at, key)?;
            shape = below;
        }
        let is_text = matches!(shape, Some(Shape::Text))
            && !matches!(self.value, Value::Table(_) | Value::Array(_));
        *at = match &self.value {
            // A text that looks like a number.
            other if is_text && !other.is_str() => Value::String(self.raw.clone()),
            value => value.clone(),
        };
        if let Value::Table(changed) = whole {
            *table = changed;
        }
        Ok(())
    }

    fn child<'a>(&self, at: &'a mut Value, key: &str) -> Result<&'a mut Value, ConfigError> {
        let problem = |expected: String| ConfigError::Override {
            flag: self.flag.clone(),
            text: self.text.clone(),
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

/// Takes away what cannot be there together with `key`.
fn make_room(at: &mut Value, shape: &Shape, key: &str) {
    match (shape, at) {
        (Shape::Choice(_), at) => {
            let is_chosen = |table: &Table| table.len() == 1 && table.contains_key(key);
            if !at.as_table().is_some_and(is_chosen) {
                *at = Value::Table(Table::new());
            }
        }
        (Shape::Table(of), Value::Table(values)) if of.one_of.iter().any(|one| one == key) => {
            values.retain(|name, _| name == key || of.one_of.iter().all(|other| other != name));
        }
        _ => {}
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
    /// Reads a configuration file, lays `overrides` over it, fills in defaults, finds the captioner if it is one of
    /// `captioners`, and checks everything.
    ///
    /// # Errors
    /// [`ConfigError`], which names file or override, key, value found and what was expected.
    pub fn load(
        path: &Path,
        overrides: Vec<Override>,
        captioners: &CaptionerRegistry,
    ) -> Result<ValidConfig, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path, overrides, captioners)
    }

    /// As [`load`](Self::load), from the text of a file.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn parse(
        text: &str,
        path: &Path,
        overrides: Vec<Override>,
        captioners: &CaptionerRegistry,
    ) -> Result<ValidConfig, ConfigError> {
        let table: Table = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            ConfigError::Syntax {
                path: path.to_owned(),
                line: 1 + text.bytes().take(start).filter(|&b| b == b'\n').count(),
                message: wording::syntax(error.message()),
            }
        })?;
        blame::resolve(&table, path, &overrides, captioners)
    }

    /// Sets what stages of self-critical training have by default, where the file does not say otherwise.
    pub(super) fn fill_defaults(table: &mut Table) {
        let Some(Value::Array(stages)) = table.get_mut("stages") else {
            return;
        };
        let stages = stages.iter_mut().filter_map(Value::as_table_mut);
        for stage in stages.filter(|stage| stage.contains_key("scst")) {
            let images = Value::Integer(SCST_IMAGES_PER_BATCH as i64);
            stage.entry("images_per_batch").or_insert(images);
            let rate = Value::Float(SCST_LEARNING_RATE);
            stage.entry("learning_rate").or_insert(rate);
        }
    }

    pub(super) fn fill_names(&mut self, path: &Path) {
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
    ///
    /// # Errors
    /// [`ConfigError::Write`] when a number is larger than TOML can hold, in a configuration that was not
    /// [validated](Self::validate).
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        let problem = |error: toml::ser::Error| ConfigError::Write {
            message: wording::syntax(&error.to_string()),
        };
        // The writer takes numbers that the reader does not.
        Table::try_from(self).map_err(problem)?;
        toml::to_string(self).map_err(problem)
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

/// A key for a message, cut where it would flood the terminal.
fn shortened(key: &str) -> String {
    const LONGEST: usize = 120;
    match key.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &key[..end]),
        None => key.to_owned(),
    }
}
