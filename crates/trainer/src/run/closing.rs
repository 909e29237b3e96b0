//! What there is to say of the results when a run, or a stage of it, is over.

use crate::{
    config::ValidationMetric,
    run::progress::{Best, Progress, StageSummary},
    warning::Warning,
};

/// What a metric may lose before it is said: less does not show in its four digits.
const NOTICEABLE: f64 = 1e-4;

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
    (metric.gain(start.metric, best.metric) >= NOTICEABLE).then(|| Warning::WorseThanStart {
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

#[cfg(test)]
mod tests {
    use scst_reward::CorpusScores;

    use super::*;
    use crate::decode::collapse::Collapse;

    const CUT_OFF: Collapse = Collapse::CutOff { share: 0.9 };

    fn validation(stage: &str, step: u64, cider_d: f64, collapse: &[Collapse]) -> Best {
        Best {
            stage: stage.to_owned(),
            step,
            metric: cider_d,
            scores: CorpusScores {
                cider_d,
                bleu: [0.0; 4],
                rouge_l: 0.0,
                ..CorpusScores::default()
            },
            distinct_captions: 3,
            mean_length: 7.0,
            cut_off_share: 0.0,
            collapse: collapse.to_vec(),
        }
    }

    fn stage(name: &str, [start, best, last]: [Option<Best>; 3]) -> StageSummary {
        StageSummary {
            name: name.to_owned(),
            kind: "xe".to_owned(),
            steps: 3,
            seconds: 1.0,
            start,
            best,
            last,
        }
    }

    #[test]
    fn stages_that_made_captions_worse_are_named_at_the_end() {
        let good = validation("xe", 3, 1.0, &[]);
        let worse = validation("scst", 6, 0.75, &[]);
        let last = validation("scst", 9, 0.5, &[CUT_OFF]);
        let progress = Progress {
            best: Some(good.clone()),
            summaries: vec![
                stage("xe", [None, Some(good.clone()), Some(good.clone())]),
                stage("scst", [Some(good), Some(worse), Some(last)]),
            ],
            ..Progress::default()
        };
        let expected = [
            Warning::WorseThanStart {
                stage: "scst".to_owned(),
                metric: ValidationMetric::CiderD,
                start: 1.0,
                best: 0.75,
            },
            Warning::Collapse {
                stage: "scst".to_owned(),
                step: 9,
                collapse: CUT_OFF,
            },
        ];
        assert_eq!(warnings(ValidationMetric::CiderD, &progress), expected);
    }

    #[test]
    fn good_run_ends_without_a_word_and_a_best_that_is_last_is_named_once() {
        let start = validation("xe", 3, 1.0, &[]);
        // Nobody could see that it is worse than its start.
        let same = validation("scst", 6, 1.0 - 1e-5, &[]);
        let mut progress = Progress {
            best: Some(same.clone()),
            summaries: vec![stage("scst", [Some(start), Some(same.clone()), Some(same)])],
            ..Progress::default()
        };
        assert_eq!(warnings(ValidationMetric::CiderD, &progress), []);
        let bad = validation("scst", 6, 1.0, &[CUT_OFF]);
        progress.best = Some(bad.clone());
        progress.summaries[0].last = Some(bad);
        assert_eq!(warnings(ValidationMetric::CiderD, &progress).len(), 1);
    }
}
