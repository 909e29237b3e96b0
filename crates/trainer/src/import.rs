//! Weights of other programs as checkpoints of this one.

mod error;
mod matrix;
mod self_critical;

use std::{collections::BTreeMap, path::Path};

use scst_data::RenumberedVocabulary;
use scst_model::Captioner;

pub use error::{ImportError, WeightsProblem};

use crate::{
    backend::Backend,
    checkpoint::{CheckpointError, Snapshot, with_weights},
    config::Config,
    draws::{Purpose, generator},
    progress::Progress,
};

/// A tensor of another program: its shape and its values in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct StateTensor {
    /// Sizes of its dimensions.
    pub shape: Vec<usize>,
    /// As many values as the sizes say.
    pub values: Vec<f32>,
}

/// Writes weights of self-critical.pytorch as a checkpoint `out`, at the beginning of a run.
///
/// `newfc` and `fc` become the captioner `fc`, `att2in2` becomes `att2in`, `att2all2` becomes `att2all`, `updown` becomes
/// `up_down`, `show_tell` stays; log-probabilities of captions stay what they are. `path`: the file of the weights, for errors. `config`: where captions and features
/// are, and how training is to go on; its captioner must be that of the weights but for dropout.
///
/// # Errors
/// [`ImportError`] when the weights are those of another model, weights, words and configuration do not belong together,
/// `out` exists, or it cannot be written.
pub fn import_self_critical(
    path: &Path,
    tensors: BTreeMap<String, StateTensor>,
    words: &RenumberedVocabulary,
    config: &Config,
    out: &Path,
) -> Result<(), ImportError> {
    if out.exists() {
        return Err(ImportError::Exists {
            path: out.to_owned(),
        });
    }
    let dropout = config.model.dropout();
    let imported = self_critical::captioner(tensors, &words.ids_before, dropout);
    let imported = imported.map_err(|problem| ImportError::Weights {
        path: path.to_owned(),
        problem,
    })?;
    let mut expected = config.clone();
    expected.model = imported.model;
    expected.data.standardise = false;
    if let Some((key, found, expected)) = config.first_difference(&expected) {
        return Err(ImportError::Config {
            key,
            found,
            expected,
        });
    }
    let device = Backend::Flex.device().map_err(ImportError::Backend)?;
    let mut rng = generator(config.seed, Purpose::Weights, 0, 0);
    let captioner = Captioner::init(&config.model, imported.dimensions, &device, &mut rng);
    let captioner = with_weights(captioner, &imported.parameters, &device).map_err(|problem| {
        CheckpointError::Weights {
            path: path.to_owned(),
            problem,
        }
    })?;
    let snapshot = Snapshot {
        config,
        vocabulary: &words.vocabulary,
        standardiser: None,
        captioner: &captioner,
        optimiser: None,
        progress: &Progress::default(),
    };
    Ok(snapshot.write(out)?)
}
