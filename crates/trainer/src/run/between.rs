//! Between two stages: what one comes to, and what the next begins with.

use std::time::Instant;

use scst_model::Captioner;

use super::{closing, state::Run, window::Window};
use crate::{
    TrainError,
    checkpoint::Checkpoint,
    config::{StageConfig, StartFrom},
    events::RecordKind,
    objective::sequence::Replay,
    observer::Event,
    ranks::meet,
    run::progress::StageSummary,
};

impl Run<'_> {
    /// The weights and the optimiser that a stage begins with, and what is known of them: what was not validated before is
    /// to be validated now, unless it is random.
    pub(super) fn begin_stage(&mut self, index: usize) -> Result<(), TrainError> {
        if let Some(captioner) = self.stored_start(index)? {
            self.captioner = captioner;
        }
        self.optimiser = None;
        if self.progress.start.is_some() {
            return Ok(());
        }
        let stage = &self.config.stages[index];
        let before = self.progress.summaries.last();
        let known = match (&stage.start_from, before) {
            (StartFrom::Checkpoint(_), _) => None,
            (StartFrom::Best, Some(before)) => before.best.clone(),
            (StartFrom::Last, Some(before)) => before.last.clone(),
            (StartFrom::Best | StartFrom::Last, None) => return Ok(()),
        };
        let Some(known) = known else {
            self.progress.validation_due = true;
            return Ok(());
        };
        self.record(stage, RecordKind::Start, known.values())?;
        self.progress.start = Some(known);
        Ok(())
    }

    /// The captioner that a stage begins with, unless it goes on with the one that there is.
    pub(super) fn stored_start(&self, index: usize) -> Result<Option<Captioner>, TrainError> {
        let stage = &self.config.stages[index];
        let before = index
            .checked_sub(1)
            .map(|before| &self.config.stages[before]);
        let captioner = match (&stage.start_from, before) {
            (StartFrom::Checkpoint(path), _) => {
                self.foreign.captioner(path, self.config, &self.device)?
            }
            (StartFrom::Best, Some(before)) => {
                // The first rank has written it.
                meet(self.group, "the weights of the stage before")?;
                let stored = Checkpoint::load(&self.best_of(before), &self.registry.captioners)?;
                stored.captioner(&self.config.model, &self.device)?
            }
            (StartFrom::Best, None) | (StartFrom::Last, _) => return Ok(None),
        };
        Ok(Some(captioner.with_precision(self.config.precision)?))
    }

    /// Sums a stage up, and moves on to the next.
    pub(super) fn end_stage(&mut self, stage: &StageConfig) -> Result<(), TrainError> {
        let seconds = self.position().stage_secs;
        let progress = &mut self.progress;
        let last = progress.last_validation.take();
        let summary = StageSummary {
            name: stage.name.clone(),
            kind: stage.kind().to_owned(),
            steps: progress.step,
            seconds,
            start: progress.start.take(),
            best: progress.stage_best.take(),
            last: last.and_then(|last| last.validation),
        };
        let mut unsaid = summary.last.clone();
        if let Some(last) = &mut unsaid {
            let said = &progress.collapsed;
            last.collapse
                .retain(|collapse| !said.iter().any(|said| said.is_like(collapse)));
        }
        let collapse = unsaid.iter().flat_map(closing::collapse);
        let worse = closing::worse_than_start(self.config.validation.metric, &summary);
        for warning in collapse.chain(worse) {
            self.warn(&warning)?;
        }
        self.observer.observe(&Event::StageEnded(&summary));
        let progress = &mut self.progress;
        progress.summaries.push(summary);
        progress.stage += 1;
        progress.step = 0;
        progress.stage_ended = false;
        progress.since_best = 0;
        progress.stage_secs = 0.0;
        progress.baseline = None;
        progress.replay = Replay::default();
        progress.location_baseline = None;
        progress.document_frequency = None;
        progress.collapsed.clear();
        progress.window = Window::default();
        self.since = Instant::now();
        self.foreign.forget(self.config, &self.progress);
        Ok(())
    }
}
