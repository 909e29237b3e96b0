//! From a TOML file and overrides to a configuration.

use std::{fs, path::Path};

use scst_model::CaptionerRegistry;
use serde::Deserialize;
use toml::{Table, Value};

use super::{
    Config, blame,
    error::ConfigError,
    overrides::Override,
    stage::{SCST_LEARNING_RATE, SCST_SOURCES_PER_BATCH},
    valid::ValidConfig,
    wording,
};

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
            let sources = Value::Integer(SCST_SOURCES_PER_BATCH as i64);
            stage.entry("sources_per_batch").or_insert(sources);
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
