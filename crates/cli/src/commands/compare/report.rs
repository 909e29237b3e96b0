//! What `scst compare` prints: a table and what may be claimed, or an object for programs.

use scst_reward::ReportMetric;
use scst_significance::{Difference, LEVEL, Resampling};
use serde_json::{Map, Value, json};

use crate::{
    commands::captions::Side,
    output::{print_line, program},
};

/// A side compared with the first.
pub(super) struct Compared {
    /// Which side.
    pub(super) b: usize,
    /// Of every metric.
    pub(super) differences: Vec<Difference>,
}

/// What is printed.
pub(super) struct Report<'a> {
    /// The split that runs were evaluated on.
    pub(super) split: Option<&'static str>,
    pub(super) sides: &'a [Side],
    pub(super) metrics: Vec<ReportMetric>,
    /// By side, run and metric.
    pub(super) scores: Vec<Vec<Vec<f64>>>,
    pub(super) compared: Vec<Compared>,
    pub(super) resampling: Resampling,
    pub(super) signature: String,
}

/// What may be said of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    B,
    A,
    Neither,
}

impl Verdict {
    const ALL: [Self; 3] = [Self::B, Self::A, Self::Neither];

    fn of(metric: ReportMetric, difference: &Difference) -> Self {
        if !difference.is_told_apart() {
            Self::Neither
        } else if (difference.difference > 0.0) == metric.smaller_is_better() {
            Self::A
        } else {
            Self::B
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::B => "b_is_better",
            Self::A => "a_is_better",
            Self::Neither => "not_told_apart",
        }
    }
}

/// The name of a side in tables: A, B, ... and numbers after Z.
fn letter(side: usize) -> String {
    let letters = 'A'..='Z';
    let mut letters = letters.map(String::from);
    letters.nth(side).unwrap_or_else(|| (side + 1).to_string())
}

impl Report<'_> {
    pub(super) fn print(&self, as_json: bool) {
        if as_json {
            print_line!("{}", self.to_json());
            return;
        }
        let first = &self.sides[0].runs[0];
        let split = self
            .split
            .map_or(String::new(), |split| format!("{split} "));
        print_line!(
            "{} {split}{}, {} resamples, seed {}",
            first.sources.len(),
            first.kind,
            self.resampling.resamples,
            self.resampling.seed
        );
        for (k, side) in self.sides.iter().enumerate() {
            let seeds = match side.runs.len() {
                1 => String::new(),
                runs => format!(", the mean of {runs} runs"),
            };
            let decoder = side.runs[0].decoder.as_ref();
            let decoder = decoder.map_or(String::new(), |decoder| format!(", {decoder}"));
            print_line!("{}: {}{seeds}{decoder}", letter(k), side.name);
        }
        for compared in &self.compared {
            print_line!("");
            self.print_table(compared);
            self.print_claims(compared);
        }
        print_line!("");
        print_line!("{}", self.signature);
    }

    fn print_table(&self, compared: &Compared) {
        let (a, b) = (letter(0), letter(compared.b));
        let labels = self.metrics.iter().map(|metric| metric.label().len());
        let width = labels.max().unwrap_or(0);
        let level = format!("{:.0} % interval", 100.0 * LEVEL);
        print_line!(
            "{:<width$}  {a:>7}  {b:>7}  {:>7}  {level:^18}  {:>7}",
            "",
            format!("{b} - {a}"),
            "p"
        );
        for (metric, found) in self.metrics.iter().zip(&compared.differences) {
            let label = metric.label();
            let interval = interval(found);
            let (a, b, difference) = (found.a, found.b, found.difference);
            print_line!(
                "{label:<width$}  {a:7.4}  {b:7.4}  {difference:+7.4}  {interval:>18}  {:>7}",
                chance(found.p)
            );
        }
    }

    fn print_claims(&self, compared: &Compared) {
        let (a, b) = (letter(0), letter(compared.b));
        let found = || self.metrics.iter().zip(&compared.differences);
        for verdict in Verdict::ALL {
            let own = found().filter(|(metric, found)| Verdict::of(**metric, found) == verdict);
            let own: Vec<String> = own
                .map(|(metric, found)| {
                    let label = metric.label();
                    format!("{label} {:+.4} ({})", found.difference, interval(found))
                })
                .collect();
            let claim = match verdict {
                Verdict::B => format!("{b} is better"),
                Verdict::A => format!("{a} is better"),
                Verdict::Neither => format!("{a} and {b} cannot be told apart"),
            };
            if !own.is_empty() {
                print_line!("{claim}: {}", own.join(", "));
            }
        }
        let runs = [0, compared.b].map(|side| self.sides[side].runs.len());
        let smallest = compared.differences.first().map_or(0.0, |d| d.smallest_p);
        if runs == [1, 1] {
            print_line!(
                "this is said of these captions; runs of other seeds may differ otherwise (`{} train --seeds`)",
                program()
            );
        } else if smallest > 1.0 - LEVEL {
            print_line!(
                "with {} and {} runs p cannot be below {}, so the intervals alone decide",
                runs[0],
                runs[1],
                chance(smallest)
            );
        }
        if let Some(single) = [&a, &b].iter().zip(runs).find(|(_, runs)| *runs == 1)
            && runs != [1, 1]
        {
            print_line!(
                "{} is one run: how much runs of its other seeds differ is not counted",
                single.0
            );
        }
    }

    fn to_json(&self) -> Value {
        let by_name = |value: &dyn Fn(usize) -> Value| {
            let metrics = self.metrics.iter().enumerate();
            let metrics = metrics.map(|(k, metric)| (metric.name(), value(k)));
            Value::Object(metrics.collect::<Map<_, _>>())
        };
        let side = |(k, side): (usize, &Side)| {
            let runs = side.runs.iter().zip(&self.scores[k]);
            let runs = runs.map(|(run, scores)| {
                json!({
                    "run": run.path,
                    "decoder": run.decoder,
                    "metrics": by_name(&|metric| json!(scores[metric])),
                })
            });
            json!({ "name": letter(k), "runs": runs.collect::<Value>() })
        };
        let comparison = |compared: &Compared| {
            let metrics = by_name(&|metric| {
                let found = &compared.differences[metric];
                json!({
                    "a": found.a,
                    "b": found.b,
                    "difference": found.difference,
                    "interval": found.interval,
                    "p": found.p,
                    "smallest_p": found.smallest_p,
                    "verdict": Verdict::of(self.metrics[metric], found).name(),
                })
            });
            json!({ "a": letter(0), "b": letter(compared.b), "metrics": metrics })
        };
        json!({
            "split": self.split,
            "sources": self.sides[0].runs[0].sources.len(),
            "resamples": self.resampling.resamples,
            "seed": self.resampling.seed,
            "level": LEVEL,
            "sides": self.sides.iter().enumerate().map(side).collect::<Value>(),
            "comparisons": self.compared.iter().map(comparison).collect::<Value>(),
            "signature": self.signature,
        })
    }
}

fn interval(found: &Difference) -> String {
    let [low, high] = found.interval;
    format!("{low:+.4} to {high:+.4}")
}

fn chance(p: f64) -> String {
    if p < 5e-5 {
        "<0.0001".to_owned()
    } else {
        format!("{p:.4}")
    }
}
