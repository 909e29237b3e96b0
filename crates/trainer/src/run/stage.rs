//! One stage of a run: steps, records, validations, checkpoints.

use std::{
    iter,
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use scst_data::{Split, TextSources};
use scst_loss::{Counts, MovingAverage};
use scst_model::HandOut;

use super::{
    batches::Batches,
    opening::Length,
    rank_checks::check_weights,
    reads::{REPLAY_REWARD, Reads},
    state::Run,
};
use crate::{
    TrainError,
    alike::weights_hash,
    checkpoint::{self, CheckpointError, Snapshot},
    config::{HardAttentionConfig, StageConfig},
    corpus::images::Images,
    events::{Record, RecordKind},
    objective::{
        batch::StepContext,
        sequence::{Judged, Judgement, SelfCritic, prefixes},
        word::Xe,
    },
    observer::Event,
    optimise::{
        division::Division,
        optimiser::Optimiser,
        reduce::{Contribution, Tally, sum_of_parts},
        schedule::learning_rate,
        update::clip_and_step,
        workers::Workers,
    },
    ranks::{any, first, gather, meet},
};

/// What a stage trains for.
enum Objective {
    Xe(Xe),
    /// With cross-entropy beside it.
    Scst(Box<SelfCritic>, Beside),
}

/// Cross-entropy beside self-critical training, where it has a weight.
struct Beside {
    /// On gold captions.
    gold: Option<(f64, Xe)>,
    /// On the best samples so far.
    replay: Option<(f64, Xe)>,
}

impl Run<'_> {
    /// Runs the current stage to its end; `Some` checkpoint if it was stopped before.
    pub(super) fn stage(&mut self, stop: &AtomicBool) -> Result<Option<PathBuf>, TrainError> {
        let index = self.progress.stage;
        let stage = &self.config.stages[index];
        let train_sources = self.corpus.split(Split::Train)?.len();
        let Length {
            steps,
            steps_per_epoch,
        } = Length::of(stage, train_sources)?;
        let validate_every = stage.validate_every_steps.unwrap_or(steps_per_epoch);
        self.since = Instant::now();
        if self.progress.step == 0 {
            self.begin_stage(index)?;
        }
        let position = self.position();
        self.observer.observe(&Event::StageStarted {
            name: &stage.name,
            kind: stage.kind(),
            position,
            sources_left_out: train_sources % stage.sources_per_batch.max(1),
            start: self.progress.start.as_ref(),
        });
        let workers = self.workers(stage)?;
        let division = Division {
            group: self.group,
            parts: stage.parts,
            workers: &workers,
        };
        let mut objective = None;
        let (seed, place) = (self.config.seed, (index, stage));
        let mut batches = Batches::new(seed, place, train_sources, steps_per_epoch);
        loop {
            if self.progress.validation_due {
                if !self.validate(stage, stop)? {
                    return self.checkpoint().map(Some);
                }
                // The weights of a start are another checkpoint's, which stays the newest until there is a step.
                if self.progress.step > 0 {
                    self.checkpoint()?;
                }
            }
            if self.progress.stage_ended || self.progress.step >= steps {
                break;
            }
            if any(self.group, stop.load(Ordering::Relaxed), "whether to stop")? {
                return self.checkpoint().map(Some);
            }
            let objective = match &mut objective {
                Some(objective) => objective,
                none => none.insert(self.objective(stage)?),
            };
            let step = self.progress.step;
            let epoch = step / steps_per_epoch;
            let examples = batches.of_step(step);
            let next = (step + 1 < steps).then(|| batches.of_step(step + 1));
            let expected = iter::once(&examples).chain(&next);
            let expected = expected.flat_map(|batch| division.own_of(batch));
            self.corpus.expect(expected.map(|(_, part)| part));
            let rate = learning_rate(stage, step, steps_per_epoch, steps);
            self.train_step((stage, division), objective, examples, epoch, rate)?;
            let step = self.progress.step;
            let due = |every: u64| step.is_multiple_of(every);
            self.progress.validation_due = step == steps || due(validate_every);
            if due(self.config.log_every_steps) || self.is_whole(stage, steps, steps_per_epoch) {
                self.log(stage, rate)?;
            }
            if self
                .hash_every
                .is_some_and(|every| self.progress.global_step.is_multiple_of(every))
            {
                self.log_hash(stage)?;
            }
            if !self.progress.validation_due && self.checkpoint_due()? {
                self.checkpoint()?;
            }
        }
        self.end_stage(stage)?;
        Ok(None)
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
        let (expected, baseline) = if self.progress.step == 0 {
            (None, None)
        } else {
            let progress = &self.progress;
            (
                progress.document_frequency.clone(),
                progress.baseline.clone(),
            )
        };
        let made = self.critic.take();
        let mut critic = match made {
            Some((stage, made)) if stage == self.progress.stage => made,
            _ => {
                let sources = self.corpus.reward_sources(config.reward_end_token)?;
                SelfCritic::new(config, &sources, self.registry)?
            }
        };
        if let Some(baseline) = baseline {
            critic.go_on_from(baseline);
        }
        if config.compares_with_start() {
            critic.compare_with(match self.progress.step {
                0 => Some(self.captioner.clone()),
                _ => self.stored_start(self.progress.stage)?,
            });
        }
        let found = critic.fingerprint(expected.as_deref())?;
        if let Some(expected) = expected
            && expected != found
        {
            return Err(CheckpointError::OtherTrainingCaptions { found, expected }.into());
        }
        tracing::debug!(signature = critic.signature(), "rewards");
        self.progress.document_frequency = Some(found);
        let with = |weight, targets| (weight > 0.0).then(|| (weight, Xe::plain(targets)));
        let beside = Beside {
            gold: with(config.xe_weight, config.samples_per_source),
            replay: with(config.replay_weight, 1),
        };
        Ok(Objective::Scst(Box::new(critic), beside))
    }

    /// Takes one step, measures it, and moves on.
    fn train_step(
        &mut self,
        (stage, division): (&StageConfig, Division<'_>),
        objective: &mut Objective,
        examples: Vec<usize>,
        epoch: u64,
        rate: f64,
    ) -> Result<(), TrainError> {
        let start = Instant::now();
        let batch_size = examples.len() as u64;
        let context = self.context(stage, epoch);
        let mut tally = Tally::default();
        match objective {
            Objective::Xe(xe) => {
                let spent = Mutex::new((0.0, 0.0));
                let reads = self.reads()?;
                let compute = |part, examples: &[usize], hand_out: HandOut<'_>| {
                    let start = Instant::now();
                    let batch = reads.sources(examples)?;
                    let read = start.elapsed().as_secs_f64();
                    let step = (context.of_part(part), hand_out);
                    let own = reads.cross_entropy(xe, batch, step)?;
                    let mut spent = spent.lock().unwrap_or_else(PoisonError::into_inner);
                    spent.0 += read;
                    spent.1 += start.elapsed().as_secs_f64();
                    Ok(Some(own))
                };
                let own = division.own_of(&examples);
                let sum = sum_of_parts(division, reads.summed_on(), own, compute)?;
                // Parts that are computed at the same time share the time that has passed.
                let (reading, computing) = spent.into_inner().unwrap_or_default();
                let reading = start.elapsed().as_secs_f64() * reading / computing;
                self.hear(sum.as_ref());
                let sum = sum.unwrap_or_default();
                if let Err(what) = self.update(stage, sum, rate, &mut tally)? {
                    return Err(self.not_finite(stage, objective, what));
                }
                let update = start.elapsed().as_secs_f64() - reading;
                tally.add("update_secs", update, 1.0);
            }
            Objective::Scst(critic, beside) => {
                let steps = (stage, division);
                let judged = self.judged_rollout(steps, critic, &examples, context, &mut tally)?;
                if beside.replay.is_some() {
                    for part in &judged.all {
                        self.progress.replay.keep(part);
                    }
                }
                let start = Instant::now();
                let batch = (division, examples.len());
                let mut updates = critic.updates(judged.own, batch, context);
                while let Some(samples) = updates.next_samples() {
                    let sum = self.sequence_gradient(steps, critic, beside, samples, context)?;
                    if let Err(what) = self.update(stage, sum, rate, &mut tally)? {
                        return Err(self.not_finite(stage, objective, what));
                    }
                }
                tally.add("update_secs", start.elapsed().as_secs_f64(), 1.0);
                self.progress.baseline = Some(critic.baseline());
            }
        }
        let window = &mut self.progress.window;
        window.tally.merge(tally);
        window.secs += start.elapsed().as_secs_f64();
        window.steps += 1;
        window.sources += batch_size;
        self.progress.step += 1;
        self.progress.global_step += 1;
        let position = self.position();
        self.observer.observe(&Event::Step { position });
        Ok(())
    }

    /// What all parts of an update on samples contribute, with what is trained beside them.
    fn sequence_gradient(
        &mut self,
        (stage, division): (&StageConfig, Division<'_>),
        critic: &SelfCritic,
        beside: &Beside,
        samples: &mut [Judged],
        context: StepContext,
    ) -> Result<Contribution, TrainError> {
        let mut sum =
            critic
                .actor()
                .gradient(&self.captioner, samples, (division, &self.device), context)?;
        if let Some((weight, xe)) = &beside.gold {
            let reads = self.reads()?;
            let compute = |part, own: &Judged, hand_out: HandOut<'_>| {
                let step = (context.of_part(part), hand_out);
                Ok(Some(reads.cross_entropy(xe, own.sources(), step)?))
            };
            let own = samples.iter().map(|own| (own.part(), own));
            let gold = sum_of_parts(division, reads.summed_on(), own, compute)?;
            self.hear(gold.as_ref());
            if let Some(gold) = gold {
                self.add_beside(stage, &mut sum, gold, (*weight, "xe_loss"));
            }
        }
        if let Some((weight, xe)) = &beside.replay {
            let (reads, replay) = (self.reads()?, &self.progress.replay);
            let compute = |part, own: &Judged, hand_out: HandOut<'_>| {
                let step = (context.of_part(part), hand_out);
                reads.replayed((xe, replay), own, step)
            };
            let own = samples.iter().map(|own| (own.part(), own));
            let best = sum_of_parts(division, reads.summed_on(), own, compute)?;
            self.hear(best.as_ref());
            if let Some(best) = best {
                let rewards = best.tally.clone().only(REPLAY_REWARD, REPLAY_REWARD);
                self.add_beside(stage, &mut sum, best, (*weight, "replay_loss"));
                sum.tally.merge(rewards);
            }
        }
        Ok(sum)
    }

    /// The baseline of drawn regions learns from cross-entropy, summed over the parts of a batch.
    fn hear(&mut self, sum: Option<&Contribution>) {
        if let Some(hard) = self.hard_attention(&self.config.stages[self.progress.stage])
            && let Some(sum) = sum
            && sum.drawn_captions.count > 0
        {
            let fresh = || MovingAverage::new(hard.baseline_decay);
            let baseline = self.progress.location_baseline.get_or_insert_with(fresh);
            sum.drawn_captions.teach(baseline);
        }
    }

    /// Who computes this process's parts of a batch.
    fn workers(&self, stage: &StageConfig) -> Result<Workers, TrainError> {
        let own = Division::of(self.group, stage.parts).own();
        let apart = self.config.backend.is_cpu();
        Workers::start(own.len(), self.config.parts_in_memory, apart)
    }

    /// What steps read, by several threads.
    fn reads(&self) -> Result<Reads<'_>, TrainError> {
        Ok(Reads {
            captioner: &self.captioner,
            corpus: &self.corpus,
            train: self.corpus.split(Split::Train)?,
            device: &self.device,
            location_baseline: self.location_baseline(),
        })
    }

    /// How the choice of regions is trained, if the captioner attends hard.
    fn hard_attention(&self, stage: &StageConfig) -> Option<HardAttentionConfig> {
        let attends = self.config.model.attends_hard();
        attends.then(|| stage.hard_attention.unwrap_or_default())
    }

    /// What the regions of a step are compared with.
    fn location_baseline(&self) -> f64 {
        let baseline = self.progress.location_baseline.as_ref();
        baseline.map_or(0.0, MovingAverage::value)
    }

    /// Adds cross-entropy to an update, divided by its own counts and weighted.
    fn add_beside(
        &self,
        stage: &StageConfig,
        part: &mut Contribution,
        other: Contribution,
        (weight, loss): (f64, &str),
    ) {
        let divisor = |part: &Contribution| self.divisor(stage, part.counts);
        let share = weight * divisor(part) / divisor(&other);
        let gradients = other.gradients.map(|g| g.mul_scalar(share));
        part.gradients.merge(gradients);
        part.tally.merge(other.tally.only("loss", loss));
    }

    fn divisor(&self, stage: &StageConfig, counts: Counts) -> f64 {
        stage.normaliser.divisor(counts, self.corpus.max_length())
    }

    /// Takes one step of the optimiser; what was not finite, if it is of no use.
    fn update(
        &mut self,
        stage: &StageConfig,
        sum: Contribution,
        rate: f64,
        tally: &mut Tally,
    ) -> Result<Result<(), &'static str>, TrainError> {
        let Contribution {
            gradients,
            counts,
            tally: own,
            ..
        } = sum;
        let divisor = self.divisor(stage, counts);
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
        if !norm.is_finite() {
            return Ok(Err("gradient"));
        }
        if !own.total("loss").is_finite() {
            return Ok(Err("loss"));
        }
        tally.merge(own);
        tally.add("gradient_norm", norm, 1.0);
        self.progress.window.tokens += counts.tokens;
        Ok(Ok(()))
    }

    /// The place of the current step.
    fn context(&self, stage: &StageConfig, epoch: u64) -> StepContext {
        StepContext {
            seed: self.config.seed,
            stage: self.progress.stage,
            step: self.progress.step,
            epoch,
            dropout: stage.dropout.unwrap_or(self.config.model.dropout()),
            hard_attention: self.hard_attention(stage),
            part: 0,
        }
    }

    /// Samples of the sources, and their judgement.
    fn judged_rollout(
        &mut self,
        (stage, division): (&StageConfig, Division<'_>),
        critic: &mut SelfCritic,
        examples: &[usize],
        context: StepContext,
        tally: &mut Tally,
    ) -> Result<Judgement, TrainError> {
        let max_length = self.corpus.max_length();
        let inputs = self.reads()?;
        let mut batches = Vec::with_capacity(division.own().len());
        for (part, examples) in division.own_of(examples) {
            let mut batch = inputs.sources(examples)?;
            if let Some(scst) = &stage.scst
                && let Some(mixer) = &scst.mixer
            {
                let gold = inputs.gold(&batch.examples);
                let gold: Vec<&[Vec<u32>]> = gold.iter().map(Vec::as_slice).collect();
                let (samples, context) = (scst.samples_per_source, context.of_part(part));
                batch.prefixes = prefixes(mixer, &gold, samples, max_length, context);
            }
            batches.push(batch);
        }
        let reads = (&self.captioner, self.corpus.vocabulary(), max_length);
        let judged = critic.judged_rollout(reads, batches, division, context, tally)?;
        for warning in critic.take_warnings() {
            self.warn(&warning)?;
        }
        Ok(judged)
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
            Objective::Scst(critic, _) => critic.overflow(stage, step, what),
            Objective::Xe(_) => TrainError::NotFinite { stage, step, what },
        }
    }

    /// Whether the steps since the last record are written down although it is not time: no stage ends with steps that
    /// nobody saw, by its patience either, and no epoch goes by without a record.
    fn is_whole(&self, stage: &StageConfig, steps: u64, steps_per_epoch: u64) -> bool {
        let progress = &self.progress;
        let is_short = steps_per_epoch < self.config.log_every_steps;
        let may_end = progress.validation_due && stage.patience.is_some();
        progress.step == steps
            || may_end
            || (is_short && progress.step.is_multiple_of(steps_per_epoch))
    }

    /// Writes down the training metrics since the last time.
    fn log(&mut self, stage: &StageConfig, rate: f64) -> Result<(), TrainError> {
        let window = std::mem::take(&mut self.progress.window);
        let mut values = window.values(rate);
        values.extend(self.waiting(window.steps)?);
        let record = self.record(stage, RecordKind::Train, values)?;
        let position = self.position();
        self.observer.observe(&Event::Metrics {
            record: &record,
            position,
            best: self.progress.best_so_far(),
        });
        self.tell_findings()
    }

    /// For which rank the others have waited longest since the last record, and how long each of them, seconds a step.
    fn waiting(&mut self, steps: u64) -> Result<Vec<(String, f64)>, TrainError> {
        if self.group.size() == 1 {
            return Ok(Vec::new());
        }
        let waited = self.group.waited();
        let before = std::mem::replace(&mut self.waited, waited);
        let since = self.waited.iter().enumerate();
        let own = since.map(|(rank, now)| now - before.get(rank).copied().unwrap_or(0.0));
        let of_ranks: Vec<Vec<f64>> = gather(self.group, vec![own.collect()], "times of waiting")?;
        let sum_for = |rank: usize| of_ranks.iter().map(|own: &Vec<f64>| own[rank]).sum::<f64>();
        let sums = (0..self.group.size()).map(sum_for).enumerate();
        let slowest = sums.max_by(|(_, a), (_, b)| a.total_cmp(b));
        let (rank, secs) = slowest.unwrap_or_default();
        let others = (self.group.size() - 1) as f64;
        Ok(vec![
            ("slowest_rank".to_owned(), rank as f64),
            (
                "waited_secs".to_owned(),
                secs / others / steps.max(1) as f64,
            ),
        ])
    }

    /// Writes down numbers, and when they were measured.
    pub(super) fn record(
        &mut self,
        stage: &StageConfig,
        kind: RecordKind,
        mut values: Vec<(String, f64)>,
    ) -> Result<Record, TrainError> {
        let position = self.position();
        let epoch = position.step as f64 / position.steps_per_epoch.max(1) as f64;
        values.extend([
            ("epoch".to_owned(), epoch),
            ("elapsed_secs".to_owned(), position.run_secs),
        ]);
        let record = Record {
            step: self.progress.global_step,
            stage: stage.name.clone(),
            kind,
            values,
        };
        self.events.write(&record)?;
        self.examination.record(&record);
        Ok(record)
    }

    pub(super) fn snapshot<'b>(&'b self, optimiser: Option<&'b Optimiser>) -> Snapshot<'b> {
        let images = self.corpus.images();
        Snapshot {
            config: self.config,
            vocabulary: self.corpus.vocabulary(),
            source_vocabulary: self.corpus.texts().map(TextSources::vocabulary),
            standardiser: images.and_then(Images::standardiser),
            encoder: images.and_then(Images::encoder),
            features: images.and_then(Images::fingerprint),
            captioner: &self.captioner,
            optimiser,
            progress: &self.progress,
        }
    }

    /// Whether a checkpoint is due although nothing was validated.
    fn checkpoint_due(&self) -> Result<bool, TrainError> {
        let config = &self.config.checkpoints;
        let step = self.progress.step;
        if config.every_steps.is_some_and(|n| step.is_multiple_of(n)) {
            return Ok(true);
        }
        let Some(minutes) = config.every_minutes else {
            return Ok(false);
        };
        let is_late = self.since.elapsed().as_secs_f64() >= 60.0 * minutes;
        first(self.group, is_late, "whether a checkpoint is due")
    }

    /// Writes down a fingerprint of the weights.
    fn log_hash(&mut self, stage: &StageConfig) -> Result<(), TrainError> {
        let hash = weights_hash(&self.captioner)?;
        let step = self.progress.global_step;
        check_weights(self.group, &hash, step)?;
        self.events.write_hash(step, &stage.name, &hash)?;
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<PathBuf, TrainError> {
        self.progress.stage_secs += self.since.elapsed().as_secs_f64();
        self.since = Instant::now();
        self.events.flush()?;
        let step = self.progress.global_step;
        if self.group.size() > 1 {
            check_weights(self.group, &weights_hash(&self.captioner)?, step)?;
        }
        let checkpoints = self.directory.join("checkpoints");
        let path = checkpoints.join(checkpoint::directory_name(step));
        if self.writes() {
            self.snapshot(self.optimiser.as_ref()).write(&path)?;
            checkpoint::prune(&checkpoints, self.config.checkpoints.keep)?;
        }
        meet(self.group, "a checkpoint")?;
        self.observer
            .observe(&Event::CheckpointWritten { path: &path });
        Ok(path)
    }
}
