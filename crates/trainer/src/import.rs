//! Weights of other programs as checkpoints of this one.

mod error;
mod matrix;
mod self_critical;
mod tensor;

use std::{collections::BTreeMap, path::Path};

use scst_data::{FeatureSource, FolderSource, RenumberedVocabulary};
use scst_model::{Captioner, CaptionerConfig, CaptionerRegistry};

pub use error::{ImportError, WeightsProblem};
pub use tensor::StateTensor;

use crate::{
    backend::Backend,
    checkpoint::{CheckpointError, Snapshot, TOKENIZER, with_weights},
    config::{Config, StartFrom},
    draws::{Purpose, generator},
    run::progress::Progress,
};

/// Dropout of self-critical.pytorch unless it is told otherwise (`drop_prob_lm`).
const DROPOUT: f64 = 0.5;
/// What an import is configured with unless it is told otherwise.
const TEMPLATE: &str = include_str!("../../../configs/self-critical-att2in.toml");

/// Writes weights of self-critical.pytorch as a checkpoint `out`, at the beginning of a run.
///
/// `newfc` and `fc` become the captioner `fc`, `att2in2` becomes `att2in`, `att2all2` becomes `att2all`, `updown` becomes
/// `up_down`, `show_tell` and `att2in` stay; log-probabilities of captions stay what they are. `path`: the file of the
/// weights, for errors. `config`: where captions and features are, and how training is to go on; its captioner must be that of the
/// weights but for dropout. Without one, data are where self-critical.pytorch has them, and the configuration in the
/// checkpoint is one to go on with.
///
/// # Errors
/// [`ImportError`] when the weights are those of another model, weights, words and configuration do not belong together,
/// `out` exists, or it cannot be written.
pub fn import_self_critical(
    path: &Path,
    tensors: BTreeMap<String, StateTensor>,
    words: &RenumberedVocabulary,
    config: Option<&Config>,
    out: &Path,
) -> Result<(), ImportError> {
    if out.exists() {
        return Err(ImportError::Exists {
            path: out.to_owned(),
        });
    }
    let dropout = config.map_or(DROPOUT, |config| config.model.dropout());
    let imported = self_critical::captioner(tensors, &words.ids_before, dropout);
    let imported = imported.map_err(|problem| ImportError::Weights {
        path: path.to_owned(),
        problem,
    })?;
    let config = match config {
        Some(config) => agreeing(config, imported.model)?,
        None => fresh(imported.model, out)?,
    };
    let device = Backend::Flex.device().map_err(ImportError::Backend)?;
    let mut rng = generator(config.seed, Purpose::Weights, 0, 0);
    let captioner = Captioner::init(&config.model, imported.dimensions, &device, &mut rng)
        .map_err(CheckpointError::from)?;
    let captioner = with_weights(captioner, &imported.parameters, &device).map_err(|problem| {
        CheckpointError::Weights {
            path: path.to_owned(),
            problem,
        }
    })?;
    let snapshot = Snapshot {
        config: &config,
        vocabulary: &words.vocabulary,
        standardiser: None,
        captioner: &captioner,
        optimiser: None,
        progress: &Progress::default(),
        encoder: None,
        features: None,
    };
    Ok(snapshot.write(out)?)
}

/// The configuration, if it describes the captioner `model` on features as they are.
fn agreeing(config: &Config, model: CaptionerConfig) -> Result<Config, ImportError> {
    let mut expected = config.clone();
    expected.model = model;
    expected.data.standardise = false;
    match config.first_difference(&expected) {
        None => Ok(expected),
        Some((key, found, expected)) => Err(ImportError::Config {
            key,
            found,
            expected,
        }),
    }
}

/// A configuration that goes on with the checkpoint `out`.
fn fresh(model: CaptionerConfig, out: &Path) -> Result<Config, ImportError> {
    let mut config: Config = Config::parse(
        TEMPLATE,
        Path::new("imported.toml"),
        Vec::new(),
        &CaptionerRegistry::default(),
    )?
    .into();
    if !model.reads_regions() {
        config.data.features = FeatureSource::Folder(FolderSource {
            path: "data/cocotalk_fc".into(),
            ..FolderSource::default()
        });
    }
    config.data.vocabulary = Some(out.join(TOKENIZER));
    for stage in &mut config.stages {
        stage.start_from = StartFrom::Checkpoint(out.to_owned());
    }
    config.model = model;
    Ok(config)
}
