//! Checkpoints of other runs that a run uses: where stages begin, and teachers.
//!
//! Each is read once, when the run begins or goes on, and only if a stage to come needs it. Its weights have a
//! fingerprint that every checkpoint of the run holds, so that a resumed run cannot get others.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use scst_model::{Captioner, CaptionerRegistry};

use crate::{
    TrainError,
    checkpoint::{Checkpoint, CheckpointError, NearestRuns},
    config::{Config, ScstConfig, StageConfig, StartFrom, WordLoss},
    corpus::Corpus,
    run::{places::Places, progress::Progress},
};

/// The checkpoints of other runs that the stages to come need, by path.
#[derive(Default)]
pub(super) struct Foreign {
    checkpoints: BTreeMap<PathBuf, Checkpoint>,
}

/// What checkpoints of other runs have to fit, and where they and their captioners are found.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) corpus: &'a Corpus,
    pub(super) places: &'a Places,
    pub(super) captioners: &'a CaptionerRegistry,
}

/// What a stage needs of other runs.
struct Needs<'a> {
    stage: &'a StageConfig,
    start: Option<&'a Path>,
    teacher: Option<&'a Path>,
}

/// What the stages to come need. `goes_on`: whether the current one has steps left.
fn needs<'a>(config: &'a Config, progress: &Progress, goes_on: bool) -> Vec<Needs<'a>> {
    let first = progress.stage + usize::from(!goes_on);
    let stages = config.stages.iter().enumerate().skip(first);
    stages
        .map(|(k, stage)| {
            let has_begun = k == progress.stage && progress.step > 0;
            let scst = stage.scst.as_ref();
            let compares = scst.is_some_and(ScstConfig::compares_with_start);
            Needs {
                stage,
                start: match &stage.start_from {
                    StartFrom::Checkpoint(path) if compares || !has_begun => Some(path),
                    _ => None,
                },
                teacher: match stage.xe.as_ref().map(|xe| &xe.loss) {
                    Some(WordLoss::Distillation(config)) => Some(&config.teacher),
                    _ => None,
                },
            }
        })
        .collect()
}

impl Foreign {
    /// Reads what the stages to come need, and makes sure that it fits and is what it was when the run began.
    ///
    /// # Errors
    /// [`CheckpointError`], that of a teacher with its stage.
    pub(super) fn read(
        config: &Config,
        progress: &mut Progress,
        goes_on: bool,
        around: Surroundings<'_>,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let mut foreign = Self::default();
        for Needs {
            stage,
            start,
            teacher,
        } in needs(config, progress, goes_on)
        {
            if let Some(path) = start {
                foreign.add(path, progress, around)?;
                foreign.captioner(path, config, device)?;
            }
            if let Some(path) = teacher {
                foreign
                    .add(path, progress, around)
                    .and_then(|()| foreign.teacher(path, device).map(drop))
                    .map_err(|source| TrainError::StageTeacher {
                        stage: stage.name.clone(),
                        source: Box::new(source),
                    })?;
            }
        }
        Ok(foreign)
    }

    fn add(
        &mut self,
        path: &Path,
        progress: &mut Progress,
        around: Surroundings<'_>,
    ) -> Result<(), CheckpointError> {
        if self.checkpoints.contains_key(path) {
            return Ok(());
        }
        let found = around.places.find(path);
        let found = found.as_deref().unwrap_or(path);
        let stored = Checkpoint::load_run_or_checkpoint(found, around.captioners)?;
        stored.check_inputs(around.corpus)?;
        let found = stored.fingerprint().to_owned();
        let key = path.to_string_lossy().into_owned();
        if let Some(expected) = progress.foreign.insert(key, found.clone())
            && expected != found
        {
            let path = path.to_owned();
            return Err(CheckpointError::Changed {
                path,
                found,
                expected,
            });
        }
        self.checkpoints.insert(path.to_owned(), stored);
        Ok(())
    }

    /// Lets go of what no stage to come needs.
    pub(super) fn forget(&mut self, config: &Config, progress: &Progress) {
        let needed = needs(config, progress, true);
        let paths: BTreeSet<&Path> = needed
            .iter()
            .flat_map(|needs| [needs.start, needs.teacher])
            .flatten()
            .collect();
        self.checkpoints
            .retain(|path, _| paths.contains(path.as_path()));
    }

    fn get(&self, path: &Path) -> Result<&Checkpoint, CheckpointError> {
        self.checkpoints
            .get(path)
            .ok_or_else(|| CheckpointError::NotFound {
                path: path.to_owned(),
                near: NearestRuns::default(),
            })
    }

    /// The captioner of the run with the weights of a checkpoint.
    ///
    /// # Errors
    /// [`CheckpointError::Weights`] when they do not fit.
    pub(super) fn captioner(
        &self,
        path: &Path,
        config: &Config,
        device: &Device,
    ) -> Result<Captioner, CheckpointError> {
        self.get(path)?.captioner(&config.model, device)
    }

    /// A teacher.
    ///
    /// # Errors
    /// [`CheckpointError::Teacher`] when it has no softmax over single words.
    pub(super) fn teacher(
        &self,
        path: &Path,
        device: &Device,
    ) -> Result<Captioner, CheckpointError> {
        let stored = self.get(path)?;
        let teacher = stored.captioner(&stored.config.model, device)?;
        if teacher.scores_whole_captions() {
            let path = path.to_owned();
            return Err(CheckpointError::Teacher { path });
        }
        Ok(teacher)
    }
}
