//! What there is to say of the results when a run, or a stage of it, is over.

use std::cmp::Ordering;

use super::validation::compare;
use crate::{
    config::ValidationMetric,
    progress::{Best, Progress, StageSummary},
    warning::Warning,
};

/// What makes the results of a run worth less than they look, stage by stage, and then what `best/` holds.
pub(super) fn warnings(metric: ValidationMetric, progress: &Progress) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for stage in &progress.summaries {
        warnings.extend(worse_than_start(metric, stage));
        warnings.extend(stage.last.iter().flat_map(collapse));
    }
    for warning in progress.best.iter().flat_map(collapse) {
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    warnings
}

/// Whether the best that a stage reached is worse than what it began with.
pub(super) fn worse_than_start(metric: ValidationMetric, stage: &StageSummary) -> Option<Warning> {
    let (start, best) = (stage.start.as_ref()?, stage.best.as_ref()?);
    let order = compare(metric, &best.scores, &start.scores);
    (order == Ordering::Less).then(|| Warning::WorseThanStart {
        stage: stage.name.clone(),
        metric,
        start: start.metric,
        best: best.metric,
    })
}

/// What the captions of a validation had become.
pub(super) fn collapse(validation: &Best) -> Vec<Warning> {
    let warning = |&collapse| Warning::Collapse {
        stage: validation.stage.clone(),
        step: validation.step,
        collapse,
    };
    validation.collapse.iter().map(warning).collect()
}
