//! The page: one HTML file that holds all it needs.

use askama::Template;

use crate::{
    data::{data, data_url},
    error::ReportError,
    numbers::{chance, claim, interval, percent, score, signed_interval, time},
    report::{Change, Metric, Picture, Report, Run, Sampled},
    words::{Shift, Words, shifts},
};

/// How strong the colour of the largest advantage is, in percent.
const STRONGEST: f64 = 60.0;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    style: &'static str,
    plot_style: &'static str,
    plot: &'static str,
    plot_licence: &'static str,
    script: &'static str,
    data: String,
    level: String,
    claims: Vec<String>,
    rows: Vec<Row>,
    words: Vec<Words>,
    shifted: Vec<(&'a str, [Vec<Shift>; 2])>,
}

/// A row of the table of scores.
struct Row {
    label: String,
    is_main: bool,
    cells: Vec<Cell>,
}

struct Cell {
    value: String,
    /// Below it, a line each.
    notes: [String; 2],
    class: &'static str,
}

/// The report as one HTML file.
///
/// # Errors
/// [`ReportError`] when outputs have not one caption a source.
pub fn page(report: &Report) -> Result<String, ReportError> {
    check(report)?;
    let words = Words::of_report(report);
    let page = Page {
        report,
        style: include_str!("../templates/report.css"),
        plot_style: include_str!("../vendor/uplot/uPlot.min.css"),
        plot: include_str!("../vendor/uplot/uPlot.iife.min.js"),
        plot_licence: include_str!("../vendor/uplot/LICENSE"),
        script: include_str!("../templates/report.js"),
        data: data(report, &words)?,
        level: format!("{:.0} %", 100.0 * report.level),
        claims: claims(report),
        rows: rows(report),
        shifted: shifted(report, &words),
        words,
    };
    Ok(page.render()?)
}

/// Refuses outputs that are of other sources.
pub(crate) fn check(report: &Report) -> Result<(), ReportError> {
    let expected = report.sources.len();
    for (run, output) in report.outputs() {
        let found = output.captions.len();
        if found != expected {
            return Err(ReportError::Captions {
                run: report.runs[run].name.clone(),
                found,
                expected,
                sources: report.names.sources.clone(),
            });
        }
    }
    Ok(())
}

/// What may be claimed of the main metric, in sentences.
pub(crate) fn claims(report: &Report) -> Vec<String> {
    let Some(metric) = report.metrics.get(report.main_metric) else {
        return Vec::new();
    };
    let mut claims = Vec::new();
    for run in &report.runs {
        if let (Some(change), [before, after]) = (run.change.get(report.main_metric), &*run.outputs)
        {
            let mut sentence = claim(change, metric, &after.label, &before.label);
            if report.runs.len() > 1 {
                sentence = format!("{}: {sentence}", run.name);
            }
            claims.push(sentence);
        }
    }
    for run in report.runs.iter().skip(1) {
        if let Some(change) = run.against_first.get(report.main_metric) {
            claims.push(claim(change, metric, &run.name, &report.runs[0].name));
        }
    }
    claims
}

fn rows(report: &Report) -> Vec<Row> {
    let row = |(k, metric): (usize, &Metric)| {
        let mut cells = Vec::new();
        let changed = |change: &Change| Cell {
            value: format!("{:+.4}", change.difference),
            notes: [
                signed_interval(change.interval),
                format!("{}, {}", change.verdict(metric).name(), chance(change.p)),
            ],
            class: change.verdict(metric).class(),
        };
        for (place, run) in report.runs.iter().enumerate() {
            for output in &run.outputs {
                let estimate = output.estimates.get(k);
                cells.push(Cell {
                    value: estimate.map_or(String::new(), |e| score(e.value)),
                    notes: [
                        estimate.map_or(String::new(), |e| interval(e.interval)),
                        String::new(),
                    ],
                    class: "",
                });
            }
            cells.extend(run.change.get(k).map(changed));
            if place > 0 {
                cells.extend(run.against_first.get(k).map(changed));
            }
        }
        Row {
            label: metric.label.clone(),
            is_main: k == report.main_metric,
            cells,
        }
    };
    report.metrics.iter().enumerate().map(row).collect()
}

/// The words that became more and less frequent in every run that has captions before and after.
fn shifted<'a>(report: &'a Report, words: &[Words]) -> Vec<(&'a str, [Vec<Shift>; 2])> {
    let mut place = 0;
    let mut shifted = Vec::new();
    for run in &report.runs {
        if let [_, _] = &*run.outputs {
            shifted.push((&*run.name, shifts(&words[place], &words[place + 1])));
        }
        place += run.outputs.len();
    }
    shifted
}

impl Page<'_> {
    /// Columns of a run in the table of scores.
    fn columns(&self, place: &usize, run: &Run) -> usize {
        let first = usize::from(*place > 0 && !run.against_first.is_empty());
        run.outputs.len() + usize::from(!run.change.is_empty()) + first
    }

    /// How far a run came, in the values of its main metric.
    fn value(&self, value: &Option<f64>) -> String {
        value.map_or_else(|| "\u{2013}".to_owned(), score)
    }

    fn best(&self, best: &Option<(u64, f64)>) -> String {
        let shown = best.map(|(step, value)| format!("{} (step {step})", score(value)));
        shown.unwrap_or_else(|| "\u{2013}".to_owned())
    }

    fn time(&self, seconds: &f64) -> String {
        time(*seconds)
    }

    fn score(&self, value: &f64) -> String {
        score(*value)
    }

    fn percent(&self, share: &f64) -> String {
        percent(*share)
    }

    fn main_label(&self) -> &str {
        let metric = self.report.metrics.get(self.report.main_metric);
        metric.map_or("", |metric| &*metric.label)
    }

    fn has_seeds(&self) -> bool {
        self.report.runs.iter().any(|run| run.seeds.len() > 1)
    }

    fn has_samples(&self) -> bool {
        self.report.runs.iter().any(|run| !run.samples.is_empty())
    }

    fn has_attention(&self) -> bool {
        self.report.runs.iter().any(|run| !run.attention.is_empty())
    }

    fn url(&self, picture: &Picture) -> String {
        data_url(picture)
    }

    /// The background of a word: as strong as its advantage is relative to the largest of the source.
    fn shade(&self, advantage: &f64, of_source: &[Sampled]) -> String {
        let all = of_source.iter().flat_map(|caption| &caption.words);
        let largest = all.map(|(_, a)| a.abs()).fold(0.0, f64::max);
        let strength = STRONGEST * (advantage.abs() / largest.max(f64::MIN_POSITIVE)).min(1.0);
        let colour = if *advantage < 0.0 { "worse" } else { "better" };
        format!("background:color-mix(in srgb,var(--{colour}) {strength:.0}%,transparent)")
    }
}
