//! Validations: which images are scored, and which checkpoint is the best.

use std::{
    cmp::Ordering,
    ops::ControlFlow,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use rand::seq::SliceRandom;
use scst_data::{Example, Split};
use scst_reward::CorpusScores;

use super::Run;
use crate::{
    TrainError,
    config::{Config, StageConfig, ValidationMetric},
    corpus::Corpus,
    draws::{Purpose, generator},
    evaluate::{EvaluationReport, evaluate},
    events::{Record, RecordKind},
    observer::Event,
    progress::{Best, LastValidation},
    warning::Warning,
};

/// So many validations in a row with the same scores are worth a warning.
const ALIKE: u64 = 3;

/// The validation images of a run: all, or as many as its configuration asks for, the same in every validation.
pub(super) fn validation_images<'a>(
    config: &Config,
    corpus: &'a Corpus,
) -> Result<Vec<&'a Example>, TrainError> {
    let examples = corpus.split(Split::Val)?;
    let chosen = chosen(config.seed, config.validation.images, examples.len());
    Ok(chosen.into_iter().map(|image| &examples[image]).collect())
}

/// The first `wanted` of a seeded order of `0..available`, or all, in ascending order.
fn chosen(seed: u64, wanted: Option<usize>, available: usize) -> Vec<usize> {
    let mut images: Vec<usize> = (0..available).collect();
    if let Some(wanted) = wanted.filter(|&wanted| wanted < available) {
        images.shuffle(&mut generator(seed, Purpose::ValidationImages, 0, 0));
        images.truncate(wanted);
        images.sort_unstable();
    }
    images
}

impl Run<'_> {
    /// Scores the validation images and keeps the weights if they are the best so far; `false` if it was stopped, and
    /// is to be made again.
    pub(super) fn validate(
        &mut self,
        stage: &StageConfig,
        stop: &AtomicBool,
    ) -> Result<bool, TrainError> {
        let validation = &self.config.validation;
        let images = validation_images(self.config, &self.corpus)?;
        let observer = &mut *self.observer;
        let report = evaluate(
            &self.captioner,
            &[],
            &self.corpus,
            &images,
            &validation.decoder,
            self.config,
            &mut |done| {
                let images = images.len();
                observer.observe(&Event::Validating { done, images });
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
        self.events.write(&Record {
            step: self.progress.global_step,
            stage: stage.name.clone(),
            kind: RecordKind::Validation,
            values: report.values(),
        })?;
        self.progress.validation_due = false;
        let is_best = self.judge(stage, &report)?;
        self.observer.observe(&Event::Validated {
            report: &report,
            is_best,
        });
        self.warn_of_same_scores(stage, report.scores)?;
        Ok(true)
    }

    /// Keeps the weights if they are the best so far, and counts how long ago the best was; whether they are the best
    /// of the run.
    fn judge(
        &mut self,
        stage: &StageConfig,
        report: &EvaluationReport,
    ) -> Result<bool, TrainError> {
        let metric = self.config.validation.metric;
        let progress = &mut self.progress;
        progress.signature.clone_from(&report.signature);
        let candidate = Best {
            stage: stage.name.clone(),
            step: progress.global_step,
            metric: report.metric(metric),
            scores: report.scores,
            distinct_captions: report.distinct_captions,
            mean_length: report.mean_length,
        };
        let against = |best: &Option<Best>| {
            best.as_ref().map_or(Ordering::Greater, |best| {
                compare(metric, &candidate.scores, &best.scores)
            })
        };
        let (in_stage, in_run) = (against(&progress.stage_best), against(&progress.best));
        // A tie makes the later weights the best, but is no progress that patience could wait for.
        progress.since_best = if in_stage == Ordering::Greater {
            0
        } else {
            progress.since_best + 1
        };
        progress.stage_ended = progress.since_best >= stage.patience.unwrap_or(u64::MAX);
        if in_stage.is_ge() {
            progress.stage_best = Some(candidate.clone());
        }
        if in_run.is_ge() {
            progress.best = Some(candidate);
        }
        if in_stage.is_ge() {
            self.snapshot(None).write(&self.best_of(stage))?;
        }
        if in_run.is_ge() {
            self.snapshot(None).write(&self.directory.join("best"))?;
        }
        Ok(in_run.is_ge())
    }

    fn warn_of_same_scores(
        &mut self,
        stage: &StageConfig,
        scores: CorpusScores,
    ) -> Result<(), TrainError> {
        let last = self.progress.last_validation.take();
        let before = last.filter(|last| last.scores == scores);
        let alike = 1 + before.map_or(0, |last| last.alike);
        self.progress.last_validation = Some(LastValidation {
            step: self.progress.global_step,
            scores,
            alike,
        });
        if alike != ALIKE {
            return Ok(());
        }
        let metric = self.config.validation.metric;
        self.warn(&Warning::SameScores {
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
    let orders = metrics.filter_map(|metric| metric.of(a).partial_cmp(&metric.of(b)));
    orders.fold(Ordering::Equal, Ordering::then)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_a_function_of_the_seed_and_grow_with_their_number() {
        let few = chosen(1, Some(10), 100);
        assert_eq!(few.len(), 10);
        assert!(few.is_sorted_by(|a, b| a < b) && few[9] < 100, "{few:?}");
        assert_ne!(few, (0..10).collect::<Vec<_>>());
        assert_eq!(few, chosen(1, Some(10), 100));
        assert_ne!(few, chosen(2, Some(10), 100));
        let more = chosen(1, Some(20), 100);
        assert!(
            few.iter().all(|image| more.contains(image)),
            "{few:?} {more:?}"
        );
        let all: Vec<usize> = (0..100).collect();
        for wanted in [None, Some(100), Some(5000)] {
            assert_eq!(chosen(1, wanted, 100), all);
        }
    }

    #[test]
    fn ties_are_broken_by_the_next_metric() {
        let scores = |cider_d, bleu4, rouge_l| CorpusScores {
            cider_d,
            bleu: [0.0, 0.0, 0.0, bleu4],
            rouge_l,
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
