//! One stage of a run: steps, records, validations, checkpoints.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use scst_data::{Example, Split, epoch_order};
use scst_model::Captioner;

use super::{Run, starting_weights};
use crate::{
    TrainError,
    checkpoint::{self, Checkpoint, CheckpointError, Snapshot},
    config::{StageConfig, StartFrom},
    evaluate::evaluate,
    events::{Record, RecordKind},
    files::recover,
    objective::{ImageBatch, StepContext},
    observer::Event,
    optimiser::Optimiser,
    progress::{Best, StageSummary},
    reduce::{Contribution, Tally, reduce},
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

/// Metrics between two records.
#[derive(Default)]
struct Window {
    tally: Tally,
    steps: u64,
    images: u64,
    tokens: u64,
    secs: f64,
}

impl Window {
    fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

impl Run<'_> {
    /// Runs the current stage to its end; `Some` checkpoint if it was stopped before.
    pub(super) fn stage(&mut self, stop: &AtomicBool) -> Result<Option<PathBuf>, TrainError> {
        let index = self.progress.stage;
        let stage = &self.config.stages[index];
        let train_images = self.corpus.split(Split::Train)?.len();
        let steps_per_epoch = (train_images / stage.images_per_batch) as u64;
        let steps = stage
            .steps
            .unwrap_or(stage.epochs.unwrap_or(0) * steps_per_epoch);
        let validate_every = stage.validate_every_steps.unwrap_or(steps_per_epoch);
        if self.progress.step == 0 {
            self.begin_stage(index)?;
        }
        let mut objective = self.objective(stage)?;
        self.observer.observe(&Event::StageStarted {
            name: &stage.name,
            step: self.progress.step,
            steps,
            steps_per_epoch,
        });
        let mut window = Window::default();
        let mut order = (u64::MAX, Vec::new());
        let mut since = Instant::now();
        while !self.progress.stage_ended && self.progress.step < steps {
            if stop.load(Ordering::Relaxed) {
                let path = self.checkpoint(&mut since)?;
                return Ok(Some(path));
            }
            let step = self.progress.step;
            let epoch = step / steps_per_epoch;
            if order.0 != epoch {
                let seed = self.config.seed ^ (index as u64) << 48;
                order = (epoch, epoch_order(seed, epoch, train_images as u32));
            }
            let first = (step % steps_per_epoch) as usize * stage.images_per_batch;
            let images: Vec<usize> = order.1[first..first + stage.images_per_batch]
                .iter()
                .map(|&image| image as usize)
                .collect();
            let rate = learning_rate(stage, step, steps_per_epoch, steps);
            self.train_step(stage, &mut objective, images, epoch, rate, &mut window)?;
            self.progress.step += 1;
            self.progress.global_step += 1;
            self.observer.observe(&Event::Step {
                step: self.progress.step,
            });
            if self
                .progress
                .step
                .is_multiple_of(self.config.log_every_steps)
            {
                self.log(stage, window.take(), rate)?;
            }
            if let Objective::Scst(critic) = &objective {
                self.progress.baseline = Some(critic.baseline());
            }
            let ends = self.progress.step == steps;
            let due = |every: u64| self.progress.step.is_multiple_of(every);
            if ends || due(validate_every) {
                self.validate(stage)?;
                self.checkpoint(&mut since)?;
            } else if self.config.checkpoints.every_steps.is_some_and(due) {
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
                let (config, corpus) = (self.config, &self.corpus);
                starting_weights(path, config, corpus, &self.device).map(Some)
            }
            (StartFrom::Best, Some(before)) => {
                let best = self.best_of(before);
                recover(&best)?;
                let stored = Checkpoint::load(&best)?;
                Ok(Some(stored.captioner(&self.config.model, &self.device)?))
            }
            (StartFrom::Best, None) | (StartFrom::Last, _) => Ok(None),
        }
    }

    fn objective(&mut self, stage: &StageConfig) -> Result<Objective, TrainError> {
        let Some(config) = &stage.scst else {
            self.progress.document_frequency = None;
            self.progress.baseline = None;
            let config = stage.xe.clone().unwrap_or_default();
            let xe = Xe::new(&config, &self.corpus, &self.device)?;
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
            critic.compare_with(self.stored_start(self.progress.stage)?);
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

    fn train_step(
        &mut self,
        stage: &StageConfig,
        objective: &mut Objective,
        images: Vec<usize>,
        epoch: u64,
        rate: f64,
        window: &mut Window,
    ) -> Result<(), TrainError> {
        let start = Instant::now();
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
        let batch_size = batch.images.len();
        let part = match objective {
            Objective::Scst(critic) => critic.contribution(
                &self.captioner,
                self.corpus.vocabulary(),
                max_length,
                &batch,
                context,
            )?,
            Objective::Xe(xe) => xe.contribution(
                &self.captioner,
                batch,
                &gold,
                max_length,
                &mut self.progress.location_baseline,
                context,
            )?,
        };
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
        let not_finite = |what| TrainError::NotFinite {
            stage: stage.name.clone(),
            step: self.progress.step,
            what,
        };
        if !norm.is_finite() {
            return Err(not_finite("gradient"));
        }
        if !tally.total("loss").is_finite() {
            return Err(not_finite("loss"));
        }
        window.tally.merge(tally);
        window.tally.add("gradient_norm", norm, 1.0);
        // Belongs to the update that the objective has counted already.
        let update = started_update.elapsed().as_secs_f64();
        window.tally.add("update_secs", update, 0.0);
        window.secs += start.elapsed().as_secs_f64();
        window.steps += 1;
        window.images += batch_size as u64;
        window.tokens += counts.tokens;
        Ok(())
    }

    fn log(&mut self, stage: &StageConfig, window: Window, rate: f64) -> Result<(), TrainError> {
        let steps = window.steps.max(1) as f64;
        let mut values = window.tally.means();
        values.extend([
            ("learning_rate".to_owned(), rate),
            ("step_secs".to_owned(), window.secs / steps),
            (
                "images_per_sec".to_owned(),
                window.images as f64 / window.secs,
            ),
            (
                "tokens_per_sec".to_owned(),
                window.tokens as f64 / window.secs,
            ),
        ]);
        let record = Record {
            step: self.progress.global_step,
            stage: stage.name.clone(),
            kind: RecordKind::Train,
            values,
        };
        self.events.write(&record)?;
        self.observer.observe(&Event::Metrics(&record));
        Ok(())
    }

    /// Scores the validation images and keeps the weights if they are the best so far.
    fn validate(&mut self, stage: &StageConfig) -> Result<(), TrainError> {
        let validation = &self.config.validation;
        let report = evaluate(
            &self.captioner,
            &[],
            &self.corpus,
            self.corpus.split(Split::Val)?,
            &validation.decoder,
            self.config,
        )?;
        self.progress.signature.clone_from(&report.signature);
        self.events.write(&Record {
            step: self.progress.global_step,
            stage: stage.name.clone(),
            kind: RecordKind::Validation,
            values: report.values(),
        })?;
        let candidate = Best {
            stage: stage.name.clone(),
            step: self.progress.global_step,
            metric: report.metric(validation.metric),
            scores: report.scores,
            distinct_captions: report.distinct_captions,
            mean_length: report.mean_length,
        };
        let beats = |best: &Option<Best>| best.as_ref().is_none_or(|b| candidate.metric > b.metric);
        let is_stage_best = beats(&self.progress.stage_best);
        let is_best = beats(&self.progress.best);
        self.progress.since_best = if is_stage_best {
            0
        } else {
            self.progress.since_best + 1
        };
        let patience = stage.patience.unwrap_or(u64::MAX);
        self.progress.stage_ended = self.progress.since_best >= patience;
        if is_stage_best {
            self.progress.stage_best = Some(candidate.clone());
        }
        if is_best {
            self.progress.best = Some(candidate);
        }
        if is_stage_best {
            self.snapshot(None).write(&self.best_of(stage))?;
        }
        if is_best {
            self.snapshot(None).write(&self.directory.join("best"))?;
        }
        self.observer.observe(&Event::Validated {
            report: &report,
            is_best,
        });
        Ok(())
    }

    /// Where the best weights of a stage are kept.
    fn best_of(&self, stage: &StageConfig) -> PathBuf {
        let name = format!("best-{}", stage.name);
        self.directory.join("checkpoints").join(name)
    }

    fn snapshot<'b>(&'b self, optimiser: Option<&'b Optimiser>) -> Snapshot<'b> {
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
    }
}
