//! What is said of a run, as text.

use std::fmt::Write;

use console::style;
use scst_trainer::{
    Best, BestSoFar, DataDescription, EvaluationReport, Position,
    config::{Names, ValidationMetric},
    events::Record,
};

use super::bar::clock;
use crate::examples::scores;

/// Where a run is, at the beginning of a line: `0:12 xe, epoch 2/10, step 24/120`.
pub(super) fn place(stage: &str, position: &Position) -> String {
    format!("{} {stage}, {}", clock(position.run_secs), counts(position))
}

/// Epoch and step.
pub(super) fn counts(position: &Position) -> String {
    let Position { step, steps, .. } = position;
    let (epoch, epochs) = (position.epoch(), position.epochs());
    format!("epoch {epoch}/{epochs}, step {step}/{steps}")
}

/// The few numbers of a record that say how training goes.
///
/// Where the baseline is the reward by construction, or there is none, the advantage says nothing: there is the spread of the
/// rewards of a source to look at.
pub(super) fn numbers(record: &Record, names: Names) -> String {
    let value = |name: &str| record.value(name).unwrap_or(f64::NAN);
    let speed = format!("{:.0} {}/s", value("sources_per_sec"), names.sources);
    match (record.value("reward"), record.value("baseline")) {
        (None, _) => format!("loss {:.4}, {speed}", value("loss")),
        (Some(reward), Some(baseline)) if !record.baseline_is_reward() => format!(
            "reward {reward:.3}, baseline {baseline:.3}, advantage {:+.3}, {speed}",
            value("advantage")
        ),
        (Some(reward), _) => {
            format!(
                "reward {reward:.3}, spread {:.3}, {speed}",
                value("reward_spread")
            )
        }
    }
}

/// The best validation of the run, and its stage if it is another one.
pub(super) fn best(best: BestSoFar<'_>, stage: &str, metric: ValidationMetric) -> Option<String> {
    let best = best.run?;
    let of = if best.stage == stage {
        String::new()
    } else {
        format!(" ({})", best.stage)
    };
    Some(format!("best {} {:.4}{of}", metric.label(), best.metric))
}

/// Sources, captions and words of a run.
pub(super) fn data(
    data: &DataDescription,
    names: Names,
    val_sources: usize,
    parameters: usize,
) -> Vec<String> {
    let millions = parameters as f64 / 1e6;
    let mut captions = format!(
        "{} training {}: {} of words unknown, {} cut at {} words",
        data.train_captions,
        names.targets,
        percent(data.unknown_share()),
        percent(data.cut_share()),
        data.max_length
    );
    if data.wordless > 0 {
        let _ = write!(
            captions,
            "; {} hold no word and are left out",
            data.wordless
        );
    }
    vec![
        format!(
            "{} training {sources}, {val_sources} validation {sources}, {} words, {millions:.2} million parameters",
            data.train_sources,
            data.vocabulary,
            sources = names.sources
        ),
        captions,
    ]
}

/// A stage that begins or goes on.
pub(super) fn stage(
    name: &str,
    position: &Position,
    (left_out, names): (usize, Names),
    start: Option<&Best>,
    metric: ValidationMetric,
) -> String {
    let Position {
        stage,
        stages,
        step,
        steps,
        steps_per_epoch,
        ..
    } = position;
    let mut line = format!(
        "stage {name} ({} of {stages}): {steps} steps, {steps_per_epoch} an epoch",
        stage + 1
    );
    if left_out > 0 {
        let _ = write!(line, ", {left_out} {} left out of each", names.sources);
    }
    if let Some(start) = start {
        let _ = write!(
            line,
            "; it begins with {} {:.4}",
            metric.label(),
            start.metric
        );
    }
    if *step > 0 {
        let _ = write!(line, "; {step} are done");
    }
    line
}

/// The scores of a validation.
pub(super) fn validation(
    report: &EvaluationReport,
    names: Names,
    [is_start, is_best]: [bool; 2],
    best: Option<&str>,
) -> String {
    let dead_ends = match report.dead_ends {
        0 => String::new(),
        some => format!(", {some} dead ends"),
    };
    let compared = match (is_best, best) {
        (true, _) => format!(", {}", style("best so far").for_stderr().green()),
        (false, Some(best)) => format!("; {best}"),
        (false, None) => String::new(),
    };
    format!(
        "{} {}, {} distinct {}, {:.1} words{dead_ends}{compared}",
        if is_start {
            "begins with"
        } else {
            "validation"
        },
        scores(&report.scores),
        report.distinct_captions,
        if report.distinct_captions == 1 {
            names.target
        } else {
            names.targets
        },
        report.mean_length,
    )
}

fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent == 0.0 {
        "none".to_owned()
    } else if percent < 0.1 {
        "less than 0.1 %".to_owned()
    } else {
        format!("{percent:.1} %")
    }
}

#[cfg(test)]
mod tests {
    use scst_trainer::events::RecordKind;

    use super::*;

    fn record(values: &[(&str, f64)]) -> Record {
        Record {
            step: 1,
            stage: "scst".to_owned(),
            kind: RecordKind::Train,
            values: values
                .iter()
                .map(|&(name, value)| (name.to_owned(), value))
                .collect(),
        }
    }

    #[test]
    fn spread_is_told_where_the_advantage_says_nothing() {
        let mut values = vec![
            ("reward", 0.8125),
            ("reward_spread", 0.25),
            ("baseline", 0.8125),
            ("advantage", -1e-17),
            ("sources_per_sec", 99.6),
        ];
        assert_eq!(
            numbers(&record(&values), Names::IMAGES),
            "reward 0.812, spread 0.250, 100 images/s"
        );
        values[2].1 = 0.5;
        values[3].1 = 0.3125;
        assert_eq!(
            numbers(&record(&values), Names::IMAGES),
            "reward 0.812, baseline 0.500, advantage +0.312, 100 images/s"
        );
        // Objectives that compare captions with each other have no baseline.
        values.remove(2);
        assert_eq!(
            numbers(&record(&values), Names::IMAGES),
            "reward 0.812, spread 0.250, 100 images/s"
        );
        let values = [("loss", 2.5), ("sources_per_sec", 7.0)];
        assert_eq!(
            numbers(&record(&values), Names::IMAGES),
            "loss 2.5000, 7 images/s"
        );
    }

    #[test]
    fn shares_are_told_as_exactly_as_they_matter() {
        let texts = [0.0, 0.0001, 0.0123, 1.0].map(percent);
        assert_eq!(texts, ["none", "less than 0.1 %", "1.2 %", "100.0 %"]);
    }
}
