//! Why weights cannot be imported.

use std::path::PathBuf;

use thiserror::Error;

use crate::{backend::BackendError, checkpoint::CheckpointError, config::ConfigError};

/// Why weights cannot be imported.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The weights.
    #[error("weights `{}`: {problem}", path.display())]
    Weights {
        /// Their file.
        path: PathBuf,
        /// What is wrong with them.
        problem: WeightsProblem,
    },
    /// The configuration does not describe the weights.
    #[error(
        "configuration, key `{key}`: found {found}, expected {expected}, as the weights were trained"
    )]
    Config {
        /// The key.
        key: String,
        /// Its value.
        found: String,
        /// What would have been right.
        expected: String,
    },
    /// The configuration that is made for the import.
    #[error(transparent)]
    Fresh(#[from] ConfigError),
    /// The checkpoint would replace something.
    #[error("`{}` exists, expected a directory to be made", path.display())]
    Exists {
        /// The directory.
        path: PathBuf,
    },
    /// The backend.
    #[error(transparent)]
    Backend(BackendError),
    /// The checkpoint cannot be written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

impl ImportError {
    /// Whether the user's files, configuration or command are at fault, not the machine.
    pub fn is_mistake(&self) -> bool {
        match self {
            Self::Checkpoint(error) => error.is_mistake(),
            Self::Backend(_) | Self::Fresh(_) => false,
            Self::Weights { .. } | Self::Config { .. } | Self::Exists { .. } => true,
        }
    }
}

/// What can be wrong with weights.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WeightsProblem {
    /// The tensors are those of no model that is known.
    #[error(
        "found {}, expected one of `newfc`, `fc`, `show_tell`, `att2in`, `att2in2`, `att2all2` and `updown`",
        if names.is_empty() { "no tensors".to_owned() } else { listed("tensors of another model, such as ", names) }
    )]
    UnknownModel {
        /// Some of their names.
        names: Vec<String>,
    },
    /// A part that no captioner here has.
    #[error("{what} is not supported")]
    Unsupported {
        /// The part.
        what: &'static str,
    },
    /// A tensor is missing.
    #[error(
        "it has no tensor `{name}`{}",
        listed(", the most similar are ", nearest)
    )]
    Missing {
        /// The tensor.
        name: String,
        /// Names that are most like it.
        nearest: Vec<String>,
    },
    /// A tensor has another shape than the others ask for.
    #[error("tensor `{name}` has the shape {found:?}, expected {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// Its shape by the other tensors.
        expected: Vec<usize>,
    },
    /// A tensor is no matrix.
    #[error("tensor `{name}` has the shape {found:?}, expected 2 dimensions")]
    Dimensions {
        /// The tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
    },
    /// There is a tensor that the model does not have.
    #[error("it has a tensor `{name}`, which `{model}` does not have")]
    Unexpected {
        /// The tensor.
        name: String,
        /// The model.
        model: &'static str,
    },
    /// The vocabulary is another one.
    #[error("it knows {found} words, the vocabulary holds {expected}")]
    Words {
        /// Words of the model, the end token left out.
        found: usize,
        /// Words of the vocabulary.
        expected: usize,
    },
}

/// Names behind what is said of them; nothing where there are none.
fn listed(what: &str, names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    what.to_owned() + &names.join(", ")
}
