//! Why a checkpoint cannot be written or used.

use std::{io, path::PathBuf};

use burn::tensor::TensorReadError;
use scst_data::{DataError, FeatureDifference};
use scst_files::FileError;
use scst_model::ModelError;
use thiserror::Error;

use super::{
    layout::{FORMAT_VERSION, MANIFEST},
    nearest::NearestRuns,
};
use crate::config::ConfigError;

/// Why a checkpoint cannot be written or used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// There is nothing at a path.
    #[error("there is no run or checkpoint `{}`{near}", path.display())]
    NotFound {
        /// The path.
        path: PathBuf,
        /// What was probably meant.
        near: NearestRuns,
    },
    /// A link whose end is not there.
    #[error(
        "`{}` is a link to what is not there, expected the directory of a run or checkpoint{near}", path.display()
    )]
    DanglingLink {
        /// The path.
        path: PathBuf,
        /// What was probably meant.
        near: NearestRuns,
    },
    /// A file where a directory is expected.
    #[error("`{}` is a file, expected the directory of a run or checkpoint{near}", path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
        /// What was probably meant.
        near: NearestRuns,
    },
    /// A directory holds none.
    #[error("`{}` holds no checkpoint: found no `{MANIFEST}`{near}", path.display())]
    Missing {
        /// The directory.
        path: PathBuf,
        /// What was probably meant.
        near: NearestRuns,
    },
    /// A file is not as it was written.
    #[error("checkpoint file `{}` is damaged: found {found}, expected {expected}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// The layout is of another version.
    #[error("checkpoint `{}` has format version {found}, expected {FORMAT_VERSION}", path.display())]
    Version {
        /// The directory.
        path: PathBuf,
        /// Version found.
        found: u32,
    },
    /// The vocabulary is not the one that the weights were trained with.
    #[error(
        "`{}` is the tokenizer of another run: found fingerprint {found}, expected {expected}", path.display()
    )]
    Vocabulary {
        /// The tokenizer file.
        path: PathBuf,
        /// Its fingerprint.
        found: String,
        /// The checkpoint's.
        expected: String,
    },
    /// A teacher has no softmax over single words.
    #[error("the captioner of `{}` scores whole captions, expected one that scores single words", path.display())]
    Teacher {
        /// The run or checkpoint.
        path: PathBuf,
    },
    /// The features are not like those that the weights were trained with.
    #[error("`{}`: found {found}, expected {expected}, as checkpoint `{}` reads", features.display(), path.display())]
    Features {
        /// The file or folder of the features.
        features: PathBuf,
        /// What it holds, and how it is read.
        found: String,
        /// What the checkpoint reads.
        expected: String,
        /// Its directory.
        path: PathBuf,
    },
    /// The features of a run are no longer those that it began with.
    #[error("`{}` has changed since checkpoint `{}`: found {}, expected {}", difference.path.display(), path.display(), difference.found, difference.expected)]
    FeaturesChanged {
        /// The directory.
        path: PathBuf,
        /// The file, and what differs.
        difference: FeatureDifference,
    },
    /// Features were standardised otherwise.
    #[error(
        "checkpoint `{}` was trained on features that were standardised otherwise", path.display()
    )]
    Standardisation {
        /// The directory.
        path: PathBuf,
    },
    /// The checkpoint of another run is not the one that the run began with.
    #[error(
        "`{}` has changed since this run began with it: found weights {found}, expected {expected}; put the old ones \
         back, or begin a new run", path.display()
    )]
    Changed {
        /// The run or checkpoint.
        path: PathBuf,
        /// Fingerprint of its weights, words and model.
        found: String,
        /// The fingerprint when the run began.
        expected: String,
    },
    /// The training captions are not those that the run began with.
    #[error(
        "the training captions have changed since the checkpoint: found fingerprint {found}, expected {expected}"
    )]
    OtherTrainingCaptions {
        /// Fingerprint of the captions as they are: of their document frequencies, or of themselves.
        found: String,
        /// The checkpoint's.
        expected: String,
    },
    /// Weights do not fit the captioner that the configuration names.
    #[error("checkpoint file `{}`: {problem}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        problem: String,
    },
    /// The captioner cannot be made.
    #[error(transparent)]
    Captioner(#[from] ModelError),
    /// A device did not hand weights back.
    #[error("cannot read weights back from the device: {0}")]
    Device(#[from] TensorReadError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file cannot be read.
    #[error("cannot read checkpoint file `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write checkpoint file `{}`: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The configuration in the checkpoint.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The vocabulary or feature statistics in the checkpoint.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl CheckpointError {
    /// Whether the user's files are at fault, not the machine.
    pub fn is_mistake(&self) -> bool {
        !matches!(
            self,
            Self::Device(_) | Self::File(_) | Self::Read { .. } | Self::Write { .. }
        )
    }
}
