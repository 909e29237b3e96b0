//! Curves over the steps of training: which values share a chart, means and bands over seeds, and as many points as a
//! page can hold.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::report::{Record, RecordKind, Report, Run};

/// More points of a line are replaced by means of neighbours.
const MOST_POINTS: usize = 300;
/// What moves the second value of one step, so that both are seen: a stage begins where the one before ended.
const NUDGE: f64 = 0.01;

/// Lines over steps that share their axes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) note: &'static str,
    pub(crate) series: Vec<Series>,
}

/// A line, with a band around it where there are several seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Series {
    pub(crate) label: String,
    /// Which run it is of, and which value of the chart: what colour and dashes are chosen by.
    pub(crate) run: usize,
    pub(crate) value: usize,
    pub(crate) steps: Vec<f64>,
    pub(crate) means: Vec<f64>,
    /// The smallest and the largest of the seeds; empty of one.
    pub(crate) low: Vec<f64>,
    pub(crate) high: Vec<f64>,
}

/// Where the stages of a run begin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct StageStart {
    pub(crate) name: String,
    pub(crate) step: u64,
}

/// Values of a chart: where they are recorded, their names in files and for people.
type Value<'a> = (RecordKind, &'a str, &'a str);

use RecordKind::{Train, Validation};

/// The charts of what training records, in their order.
const CHARTS: &[(&str, &str, &[Value<'static>])] = &[
    (
        "Reward",
        "mean over samples, and what it is compared with",
        &[
            (Train, "reward", "reward"),
            (Train, "baseline", "baseline"),
            (Train, "replay_reward", "best samples so far"),
        ],
    ),
    (
        "Loss of gold captions",
        "nats a word",
        &[
            (Train, "loss", "loss"),
            (Train, "xe_loss", "beside self-critical training"),
            (Train, "replay_loss", "of the best samples so far"),
        ],
    ),
    (
        "Spread of rewards",
        "standard deviation within a source: what there is to learn from",
        &[(Train, "reward_spread", "spread")],
    ),
    (
        "Samples without advantage",
        "share that trains nothing",
        &[(Train, "zero_advantage_share", "share")],
    ),
    (
        "Clipped words",
        "share whose gradient the objective stops, and share of samples that count",
        &[
            (Train, "clipped_share", "clipped"),
            (Train, "effective_sample_share", "effective samples"),
        ],
    ),
    (
        "Divergence from the rollout",
        "nats a word",
        &[(Train, "kl_from_rollout", "divergence")],
    ),
    ("Entropy", "nats a word", &[(Train, "entropy", "entropy")]),
    (
        "Gradient norm",
        "before it is clipped",
        &[(Train, "gradient_norm", "norm")],
    ),
    (
        "Length",
        "words",
        &[
            (Train, "caption_length", "trained on"),
            (Validation, "mean_length", "validation"),
        ],
    ),
    (
        "Cut off",
        "share that reached the maximum length without ending",
        &[
            (Train, "cut_off_share", "trained on"),
            (Validation, "cut_off_share", "validation"),
        ],
    ),
    (
        "Different captions",
        "of the validation split",
        &[(Validation, "distinct_captions", "different")],
    ),
    (
        "Time of a step",
        "seconds",
        &[
            (Train, "step_secs", "all"),
            (Train, "update_secs", "update"),
            (Train, "rollout_secs", "sampling"),
            (Train, "reward_secs", "rewards"),
            (Train, "greedy_secs", "greedy captions"),
            (Train, "credit_secs", "credit"),
        ],
    ),
    ("Learning rate", "", &[(Train, "learning_rate", "rate")]),
];

/// What says nothing over steps, or stands in another chart.
const LEFT_OUT: [&str; 6] = [
    "epoch",
    "elapsed_secs",
    "sources_per_sec",
    "tokens_per_sec",
    "advantage",
    "dead_ends",
];

/// The charts of a report; those without a line are left out.
pub(crate) fn charts(report: &Report) -> Vec<Chart> {
    let mut charts = Vec::new();
    let (mut main, mut others) = (Vec::new(), Vec::new());
    for (k, metric) in report.metrics.iter().enumerate() {
        let value = (Validation, &*metric.name, &*metric.label);
        if k == report.main_metric {
            main.push(value);
        } else {
            others.push(value);
        }
    }
    let title = main.first().map_or("", |value| value.2);
    charts.push(chart(report, title, "validation split", &main));
    charts.push(chart(report, "Other metrics", "validation split", &others));
    let of_records = |chosen: fn(&str) -> bool| {
        let all = report
            .runs
            .iter()
            .flat_map(|run| run.seeds.iter().flatten());
        let train = all.filter(|record| record.kind == Train);
        let names = train.flat_map(|record| record.values.iter().map(|(name, _)| &**name));
        let names: BTreeSet<&str> = names.filter(|name| chosen(name)).collect();
        names
            .into_iter()
            .map(|name| (Train, name, name))
            .collect::<Vec<_>>()
    };
    let parts = of_records(|name| {
        name.starts_with("reward_") && !matches!(name, "reward_spread" | "reward_secs")
    });
    for (k, &(title, note, values)) in CHARTS.iter().enumerate() {
        charts.push(chart(report, title, note, values));
        if k == 0 && parts.len() > 1 {
            charts.push(chart(
                report,
                "Parts of the reward",
                "as each gave it",
                &parts,
            ));
        }
    }
    let rest = of_records(|name| {
        let mut known = CHARTS.iter().flat_map(|(_, _, values)| values.iter());
        !name.starts_with("reward_")
            && !LEFT_OUT.contains(&name)
            && !known.any(|(_, own, _)| *own == name)
    });
    charts.extend(
        rest.iter()
            .map(|value| chart(report, value.1, "", &[*value])),
    );
    charts.retain(|chart| !chart.series.is_empty());
    charts
}

fn chart(report: &Report, title: &str, note: &'static str, values: &[Value<'_>]) -> Chart {
    let mut series = Vec::new();
    for (run, of_run) in report.runs.iter().enumerate() {
        for (value, &(kind, name, label)) in values.iter().enumerate() {
            let Some(mut line) = line(of_run, kind, name) else {
                continue;
            };
            line.run = run;
            line.value = value;
            line.label = match (report.runs.len(), values.len()) {
                (1, _) => label.to_owned(),
                (_, 1) => of_run.name.clone(),
                _ => format!("{}: {label}", of_run.name),
            };
            series.push(line);
        }
    }
    Chart {
        title: title.to_owned(),
        note,
        series,
    }
}

/// Whether a value of a record says something: the loss of self-critical training does not, nor a baseline that is the
/// reward by construction.
fn says_something(record: &Record, name: &str) -> bool {
    match name {
        "loss" => record.value("reward").is_none(),
        "baseline" => {
            let pair = record.value("reward").zip(record.value("baseline"));
            pair.is_none_or(|(reward, baseline)| {
                (reward - baseline).abs() > 1e-9 * reward.abs().max(1.0)
            })
        }
        _ => true,
    }
}

/// The line of a value of a run, if there is one.
fn line(run: &Run, kind: RecordKind, name: &str) -> Option<Series> {
    // By step, and by which of several records of the same step.
    let mut points: BTreeMap<(u64, usize), Vec<f64>> = BTreeMap::new();
    for seed in &run.seeds {
        let mut last = None;
        let mut nth = 0;
        for record in seed.iter().filter(|record| record.kind == kind) {
            let Some(value) = record.value(name).filter(|_| says_something(record, name)) else {
                continue;
            };
            nth = if last == Some(record.step) {
                nth + 1
            } else {
                0
            };
            last = Some(record.step);
            points.entry((record.step, nth)).or_default().push(value);
        }
    }
    if points.is_empty() {
        return None;
    }
    let points: Vec<[f64; 4]> = points
        .into_iter()
        .map(|((step, nth), values)| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            [step as f64 + NUDGE * nth as f64, mean, low, high]
        })
        .collect();
    let points = thinned(&points);
    let column = |k: usize| points.iter().map(|point| point[k]).collect::<Vec<f64>>();
    let band = |k| match run.seeds.len() {
        1 => Vec::new(),
        _ => column(k),
    };
    Some(Series {
        label: String::new(),
        run: 0,
        value: 0,
        steps: column(0),
        means: column(1),
        low: band(2),
        high: band(3),
    })
}

/// No more points than a page can hold: means of neighbours, within bands that hold theirs.
fn thinned(points: &[[f64; 4]]) -> Vec<[f64; 4]> {
    let size = points.len().div_ceil(MOST_POINTS).max(1);
    let merged = |points: &[[f64; 4]]| {
        let mean = |k: usize| points.iter().map(|p| p[k]).sum::<f64>() / points.len() as f64;
        let low = points.iter().map(|p| p[2]).fold(f64::INFINITY, f64::min);
        let high = points.iter().map(|p| p[3]);
        [
            mean(0),
            mean(1),
            low,
            high.fold(f64::NEG_INFINITY, f64::max),
        ]
    };
    points.chunks(size).map(merged).collect()
}

/// Where the stages of a run begin, by its first seed.
pub(crate) fn stage_starts(run: &Run) -> Vec<StageStart> {
    let mut starts: Vec<StageStart> = Vec::new();
    let mut step = 0;
    for record in run.seeds.first().into_iter().flatten() {
        if starts.last().is_none_or(|last| last.name != record.stage) {
            starts.push(StageStart {
                name: record.stage.clone(),
                step,
            });
        }
        step = record.step;
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Metric;

    fn record(step: u64, stage: &str, kind: RecordKind, values: &[(&str, f64)]) -> Record {
        Record {
            step,
            stage: stage.to_owned(),
            kind,
            values: values
                .iter()
                .map(|&(name, value)| (name.to_owned(), value))
                .collect(),
        }
    }

    fn report(seeds: Vec<Vec<Record>>) -> Report {
        Report {
            metrics: vec![Metric {
                name: "cider_d".to_owned(),
                label: "CIDEr-D".to_owned(),
                smaller_is_better: false,
            }],
            runs: vec![Run {
                seeds,
                ..Run::default()
            }],
            ..Report::default()
        }
    }

    fn seed(shift: f64) -> Vec<Record> {
        vec![
            record(1, "xe", Train, &[("loss", 3.0 + shift)]),
            record(2, "xe", Validation, &[("cider_d", 1.0 + shift)]),
            record(2, "scst", Validation, &[("cider_d", 2.0 + shift)]),
            record(
                3,
                "scst",
                Train,
                &[("loss", -1.0), ("reward", 0.5), ("baseline", 0.5)],
            ),
            record(4, "scst", Train, &[("reward", f64::NAN), ("odd", 1.0)]),
        ]
    }

    fn found(report: &Report, title: &str) -> Series {
        let charts = charts(report);
        let chart = charts.iter().find(|chart| chart.title == title);
        chart.expect("a chart").series[0].clone()
    }

    #[test]
    fn values_of_one_step_are_both_seen_and_what_says_nothing_is_not() {
        let report = report(vec![seed(0.0)]);
        let metric = found(&report, "CIDEr-D");
        assert_eq!(metric.steps, [2.0, 2.01]);
        assert_eq!(metric.means, [1.0, 2.0]);
        assert!(metric.low.is_empty());
        assert_eq!(found(&report, "Loss of gold captions").means, [3.0]);
        assert_eq!(found(&report, "Reward").means, [0.5]);
        let charts = charts(&report);
        let titles: Vec<&str> = charts.iter().map(|chart| &*chart.title).collect();
        assert_eq!(
            titles,
            ["CIDEr-D", "Reward", "Loss of gold captions", "odd"]
        );
        assert_eq!(charts[1].series.len(), 1, "the baseline is the reward");
    }

    #[test]
    fn several_seeds_are_a_mean_and_a_band() {
        let metric = found(&report(vec![seed(0.0), seed(0.5), seed(1.0)]), "CIDEr-D");
        assert_eq!(metric.means, [1.5, 2.5]);
        assert_eq!((metric.low, metric.high), (vec![1.0, 2.0], vec![2.0, 3.0]));
    }

    #[test]
    fn long_lines_are_thinned_within_their_bands() {
        let long = (0..1000).map(|step| record(step, "xe", Train, &[("loss", step as f64)]));
        let line = found(
            &report(vec![long.collect(), vec![]]),
            "Loss of gold captions",
        );
        assert!(line.steps.len() <= MOST_POINTS);
        assert_eq!(line.steps[0], line.means[0]);
        assert_eq!((line.low[0], line.high[0]), (0.0, 3.0));
    }

    #[test]
    fn stages_begin_where_the_one_before_ended() {
        let report = report(vec![seed(0.0)]);
        let starts = stage_starts(&report.runs[0]);
        let starts: Vec<_> = starts.iter().map(|s| (&*s.name, s.step)).collect();
        assert_eq!(starts, [("xe", 0), ("scst", 2)]);
    }
}
