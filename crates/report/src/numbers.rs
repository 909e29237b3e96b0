//! Numbers as people read them.

use crate::report::{Change, Metric, Verdict};

/// A score.
pub(crate) fn score(value: f64) -> String {
    format!("{value:.4}")
}

/// A share in percent.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Two bounds of a score.
pub(crate) fn interval([low, high]: [f64; 2]) -> String {
    format!("{low:.4} to {high:.4}")
}

/// Two bounds of a difference.
pub(crate) fn signed_interval([low, high]: [f64; 2]) -> String {
    format!("{low:+.4} to {high:+.4}")
}

/// A difference and its bounds.
pub(crate) fn difference(change: &Change) -> String {
    let interval = signed_interval(change.interval);
    format!("{:+.4} ({interval})", change.difference)
}

/// How likely chance alone makes a difference as large.
pub(crate) fn chance(p: f64) -> String {
    if p < 5e-5 {
        "p < 0.0001".to_owned()
    } else {
        format!("p = {p:.4}")
    }
}

/// Time that passed.
pub(crate) fn time(seconds: f64) -> String {
    let seconds = seconds.round().max(0.0) as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// What may be claimed of a change of a metric.
pub(crate) fn claim(change: &Change, metric: &Metric, later: &str, earlier: &str) -> String {
    let numbers = difference(change);
    let label = &metric.label;
    match change.verdict(metric) {
        Verdict::NotToldApart => {
            format!("{later} and {earlier} cannot be told apart by {label}: {numbers}")
        }
        verdict => format!(
            "{later} is {} than {earlier}: {label} {numbers}",
            verdict.name()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_chances_are_short() {
        let times = [0.4, 59.6, 3599.0, 7260.0].map(time);
        assert_eq!(times, ["0 s", "1 min 0 s", "59 min 59 s", "2 h 1 min"]);
        assert_eq!([0.0, 0.5].map(chance), ["p < 0.0001", "p = 0.5000"]);
    }

    #[test]
    fn claims_say_which_is_better_and_mind_error_rates() {
        let change = Change {
            difference: -0.25,
            interval: [-0.5, -0.125],
            p: 0.01,
            is_told_apart: true,
        };
        let mut metric = Metric {
            label: "WER".to_owned(),
            smaller_is_better: true,
            ..Metric::default()
        };
        let found = claim(&change, &metric, "scst", "xe");
        assert_eq!(
            found,
            "scst is better than xe: WER -0.2500 (-0.5000 to -0.1250)"
        );
        metric.smaller_is_better = false;
        assert!(claim(&change, &metric, "scst", "xe").contains("worse"));
        let open = Change {
            is_told_apart: false,
            ..change
        };
        assert!(claim(&open, &metric, "scst", "xe").contains("cannot be told apart"));
    }
}
