//! One stage of a run: steps, records, validations, checkpoints.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use scst_data::{Example, Split, random_order};
use scst_model::Captioner;

use super::{Run, opening::Length};
use crate::{
    TrainError,
    checkpoint::{self, Checkpoint, CheckpointError, Snapshot},
    config::{StageConfig, StartFrom},
    draws::{Purpose, generator},
    events::{Record, RecordKind},
    objective::{ImageBatch, StepContext},
    observer::Event,
    optimiser::Optimiser,
    progress::StageSummary,
    reduce::{Contribution, reduce},
    schedule::learning_rate,
    scst::{SelfCritic, prefixes},
    update::clip_and_step,
    xe::Xe,
};

/// What a stage trains for.
enum Objective {
    Xe(Xe),
    Scst(Box<SelfCritic>),
}

impl Run<'_> {
    /// Runs the current stage to its end; `Some` checkpoint if it was stopped before.
    pub(super) fn stage(&mut self, stop: &AtomicBool) -> Result<Option<PathBuf>, TrainError> {
        let index = self.progress.stage;
        let stage = &self.config.stages[index];
        let train_images = self.corpus.split(Split::Train)?.len();
        let Length {
            steps,
            steps_per_epoch,
        } = Length::of(stage, train_images)?;
        let validate_every = stage.validate_every_steps.unwrap_or(steps_per_epoch);
        let mut since = Instant::now();
        if self.progress.step == 0 {
            self.begin_stage(index)?;
        }
        self.observer.observe(&Event::StageStarted {
            name: &stage.name,
            step: self.progress.step,
            steps,
            steps_per_epoch,
        });
        let mut objective = None;
        let mut order = (u64::MAX, Vec::new());
        loop {
            if self.progress.validation_due {
                if !self.validate(stage, stop)? {
                    return self.checkpoint(&mut since).map(Some);
                }
                self.checkpoint(&mut since)?;
            }
            if self.progress.stage_ended || self.progress.step >= steps {
                break;
            }
            if stop.load(Ordering::Relaxed) {
                return self.checkpoint(&mut since).map(Some);
            }
            let objective = match &mut objective {
                Some(objective) => objective,
                none => none.insert(self.objective(stage)?),
            };
            let step = self.progress.step;
            let epoch = step / steps_per_epoch;
            if order.0 != epoch {
                let mut rng = generator(self.config.seed, Purpose::Order, index, epoch);
                order = (epoch, random_order(&mut rng, train_images as u32));
            }
            let first = (step % steps_per_epoch) as usize * stage.images_per_batch;
            let images: Vec<usize> = order.1[first..first + stage.images_per_batch]
                .iter()
                .map(|&image| image as usize)
                .collect();
            let rate = learning_rate(stage, step, steps_per_epoch, steps);
            self.train_step(stage, objective, images, epoch, rate)?;
            let due = |every: u64| self.progress.step.is_multiple_of(every);
            if due(self.config.log_every_steps) {
                self.log(stage, rate)?;
            }
            let due = |every: u64| self.progress.step.is_multiple_of(every);
            self.progress.validation_due = self.progress.step == steps || due(validate_every);
            if !self.progress.validation_due && self.checkpoint_due(since) {
                self.checkpoint(&mut since)?;
            }
        }
        self.end_stage(stage, since);
        Ok(None)
    }

    /// The weights and the optimiser that a stage begins with.
    fn begin_stage(&mut self, index: usize) -> Result<(), TrainError> {
        if let Some(captioner) = self.stored_start(index)? {
            self.captioner = captioner;
        }
        self.optimiser = None;
        Ok(())
    }

    /// The captioner that a stage begins with, unless it goes on with the one that there is.
    fn stored_start(&self, index: usize) -> Result<Option<Captioner>, TrainError> {
        let stage = &self.config.stages[index];
        let before = index
            .checked_sub(1)
            .map(|before| &self.config.stages[before]);
        match (&stage.start_from, before) {
            (StartFrom::Checkpoint(path), _) => {
                let captioner = self.foreign.captioner(path, self.config, &self.device)?;
                Ok(Some(captioner))
            }
            (StartFrom::Best, Some(before)) => {
                let stored = Checkpoint::load(&self.best_of(before))?;
                Ok(Some(stored.captioner(&self.config.model, &self.device)?))
            }
            (StartFrom::Best, None) | (StartFrom::Last, _) => Ok(None),
        }
    }

    fn objective(&mut self, stage: &StageConfig) -> Result<Objective, TrainError> {
        let located = &self.located.stages[self.progress.stage];
        let Some(config) = &located.scst else {
            self.progress.document_frequency = None;
            self.progress.baseline = None;
            let config = stage.xe.clone().unwrap_or_default();
            let xe = Xe::new(&config, |path| self.foreign.teacher(path, &self.device))?;
            return Ok(Objective::Xe(xe));
        };
        let references = self.corpus.references(config.reward_end_token)?;
        let (expected, baseline) = if self.progress.step == 0 {
            (None, None)
        } else {
            let progress = &self.progress;
            (
                progress.document_frequency.clone(),
                progress.baseline.clone(),
            )
        };
        let mut critic = SelfCritic::new(config, references, self.rewards, baseline)?;
        if config.kl_weight > 0.0 {
            critic.compare_with(match self.progress.step {
                0 => Some(self.captioner.clone()),
                _ => self.stored_start(self.progress.stage)?,
            });
        }
        let found = critic.fingerprint().to_owned();
        if let Some(expected) = expected
            && expected != found
        {
            return Err(CheckpointError::DocumentFrequency { found, expected }.into());
        }
        tracing::debug!(signature = critic.signature(), "rewards");
        self.progress.document_frequency = Some(found);
        Ok(Objective::Scst(Box::new(critic)))
    }

    /// Takes one step, measures it, and moves on.
    fn train_step(
        &mut self,
        stage: &StageConfig,
        objective: &mut Objective,
        images: Vec<usize>,
        epoch: u64,
        rate: f64,
    ) -> Result<(), TrainError> {
        let start = Instant::now();
        let batch_size = images.len() as u64;
        let part = self.contribution(stage, objective, images, epoch)?;
        let Contribution {
            gradients,
            counts,
            tally,
        } = reduce(vec![part]);
        let started_update = Instant::now();
        let divisor = stage.normaliser.divisor(counts, self.corpus.max_length());
        let optimiser = self
            .optimiser
            .get_or_insert_with(|| Optimiser::new(&stage.optimiser));
        let (captioner, norm) = clip_and_step(
            self.captioner.clone(),
            optimiser,
            gradients,
            divisor,
            stage.clip,
            rate,
        )?;
        self.captioner = captioner;
        if !norm.is_finite() || !tally.total("loss").is_finite() {
            let what = if norm.is_finite() { "loss" } else { "gradient" };
            return Err(self.not_finite(stage, objective, what));
        }
        let window = &mut self.progress.window;
        window.tally.merge(tally);
        window.tally.add("gradient_norm", norm, 1.0);
        // Belongs to the update that the objective has counted already.
        let update = started_update.elapsed().as_secs_f64();
        window.tally.add("update_secs", update, 0.0);
        window.secs += start.elapsed().as_secs_f64();
        window.steps += 1;
        window.images += batch_size;
        window.tokens += counts.tokens;
        if let Objective::Scst(critic) = objective {
            self.progress.baseline = Some(critic.baseline());
        }
        self.progress.step += 1;
        self.progress.global_step += 1;
        self.observer.observe(&Event::Step {
            step: self.progress.step,
        });
        Ok(())
    }

    /// What the objective makes of a batch.
    fn contribution(
        &mut self,
        stage: &StageConfig,
        objective: &mut Objective,
        images: Vec<usize>,
        epoch: u64,
    ) -> Result<Contribution, TrainError> {
        let context = StepContext {
            seed: self.config.seed,
            stage: self.progress.stage,
            step: self.progress.step,
            epoch,
            dropout: stage.dropout.unwrap_or(self.config.model.dropout()),
            hard_attention: self
                .config
                .model
                .attends_hard()
                .then(|| stage.hard_attention.unwrap_or_default()),
        };
        let train = self.corpus.split(Split::Train)?;
        let examples: Vec<&Example> = images.iter().map(|&image| &train[image]).collect();
        let gold: Vec<&[Vec<u32>]> = examples.iter().map(|e| e.captions.as_slice()).collect();
        let max_length = self.corpus.max_length();
        let mixer = stage.scst.as_ref().and_then(|scst| {
            let samples = scst.samples_per_image;
            let mixer = scst.mixer.as_ref()?;
            Some(prefixes(mixer, &gold, samples, max_length, context))
        });
        let batch = ImageBatch {
            features: self.corpus.features(&examples, &self.device)?,
            images,
            prefixes: mixer.unwrap_or_default(),
        };
        match objective {
            Objective::Scst(critic) => {
                let vocabulary = self.corpus.vocabulary();
                let part = critic.contribution(
                    &self.captioner,
                    vocabulary,
                    max_length,
                    &batch,
                    context,
                )?;
                for warning in critic.take_warnings() {
                    self.warn(&warning)?;
                }
                Ok(part)
            }
            Objective::Xe(xe) => xe.contribution(
                &self.captioner,
                batch,
                &gold,
                max_length,
                &mut self.progress.location_baseline,
                context,
            ),
        }
    }

    /// Why a step was not taken, the rewards being the first to blame.
    fn not_finite(
        &self,
        stage: &StageConfig,
        objective: &Objective,
        what: &'static str,
    ) -> TrainError {
        let step = self.progress.global_step + 1;
        let stage = stage.name.clone();
        match objective {
            Objective::Scst(critic) => critic.overflow(stage, step, what),
            Objective::Xe(_) => TrainError::NotFinite { stage, step, what },
        }
    }

    fn log(&mut self, stage: &StageConfig, rate: f64) -> Result<(), TrainError> {
        let window = std::mem::take(&mut self.progress.window);
        let record = Record {
            step: self.progress.global_step,
            stage: stage.name.clone(),
            kind: RecordKind::Train,
            values: window.values(rate),
        };
        self.events.write(&record)?;
        self.observer.observe(&Event::Metrics(&record));
        Ok(())
    }

    pub(super) fn snapshot<'b>(&'b self, optimiser: Option<&'b Optimiser>) -> Snapshot<'b> {
        Snapshot {
            config: self.config,
            vocabulary: self.corpus.vocabulary(),
            standardiser: self.corpus.standardiser(),
            encoder: self.corpus.encoder(),
            features: self.corpus.fingerprint(),
            captioner: &self.captioner,
            optimiser,
            progress: &self.progress,
        }
    }

    /// Whether a checkpoint is due although nothing was validated; `since`: the time of the last one.
    fn checkpoint_due(&self, since: Instant) -> bool {
        let config = &self.config.checkpoints;
        let step = self.progress.step;
        config.every_steps.is_some_and(|n| step.is_multiple_of(n))
            || config
                .every_minutes
                .is_some_and(|minutes| since.elapsed().as_secs_f64() >= 60.0 * minutes)
    }

    fn checkpoint(&mut self, since: &mut Instant) -> Result<PathBuf, TrainError> {
        self.progress.stage_secs += since.elapsed().as_secs_f64();
        *since = Instant::now();
        self.events.flush()?;
        let checkpoints = self.directory.join("checkpoints");
        let path = checkpoints.join(checkpoint::directory_name(self.progress.global_step));
        self.snapshot(self.optimiser.as_ref()).write(&path)?;
        checkpoint::prune(&checkpoints, self.config.checkpoints.keep)?;
        self.observer
            .observe(&Event::CheckpointWritten { path: &path });
        Ok(path)
    }

    fn end_stage(&mut self, stage: &StageConfig, since: Instant) {
        let progress = &mut self.progress;
        let kind = if stage.scst.is_some() { "scst" } else { "xe" };
        let summary = StageSummary {
            name: stage.name.clone(),
            kind: kind.to_owned(),
            steps: progress.step,
            seconds: progress.stage_secs + since.elapsed().as_secs_f64(),
            best: progress.stage_best.take(),
        };
        self.observer.observe(&Event::StageEnded(&summary));
        progress.summaries.push(summary);
        progress.stage += 1;
        progress.step = 0;
        progress.stage_ended = false;
        progress.since_best = 0;
        progress.stage_secs = 0.0;
        progress.baseline = None;
        progress.location_baseline = None;
        progress.document_frequency = None;
        progress.last_validation = None;
        progress.window = super::Window::default();
        self.foreign.forget(self.config, &self.progress);
    }
}
