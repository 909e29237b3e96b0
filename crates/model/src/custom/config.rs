//! Which captioner of another crate, and what it is told.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::CustomCaptioner;

/// The choice of a captioner that the program around this library registered.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomConfig {
    /// The name that the captioner was registered under.
    #[schemars(extend("examples" = ["mine"]))]
    pub name: String,
    /// Share of units that dropout removes in training, where the captioner asks for it.
    #[serde(default = "default_dropout")]
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
    /// Whatever the captioner can be told; it checks that itself.
    #[serde(default)]
    pub options: Map<String, Value>,
    /// The captioner, once [`CaptionerRegistry::resolve`](super::CaptionerRegistry::resolve) has found it.
    #[serde(skip)]
    pub(super) captioner: Option<Arc<dyn CustomCaptioner>>,
}

fn default_dropout() -> f64 {
    0.5
}

impl PartialEq for CustomConfig {
    /// Whether the same captioner is chosen, and told the same.
    fn eq(&self, other: &Self) -> bool {
        let told = |config: &Self| (config.name.clone(), config.dropout, config.options.clone());
        told(self) == told(other)
    }
}

/// Something that a captioner cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionProblem {
    /// The key, dotted, as it stands in the captioner's table.
    pub key: String,
    /// What it is.
    pub found: String,
    /// What it should be.
    pub expected: String,
}

impl OptionProblem {
    /// A problem of the option `key`.
    pub fn of_option(key: &str, found: impl ToString, expected: impl Into<String>) -> Self {
        Self {
            key: format!("options.{key}"),
            found: found.to_string(),
            expected: expected.into(),
        }
    }
}

impl CustomConfig {
    /// The largest size that an option can be.
    const LARGEST: u64 = 1_000_000;

    /// The choice of the captioner `name`, without options.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            dropout: default_dropout(),
            options: Map::new(),
            captioner: None,
        }
    }

    /// The option `key` as a size, from 1 to a million; `default` if it is not given.
    ///
    /// # Errors
    /// [`OptionProblem`] for everything else.
    pub fn size(&self, key: &str, default: usize) -> Result<usize, OptionProblem> {
        let Some(value) = self.options.get(key) else {
            return Ok(default);
        };
        let size = value.as_u64();
        let size = size.filter(|size| (1..=Self::LARGEST).contains(size));
        let expected = format!("a whole number from 1 to {}", Self::LARGEST);
        let problem = || OptionProblem::of_option(key, value, expected);
        size.map(|size| size as usize).ok_or_else(problem)
    }

    /// Nothing, if there are no options but `known`.
    ///
    /// # Errors
    /// [`OptionProblem`] for the first other one.
    pub fn check_options(&self, known: &[&str]) -> Result<(), OptionProblem> {
        let unknown = |key: &&String| !known.contains(&key.as_str());
        let Some(key) = self.options.keys().find(unknown) else {
            return Ok(());
        };
        let expected = match known {
            [] => "no options".to_owned(),
            known => format!("only `{}`", known.join("`, `")),
        };
        let found = "an option that the captioner does not have";
        Err(OptionProblem::of_option(key, found, expected))
    }
}
