//! One sentence and an exit code for everything that can go wrong.

use std::{error::Error, fmt, fs::File, io::Read, path::Path, process::ExitCode};

use scst_data::{
    DataError,
    looks_like::{ENOUGH_BYTES, Kind, looks_like},
};
use scst_encoder::{EncoderError, WeightsError};
use scst_reward::RewardError;
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
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Mistake(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::FAILURE,
        }
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

impl From<EncoderError> for Failure {
    fn from(error: EncoderError) -> Self {
        if let EncoderError::Weights {
            path,
            architecture,
            error,
        } = &error
            && let Some(what) = something_else(path, error)
        {
            let path = path.display();
            return Self::Mistake(format!("weights of {architecture} `{path}`: {what}"));
        }
        Self::new(error.is_mistake(), &error)
    }
}

/// What a file that is no whole file of weights seems to be, if it is of another kind.
pub(crate) fn something_else(path: &Path, error: &WeightsError) -> Option<String> {
    let WeightsError::Format = error else {
        return None;
    };
    let mut start = Vec::new();
    let file = File::open(path).ok()?;
    file.take(ENOUGH_BYTES as u64)
        .read_to_end(&mut start)
        .ok()?;
    match looks_like(&start) {
        Kind::PyTorch => Some(
            "found a PyTorch checkpoint that is damaged or cut short, expected a whole one"
                .to_owned(),
        ),
        Kind::Unknown => None,
        found => Some(format!(
            "found {found}, expected weights that PyTorch has saved (.pth)"
        )),
    }
}
