//! One sentence and an exit code for everything that can go wrong.

use std::{error::Error, fmt};

use scst_data::DataError;
use scst_encoder::EncoderError;
use scst_report::ReportError;
use scst_reward::{RewardError, serve::RequestError};
use scst_significance::SignificanceError;
use scst_trainer::{BackendError, CheckpointError, ImportError, TrainError, config::ConfigError};

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The user's input is at fault: exit code 2.
    Mistake(String),
    /// Something failed: exit code 1.
    Failed(String),
}

impl Failure {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Mistake(_) => 2,
            Self::Failed(_) => 1,
        }
    }

    /// The same, with a line of advice after it.
    pub(crate) fn followed_by(self, advice: &str) -> Self {
        match self {
            Self::Mistake(message) => Self::Mistake(format!("{message}\n{advice}")),
            Self::Failed(message) => Self::Failed(format!("{message}\n{advice}")),
        }
    }

    /// A mistake if one of these flags was given; `message` is made of the first that was.
    pub(crate) fn refuse_flags(
        flags: &[(&str, bool)],
        message: impl Fn(&str) -> String,
    ) -> Result<(), Self> {
        let given = flags.iter().find(|(_, is_given)| *is_given);
        given.map_or(Ok(()), |(flag, _)| Err(Self::Mistake(message(flag))))
    }

    /// What failed without being anybody's mistake, with its causes.
    pub(crate) fn failed(error: &dyn Error) -> Self {
        Self::new(false, error)
    }

    fn new(is_mistake: bool, error: &dyn Error) -> Self {
        let message = with_causes(error);
        if is_mistake {
            Self::Mistake(message)
        } else {
            Self::Failed(message)
        }
    }
}

/// The message of an error and of its causes, as far as it does not hold them already.
fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !message.contains(&text) {
            message += ": ";
            message += &text;
        }
        next = cause.source();
    }
    message
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Mistake(message) | Self::Failed(message)) = self;
        f.write_str(message)
    }
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        Self::new(error.is_mistake(), &error)
    }
}

impl From<CheckpointError> for Failure {
    fn from(error: CheckpointError) -> Self {
        Self::new(error.is_mistake(), &error)
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self::new(error.is_mistake(), &error)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(true, &error)
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self::new(true, &error)
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Self::new(error.is_mistake(), &error)
    }
}

impl From<RewardError> for Failure {
    fn from(error: RewardError) -> Self {
        Self::new(error.is_mistake(), &error)
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        Self::new(false, &error)
    }
}

impl From<SignificanceError> for Failure {
    fn from(error: SignificanceError) -> Self {
        Self::new(true, &error)
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self::new(true, &error)
    }
}

impl From<EncoderError> for Failure {
    fn from(error: EncoderError) -> Self {
        Self::new(error.is_mistake(), &error)
    }
}
