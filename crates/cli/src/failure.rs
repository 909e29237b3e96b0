//! One sentence and an exit code for everything that can go wrong.

use std::{fmt, process::ExitCode};

use scst_trainer::{BackendError, CheckpointError, TrainError, config::ConfigError};

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The user's input is at fault: exit code 2.
    Mistake(String),
    /// Something failed: exit code 1.
    Failed(String),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Mistake(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::FAILURE,
        }
    }

    fn new(is_mistake: bool, message: String) -> Self {
        if is_mistake {
            Self::Mistake(message)
        } else {
            Self::Failed(message)
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Mistake(message) | Self::Failed(message)) = self;
        f.write_str(message)
    }
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        Self::new(error.is_mistake(), error.to_string())
    }
}

impl From<CheckpointError> for Failure {
    fn from(error: CheckpointError) -> Self {
        Self::new(error.is_mistake(), error.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Mistake(error.to_string())
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self::Mistake(error.to_string())
    }
}
