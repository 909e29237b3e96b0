//! Validations, and which checkpoint is the best.

use std::{
    cmp::Ordering,
    ops::ControlFlow,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use scst_kernels::product::Precision;
use scst_reward::CorpusScores;

use super::{
    closing,
    state::Run,
    validation_examples::{chosen, validation_examples},
};
use crate::{
    TrainError,
    config::{StageConfig, ValidationMetric},
    decode::{
        collapse::{CaptionStatistics, ReferenceStatistics, collapses},
        evaluate::{Decoding, EvaluationReport, ScoredCaption, evaluate},
    },
    events::RecordKind,
    observer::Event,
    run::progress::{Best, LastValidation},
    warning::Warning,
};

/// So many validations in a row with the same scores are worth a warning.
const ALIKE: u64 = 3;

impl Run<'_> {
    /// Scores the validation examples and keeps the weights if they are the best so far; `false` if it was stopped, and
    /// is to be made again. Before the first step of a stage, what is scored is its start.
    pub(super) fn validate(
        &mut self,
        stage: &StageConfig,
        stop: &AtomicBool,
    ) -> Result<bool, TrainError> {
        let validation = &self.config.validation;
        let examples = validation_examples(self.config, &self.corpus)?;
        let observer = &mut *self.observer;
        let decoding = Decoding {
            decoder: &validation.decoder,
            run: self.config,
            group: self.group,
        };
        // As `scst eval` decodes, on any machine.
        let captioner = self.captioner.clone().with_precision(Precision::F32)?;
        let report = evaluate(
            (&captioner, &[]),
            &self.corpus,
            self.registry,
            &examples,
            decoding,
            &mut |done| {
                let sources = examples.len();
                observer.observe(&Event::Validating { done, sources });
                if stop.load(Relaxed) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            },
        )?;
        let Some(report) = report else {
            return Ok(false);
        };
        let is_start = self.progress.step == 0;
        let kind = if is_start {
            RecordKind::Start
        } else {
            RecordKind::Validation
        };
        self.record(stage, kind, report.values())?;
        let samples = chosen(
            self.config.seed,
            Some(validation.samples),
            report.captions.len(),
        );
        let samples: Vec<&ScoredCaption> = samples.iter().map(|&k| &report.captions[k]).collect();
        let step = self.progress.global_step;
        let written = self
            .events
            .write_samples(step, &stage.name, kind, &samples)?;
        self.examination.samples(&written);
        self.progress.validation_due = false;
        self.progress.signature.clone_from(&report.signature);
        let candidate = self.candidate(stage, &report);
        let mut warnings = self.newly_collapsed(&candidate);
        let is_best = self.judge(stage, candidate.clone(), is_start)?;
        if !is_start {
            warnings.extend(self.count_alike(stage, candidate));
        }
        let position = self.position();
        self.observer.observe(&Event::Validated {
            report: &report,
            samples: &samples,
            position,
            is_start,
            is_best,
            best: self.progress.best_so_far(),
        });
        for warning in &warnings {
            self.warn(warning)?;
        }
        self.tell_findings()?;
        Ok(true)
    }

    /// What is remembered of a validation.
    fn candidate(&self, stage: &StageConfig, report: &EvaluationReport) -> Best {
        let captions = CaptionStatistics {
            sources: report.captions.len(),
            distinct: report.distinct_captions,
            cut_off_share: report.cut_off_share,
            mean_length: report.mean_length,
        };
        let decoder = &self.config.validation.decoder;
        let longest = decoder.maximum_length.unwrap_or(self.corpus.max_length());
        let references = report.captions.iter().map(|c| c.references.as_slice());
        let references = ReferenceStatistics::of(references, longest);
        Best {
            stage: stage.name.clone(),
            step: self.progress.global_step,
            metric: report.metric(self.config.validation.metric),
            scores: report.scores,
            distinct_captions: report.distinct_captions,
            mean_length: report.mean_length,
            cut_off_share: report.cut_off_share,
            collapse: collapses(&captions, &references),
        }
    }

    /// What captions have become since the validation before, and was not said in this stage: not what a captioner that
    /// has learnt little begins with.
    fn newly_collapsed(&mut self, candidate: &Best) -> Vec<Warning> {
        let progress = &mut self.progress;
        let last = progress.last_validation.as_ref();
        let last = last.and_then(|last| last.validation.as_ref());
        let Some(before) = last.or(progress.start.as_ref()) else {
            return Vec::new();
        };
        let mut new = candidate.clone();
        let said = &mut progress.collapsed;
        new.collapse.retain(|collapse| {
            !before.has(collapse) && !said.iter().any(|said| said.is_like(collapse))
        });
        said.extend(&new.collapse);
        closing::collapse(&new)
    }

    /// Keeps the weights if they are the best so far, and counts how long ago the best was; whether they are the best
    /// of the run. What a stage begins with is none of its own achievements.
    fn judge(
        &mut self,
        stage: &StageConfig,
        candidate: Best,
        is_start: bool,
    ) -> Result<bool, TrainError> {
        let metric = self.config.validation.metric;
        let progress = &mut self.progress;
        let against = |best: &Option<Best>| {
            best.as_ref().map_or(Ordering::Greater, |best| {
                compare(metric, &candidate.scores, &best.scores)
            })
        };
        let (in_stage, in_run) = (against(&progress.stage_best), against(&progress.best));
        if in_run.is_ge() {
            progress.best = Some(candidate.clone());
        }
        if is_start {
            progress.start = Some(candidate);
        } else {
            // A tie makes the later weights the best, but is no progress that patience could wait for.
            progress.since_best = if in_stage == Ordering::Greater {
                0
            } else {
                progress.since_best + 1
            };
            progress.stage_ended = progress.since_best >= stage.patience.unwrap_or(u64::MAX);
            if in_stage.is_ge() {
                progress.stage_best = Some(candidate);
                if self.writes() {
                    self.snapshot(None).write(&self.best_of(stage))?;
                }
            }
        }
        if in_run.is_ge() && self.writes() {
            self.snapshot(None).write(&self.directory.join("best"))?;
        }
        Ok(in_run.is_ge())
    }

    /// Remembers a validation; what there is to say when it is one of several with the same scores.
    fn count_alike(&mut self, stage: &StageConfig, validation: Best) -> Option<Warning> {
        let scores = validation.scores;
        let last = self.progress.last_validation.take();
        let before = last.filter(|last| last.scores == scores);
        let alike = 1 + before.map_or(0, |last| last.alike);
        self.progress.last_validation = Some(LastValidation {
            step: self.progress.global_step,
            scores,
            alike,
            validation: Some(validation),
        });
        let metric = self.config.validation.metric;
        (alike == ALIKE).then(|| Warning::SameScores {
            stage: stage.name.clone(),
            metric,
            value: metric.of(&scores),
            validations: alike,
        })
    }

    /// Where the best weights of a stage are kept.
    pub(super) fn best_of(&self, stage: &StageConfig) -> PathBuf {
        let name = format!("best-{}", stage.name);
        self.directory.join("checkpoints").join(name)
    }
}

/// Which of two validations is better: by the metric, and by the others in their order where it ties.
fn compare(metric: ValidationMetric, a: &CorpusScores, b: &CorpusScores) -> Ordering {
    let metrics = metric.in_order().into_iter();
    let orders = metrics.filter_map(|metric| metric.compare(a, b));
    orders.fold(Ordering::Equal, Ordering::then)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_are_broken_by_the_next_metric() {
        let scores = |cider_d, bleu4, rouge_l| CorpusScores {
            cider_d,
            bleu: [0.0, 0.0, 0.0, bleu4],
            rouge_l,
            ..CorpusScores::default()
        };
        let (a, b) = (scores(1.0, 0.2, 0.3), scores(1.0, 0.1, 0.4));
        let by = |metric| compare(metric, &a, &b);
        assert_eq!(by(ValidationMetric::CiderD), Ordering::Greater);
        assert_eq!(by(ValidationMetric::Bleu4), Ordering::Greater);
        assert_eq!(by(ValidationMetric::RougeL), Ordering::Less);
        let (a, b) = (scores(0.0, 0.5, 0.3), scores(0.0, 0.5, 0.2));
        assert_eq!(compare(ValidationMetric::CiderD, &a, &b), Ordering::Greater);
        assert_eq!(compare(ValidationMetric::CiderD, &b, &b), Ordering::Equal);
        let (a, b) = (scores(0.9, 0.0, 0.0), scores(1.0, 1.0, 1.0));
        assert_eq!(compare(ValidationMetric::CiderD, &a, &b), Ordering::Less);
    }
}
