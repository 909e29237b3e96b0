//! Checkpoints: everything that a run needs to go on, in one directory.
//!
//! | file | what |
//! |---|---|
//! | `manifest.json` | size and SHA-256 of every other file |
//! | `state.json` | position in the run, scores, fingerprints, format version |
//! | `config.toml` | resolved configuration |
//! | `tokenizer.json` | vocabulary of the targets |
//! | `source_tokenizer.json` | vocabulary of the sources, if they are texts |
//! | `model.safetensors` | weights by name |
//! | `optimiser.safetensors` | moments by parameter name; absent in `best/` |
//! | `standardisation.safetensors` | feature statistics, if features are standardised |
//! | `encoder.json` | what `scst features` recorded beside the features, if it made them |
//! | `features.json` | what the features looked like when the run read them |
//!
//! A directory appears atomically and complete. Loading verifies every byte.

mod error;
mod inputs;
mod layout;
mod manifest;
mod missing;
mod nearest;
mod tensors;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use scst_data::{FeatureFingerprint, FeatureSource, Standardiser, TextVocabularies, Vocabulary};
use scst_files::{recover_all, remove_directory, replace_directory_atomically};
use scst_model::{Captioner, CaptionerConfig, CaptionerRegistry};
use serde::{Deserialize, Serialize};

pub use error::CheckpointError;
pub use nearest::NearestRuns;

use crate::{
    captioner::{Shape, SourceSize},
    config::{Config, OptimiserConfig},
    draws::{Purpose, generator},
    optimise::optimiser::{Moments, Optimiser},
    run::progress::Progress,
};
pub(crate) use layout::TOKENIZER;
use layout::{
    CONFIG, ENCODER, FEATURES, FILES, FORMAT_VERSION, MANIFEST, MODEL, OPTIMISER, SOURCE_TOKENIZER,
    STANDARDISATION, STATE,
};
use manifest::{Manifest, entry, fingerprint, from_json, read, to_json, verified};
use missing::missing;
pub(crate) use tensors::{NamedTensor, with_weights};
use tensors::{decode, encode, model_tensors, moment_tensors};

/// What `state.json` holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateFile {
    format_version: u32,
    program_version: String,
    vocabulary_fingerprint: String,
    /// Of vectors; texts have a vocabulary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    feature_dimension: Option<usize>,
    optimiser_updates: u64,
    progress: Progress,
}

/// What `state.json` holds in every version.
#[derive(Debug, Deserialize)]
struct FormatVersion {
    format_version: u32,
}

/// What goes into a checkpoint.
pub(crate) struct Snapshot<'a> {
    pub(crate) config: &'a Config,
    pub(crate) vocabulary: &'a Vocabulary,
    pub(crate) source_vocabulary: Option<&'a Vocabulary>,
    pub(crate) standardiser: Option<&'a Standardiser>,
    pub(crate) encoder: Option<&'a [u8]>,
    pub(crate) features: Option<&'a FeatureFingerprint>,
    pub(crate) captioner: &'a Captioner,
    pub(crate) optimiser: Option<&'a Optimiser>,
    pub(crate) progress: &'a Progress,
}

impl Snapshot<'_> {
    /// Writes the checkpoint `dir`, replacing an earlier one, atomically.
    pub(crate) fn write(&self, dir: &Path) -> Result<(), CheckpointError> {
        let state = StateFile {
            format_version: FORMAT_VERSION,
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            vocabulary_fingerprint: self.vocabulary.fingerprint(),
            feature_dimension: match self.source_vocabulary {
                None => Some(self.captioner.dimensions().feature),
                Some(_) => None,
            },
            optimiser_updates: self.optimiser.map_or(0, Optimiser::updates),
            progress: self.progress.clone(),
        };
        let tokenizer = |vocabulary: &Vocabulary, name: &str| {
            let json = vocabulary.to_json(self.config.data.words);
            json.map_err(|problem| CheckpointError::Write {
                path: dir.join(name),
                source: io::Error::other(problem.to_string()),
            })
        };
        let mut files = vec![
            (CONFIG, self.config.to_toml()?.into_bytes()),
            (
                TOKENIZER,
                tokenizer(self.vocabulary, TOKENIZER)?.into_bytes(),
            ),
            (
                MODEL,
                encode(model_tensors(self.captioner)?, &dir.join(MODEL))?,
            ),
            (STATE, to_json(&state, dir)?),
        ];
        if let Some(vocabulary) = self.source_vocabulary {
            let tokenizer = tokenizer(vocabulary, SOURCE_TOKENIZER)?;
            files.push((SOURCE_TOKENIZER, tokenizer.into_bytes()));
        }
        if let Some(optimiser) = self.optimiser {
            files.push((
                OPTIMISER,
                encode(moment_tensors(optimiser)?, &dir.join(OPTIMISER))?,
            ));
        }
        if let Some(standardiser) = self.standardiser {
            let tensors = [
                ("mean", standardiser.mean()),
                ("deviation", standardiser.deviation()),
            ]
            .map(|(name, values)| NamedTensor {
                name: name.to_owned(),
                shape: vec![values.len()],
                values: values.to_vec(),
            });
            files.push((
                STANDARDISATION,
                encode(tensors.into(), &dir.join(STANDARDISATION))?,
            ));
        }
        if let Some(encoder) = self.encoder {
            files.push((ENCODER, encoder.to_vec()));
        }
        if let Some(features) = self.features {
            files.push((FEATURES, to_json(features, dir)?));
        }
        let manifest: Manifest = files
            .iter()
            .map(|(name, bytes)| ((*name).to_owned(), entry(bytes)))
            .collect();
        files.push((MANIFEST, to_json(&manifest, dir)?));
        replace_directory_atomically(dir, |temporary| {
            for (name, bytes) in &files {
                fs::write(temporary.join(name), bytes).map_err(|source| {
                    let path = dir.join(name);
                    CheckpointError::Write { path, source }
                })?;
            }
            Ok(())
        })
    }
}

/// A checkpoint that has been read and verified.
#[derive(Debug)]
pub struct Checkpoint {
    dir: PathBuf,
    /// The files that its configuration names, by key, as they were read.
    paths: Vec<(String, PathBuf)>,
    /// The resolved configuration of its run.
    pub config: Config,
    /// The words of targets that the weights were trained with.
    pub vocabulary: Vocabulary,
    /// Those of sources, where these are texts.
    pub source_vocabulary: Option<Vocabulary>,
    /// Statistics that features have to be standardised with.
    pub standardiser: Option<Standardiser>,
    /// What `scst features` recorded beside the features that the run was trained on, if it made them.
    pub encoder: Option<Vec<u8>>,
    pub(crate) features: Option<FeatureFingerprint>,
    pub(crate) progress: Progress,
    fingerprint: String,
    feature_dimension: Option<usize>,
    optimiser_updates: u64,
    weights: Vec<NamedTensor>,
    moments: Option<Vec<NamedTensor>>,
}

impl Checkpoint {
    /// Reads and verifies the checkpoint `dir`; its captioner may be one of `captioners`.
    ///
    /// # Errors
    /// [`CheckpointError`] when it is missing, damaged, of another version, or does not belong
    /// together.
    pub fn load(dir: &Path, captioners: &CaptionerRegistry) -> Result<Self, CheckpointError> {
        let manifest_path = dir.join(MANIFEST);
        if !manifest_path.is_file() {
            return Err(missing(dir));
        }
        let manifest: Manifest = from_json(&manifest_path, &read(&manifest_path)?)?;
        if let Some(name) = manifest.keys().find(|name| !FILES.contains(&name.as_str())) {
            return Err(CheckpointError::Damaged {
                path: manifest_path,
                found: format!("an entry `{name}`"),
                expected: format!("only `{}`", FILES.join("`, `")),
            });
        }
        // The vocabulary is looked at before its checksum: another run's tokenizer in its place
        // deserves a better answer than "damaged".
        let state_path = dir.join(STATE);
        let state = verified(dir, STATE, &manifest)?;
        let FormatVersion { format_version } = from_json(&state_path, &state)?;
        if format_version != FORMAT_VERSION {
            return Err(CheckpointError::Version {
                path: dir.to_owned(),
                found: format_version,
            });
        }
        let state: StateFile = from_json(&state_path, &state)?;
        let tokenizer_path = dir.join(TOKENIZER);
        let vocabulary = Vocabulary::load(&tokenizer_path)?;
        let found = vocabulary.fingerprint();
        if found != state.vocabulary_fingerprint {
            return Err(CheckpointError::Vocabulary {
                path: tokenizer_path,
                found,
                expected: state.vocabulary_fingerprint,
            });
        }
        let mut contents = BTreeMap::new();
        for name in manifest.keys() {
            contents.insert(name.as_str(), verified(dir, name, &manifest)?);
        }
        let mut take = |name: &str| {
            contents
                .remove(name)
                .ok_or_else(|| CheckpointError::Damaged {
                    path: manifest_path.clone(),
                    found: format!("no entry `{name}`"),
                    expected: "one".to_owned(),
                })
        };
        let config_path = dir.join(CONFIG);
        let config = String::from_utf8_lossy(&take(CONFIG)?).into_owned();
        let config: Config = Config::parse(&config, &config_path, Vec::new(), captioners)?.into();
        let weights = decode(&dir.join(MODEL), &take(MODEL)?)?;
        let mut optional = |name: &str| {
            let bytes = manifest.contains_key(name).then(|| take(name));
            bytes.transpose()
        };
        let source_vocabulary = optional(SOURCE_TOKENIZER)?
            .map(|bytes| Vocabulary::from_json(&bytes, &dir.join(SOURCE_TOKENIZER)))
            .transpose()?;
        let encoder = optional(ENCODER)?;
        let features = optional(FEATURES)?
            .map(|bytes| from_json(&dir.join(FEATURES), &bytes))
            .transpose()?;
        let mut tensors = |name: &str| {
            let bytes = optional(name)?;
            bytes
                .map(|bytes| decode(&dir.join(name), &bytes))
                .transpose()
        };
        let moments = tensors(OPTIMISER)?;
        let standardiser = tensors(STANDARDISATION)?
            .map(|tensors| {
                let values = |name| {
                    let tensor = tensors.iter().find(|t| t.name == name);
                    tensor.map_or_else(Vec::new, |t| t.values.clone())
                };
                Standardiser::from_parts(values("mean"), values("deviation"))
            })
            .transpose()?;
        Ok(Self {
            dir: dir.to_owned(),
            paths: config.paths(),
            config,
            vocabulary,
            source_vocabulary,
            standardiser,
            encoder,
            fingerprint: fingerprint(
                &manifest,
                &[MODEL, TOKENIZER, SOURCE_TOKENIZER, STANDARDISATION],
            ),
            features,
            progress: state.progress,
            feature_dimension: state.feature_dimension,
            optimiser_updates: state.optimiser_updates,
            weights,
            moments,
        })
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        &self.dir
    }

    /// The files that its configuration named when it was read, by key.
    pub(crate) fn paths(&self) -> &[(String, PathBuf)] {
        &self.paths
    }

    /// The features that its run was trained on and their dimension, if it reads images.
    pub fn features_of_run(&self) -> Option<(&FeatureSource, usize)> {
        self.config
            .data
            .features
            .as_ref()
            .zip(self.feature_dimension)
    }

    /// Size of what the captioner reads.
    ///
    /// # Errors
    /// [`CheckpointError::Damaged`] when nothing says what that is.
    pub(crate) fn source_size(&self) -> Result<SourceSize, CheckpointError> {
        match (self.feature_dimension, &self.source_vocabulary) {
            (Some(width), None) => Ok(SourceSize::Vectors { width }),
            (None, Some(vocabulary)) => Ok(SourceSize::Texts {
                vocab: vocabulary.len(),
            }),
            (found, _) => Err(CheckpointError::Damaged {
                path: self.dir.join(STATE),
                found: found
                    .map_or("no `feature_dimension`", |_| "a `feature_dimension`")
                    .to_owned(),
                expected: format!("either that or a file `{SOURCE_TOKENIZER}` beside it"),
            }),
        }
    }

    /// The words of sources and targets, of a run that reads texts.
    ///
    /// # Errors
    /// [`CheckpointError::Damaged`] when there are none of sources.
    pub(crate) fn text_vocabularies(&self) -> Result<TextVocabularies, CheckpointError> {
        let source = self.source_vocabulary.clone();
        let source = source.ok_or_else(|| CheckpointError::Damaged {
            path: self.dir.join(MANIFEST),
            found: format!("no entry `{SOURCE_TOKENIZER}`"),
            expected: "one, as its configuration has `data.text`".to_owned(),
        })?;
        Ok(TextVocabularies::Use {
            source,
            target: self.vocabulary.clone(),
        })
    }

    /// Fingerprint of weights, words and the standardisation of features.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Loads the checkpoint `path`, or the best one if `path` is a run directory.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn load_run_or_checkpoint(
        path: &Path,
        captioners: &CaptionerRegistry,
    ) -> Result<Self, CheckpointError> {
        let best = path.join("best");
        if !path.join(MANIFEST).is_file() && best.is_dir() {
            return Self::load(&best, captioners);
        }
        Self::load(path, captioners)
    }

    /// The captioner `model` with the checkpoint's weights, on `device`.
    ///
    /// # Errors
    /// [`CheckpointError`] when there is no such captioner, or the weights do not fit it.
    pub fn captioner(
        &self,
        model: &CaptionerConfig,
        device: &Device,
    ) -> Result<Captioner, CheckpointError> {
        let shape = Shape {
            model,
            encoder: self.config.encoder.as_ref(),
            source: self.source_size()?,
            vocab: self.vocabulary.len(),
        };
        let mut rng = generator(self.config.seed, Purpose::Weights, 0, 0);
        let captioner = shape.init(device, &mut rng)?;
        with_weights(captioner, &self.weights, device).map_err(|problem| CheckpointError::Weights {
            path: self.dir.join(MODEL),
            problem,
        })
    }

    /// The optimiser with the checkpoint's moments, on `device`.
    pub(crate) fn optimiser(&self, config: &OptimiserConfig, device: &Device) -> Optimiser {
        let tensors = self.moments.as_deref().unwrap_or_default();
        let find = |name: String| tensors.iter().find(|tensor| tensor.name == name);
        let moments = tensors.iter().filter_map(|tensor| {
            let name = tensor.name.strip_suffix(".first")?;
            let moments = Moments {
                first: tensor.on(device),
                second: find(format!("{name}.second"))?.on(device),
            };
            Some((name.to_owned(), moments))
        });
        Optimiser::with_moments(config, self.optimiser_updates, moments.collect())
    }
}

/// The newest checkpoint of a run, after repairing what a kill has left.
pub(crate) fn newest(checkpoints: &Path) -> Result<Option<PathBuf>, CheckpointError> {
    recover_all(checkpoints)?;
    Ok(list(checkpoints)?.pop().map(|(_, path)| path))
}

/// The checkpoints in a run directory, oldest first; none where they cannot be listed.
pub fn checkpoints_of(run: &Path) -> Vec<PathBuf> {
    let all = list(&run.join("checkpoints")).unwrap_or_default();
    all.into_iter().map(|(_, path)| path).collect()
}

/// Removes all but the newest `keep` checkpoints.
pub(crate) fn prune(checkpoints: &Path, keep: usize) -> Result<(), CheckpointError> {
    let all = list(checkpoints)?;
    for (_, path) in &all[..all.len().saturating_sub(keep)] {
        remove_directory(path)?;
    }
    Ok(())
}

/// Name of the checkpoint after `step` steps of the run.
pub(crate) fn directory_name(step: u64) -> String {
    format!("step-{step:08}")
}

/// All checkpoints by step, oldest first.
fn list(checkpoints: &Path) -> Result<Vec<(u64, PathBuf)>, CheckpointError> {
    let read_error = |source| CheckpointError::Read {
        path: checkpoints.to_owned(),
        source,
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(checkpoints).map_err(read_error)? {
        let entry = entry.map_err(read_error)?;
        let name = entry.file_name();
        let step = name.to_str().and_then(|name| name.strip_prefix("step-"));
        if let Some(step) = step.and_then(|step| step.parse::<u64>().ok()) {
            found.push((step, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}
