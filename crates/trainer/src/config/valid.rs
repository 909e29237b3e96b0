//! A configuration that has been checked.

use std::ops::Deref;

use super::{Config, error::ConfigError, problem::Problem};

/// A configuration in which nothing is out of range or contradictory: what [`train`](crate::train) takes.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidConfig(Config);

impl Deref for ValidConfig {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.0
    }
}

impl From<ValidConfig> for Config {
    /// The configuration, to be changed; then it has to be validated again.
    fn from(config: ValidConfig) -> Self {
        config.0
    }
}

impl Config {
    /// The configuration, if a run can begin with it.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with everything that is out of range or contradictory.
    pub fn validate(self) -> Result<ValidConfig, ConfigError> {
        self.check()
            .map_err(|problems| ConfigError::Invalid { problems })
    }

    pub(super) fn check(self) -> Result<ValidConfig, Vec<Problem>> {
        let problems = self.problems();
        if problems.is_empty() {
            Ok(ValidConfig(self))
        } else {
            Err(problems)
        }
    }
}
