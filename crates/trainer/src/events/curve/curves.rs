//! What is drawn: points of values, from the records of a run.

use std::collections::BTreeSet;

use super::super::record::{Record, RecordKind};

/// A line of more points shows the means of as many equal groups.
pub(super) const MAX_POINTS: usize = 160;
/// Greater numbers, of a diverged run, are left out like those that are not finite.
const LARGEST: f64 = 1e12;

/// What the picture is called and which value of the validation records it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurveSpec {
    /// Heading of the picture.
    pub title: String,
    /// Name of the validation value, the best of which is marked.
    pub metric: String,
    /// How readers call it.
    pub metric_label: String,
    /// Whether the smallest value is the best, of error rates; else the greatest.
    pub smaller_is_better: bool,
}

impl Default for CurveSpec {
    fn default() -> Self {
        Self {
            title: "Learning curve".to_owned(),
            metric: "cider_d".to_owned(),
            metric_label: "CIDEr-D".to_owned(),
            smaller_is_better: false,
        }
    }
}

/// A step and a number.
pub(super) type Point = (f64, f64);

/// The points of one value, joined within each stage.
pub(super) type Lines = Vec<Vec<Point>>;

/// Everything that is drawn.
pub(super) struct Curves<'a> {
    /// The validation metric, joined over all stages.
    pub(super) metric: Vec<Point>,
    /// The first greatest of them.
    pub(super) best: Option<Point>,
    /// Training loss of the stages without rewards.
    pub(super) loss: Lines,
    pub(super) reward: Lines,
    pub(super) baseline: Lines,
    /// Names of the stages and the steps after which they start.
    pub(super) stages: Vec<(&'a str, f64)>,
    pub(super) last_step: f64,
}

impl<'a> Curves<'a> {
    /// What of the records of a run is drawn.
    pub(super) fn collect(spec: &CurveSpec, records: &'a [Record]) -> Self {
        let is_train = |record: &&Record| record.kind == RecordKind::Train;
        let self_critical: BTreeSet<&str> = records
            .iter()
            .filter(is_train)
            .filter(|record| record.value("reward").is_some())
            .map(|record| record.stage.as_str())
            .collect();
        let training = |name, wants_self_critical: bool| -> Lines {
            let is_wanted = |stage: &&[Record]| {
                let is_self_critical = self_critical.contains(stage[0].stage.as_str());
                is_self_critical == wants_self_critical
            };
            records
                .chunk_by(|one, next| one.stage == next.stage)
                .filter(is_wanted)
                .filter(|stage| name != "baseline" || !is_trivial(stage))
                .map(|stage| thinned(&points(stage.iter().filter(is_train), name)))
                .filter(|line| !line.is_empty())
                .collect()
        };
        let validation = records
            .iter()
            .filter(|record| record.kind != RecordKind::Train);
        let metric = points(validation, &spec.metric);
        let is_better = |a: f64, b: f64| if spec.smaller_is_better { a < b } else { a > b };
        let better = |best: Point, next: Point| {
            if is_better(next.1, best.1) {
                next
            } else {
                best
            }
        };
        Self {
            best: metric.iter().copied().reduce(better),
            metric,
            loss: training("loss", false),
            reward: training("reward", true),
            baseline: training("baseline", true),
            stages: stages(records),
            last_step: records.iter().map(|record| record.step).max().unwrap_or(0) as f64,
        }
    }
}

/// Whether the baseline of a stage is its reward.
fn is_trivial(stage: &[Record]) -> bool {
    let mut records = stage
        .iter()
        .filter(|record| record.kind == RecordKind::Train);
    records.all(Record::baseline_is_reward)
}

fn points<'a>(records: impl Iterator<Item = &'a Record>, name: &str) -> Vec<Point> {
    records
        .filter_map(|record| Some((record.step as f64, record.value(name)?)))
        .filter(|(_, value)| value.abs() <= LARGEST)
        .collect()
}

pub(super) fn thinned(points: &[Point]) -> Vec<Point> {
    let group = points.len().div_ceil(MAX_POINTS).max(1);
    let mean = |group: &[Point]| {
        let (x, y) = group
            .iter()
            .fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (x / group.len() as f64, y / group.len() as f64)
    };
    points.chunks(group).map(mean).collect()
}

fn stages(records: &[Record]) -> Vec<(&str, f64)> {
    let mut stages: Vec<(&str, f64)> = Vec::new();
    let mut end = 0;
    for record in records {
        if stages.last().is_none_or(|(name, _)| *name != record.stage) {
            stages.push((&record.stage, end as f64));
        }
        end = record.step;
    }
    stages
}
