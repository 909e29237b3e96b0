//! The report for terminals: the same in lines.

use crate::{
    error::ReportError,
    numbers::{difference, interval, percent, score, time},
    page::{check, claims},
    report::{Metric, Output, RecordKind, Report, Run},
    words::Words,
};

/// Captions that are shown of those that improved most, and of those that were harmed most.
const SHOWN: usize = 3;
/// Characters of a curve.
const COLUMNS: usize = 60;
/// The heights of a curve.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The report in lines.
///
/// # Errors
/// [`ReportError`] when outputs have not one caption a source.
pub fn text(report: &Report) -> Result<String, ReportError> {
    check(report)?;
    let mut lines = vec![
        plain(&report.title),
        format!(
            "{} {} {}",
            report.sources.len(),
            report.split,
            report.names.sources
        ),
    ];
    lines.extend(claims(report).iter().map(|claim| plain(claim)));
    for run in &report.runs {
        lines.push(String::new());
        of_run(report, run, &mut lines);
    }
    lines.push(String::new());
    of_words(report, &mut lines);
    lines.push(String::new());
    Ok(lines.join("\n"))
}

/// Text without characters that would steer a terminal.
fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn of_run(report: &Report, run: &Run, lines: &mut Vec<String>) {
    lines.push(format!("{}, {}", plain(&run.name), plain(&run.decoder)));
    lines.extend(
        run.warnings
            .iter()
            .map(|warning| format!("warning: {}", plain(warning))),
    );
    for stage in &run.stages {
        let best = stage
            .best
            .map(|(step, value)| format!(", best {} at step {step}", score(value)));
        lines.push(format!(
            "stage {} ({}): {} steps, {}{}",
            plain(&stage.name),
            stage.kind,
            stage.steps,
            time(stage.seconds),
            best.unwrap_or_default()
        ));
    }
    if let Some(metric) = report.metrics.get(report.main_metric) {
        let curve = curve(run, metric);
        if !curve.is_empty() {
            lines.push(format!("{} {curve}", metric.label));
        }
    }
    let mut table = vec![vec![String::new()]];
    for output in &run.outputs {
        table[0].push(plain(&output.label));
    }
    if !run.change.is_empty() {
        table[0].push("change".to_owned());
    }
    if !run.against_first.is_empty() {
        table[0].push(format!("against {}", plain(&report.runs[0].name)));
    }
    for (k, metric) in report.metrics.iter().enumerate() {
        let mut row = vec![metric.label.clone()];
        for output in &run.outputs {
            let estimate = output.estimates.get(k);
            let shown = estimate.map(|e| format!("{} ({})", score(e.value), interval(e.interval)));
            row.push(shown.unwrap_or_default());
        }
        row.extend(run.change.get(k).map(difference));
        row.extend(run.against_first.get(k).map(difference));
        table.push(row);
    }
    lines.extend(aligned(&table));
    if let [before, after] = &*run.outputs {
        examples(report, before, after, lines);
    }
    for (of, signature) in &run.signatures {
        lines.push(format!("{of}: {}", plain(signature)));
    }
}

/// Rows whose columns begin in the same place.
fn aligned(table: &[Vec<String>]) -> Vec<String> {
    let columns = table.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = table.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let padded: Vec<String> = cells
            .map(|(cell, &width)| format!("{cell:<width$}"))
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    table.iter().map(line).collect()
}

/// The main metric over the validations of the first seed, from its smallest to its largest value.
fn curve(run: &Run, metric: &Metric) -> String {
    let records = run.seeds.first().into_iter().flatten();
    let values: Vec<f64> = records
        .filter(|record| record.kind == RecordKind::Validation)
        .filter_map(|record| record.value(&metric.name))
        .collect();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if values.len() < 2 {
        return String::new();
    }
    let size = values.len().div_ceil(COLUMNS);
    let bar = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let height = (mean - low) / (high - low).max(f64::MIN_POSITIVE);
        BARS[((height * BARS.len() as f64) as usize).min(BARS.len() - 1)]
    };
    let bars: String = values.chunks(size).map(bar).collect();
    format!("{} {bars} {}", score(low), score(high))
}

/// The captions that improved most, and those that were harmed most, with a reference.
fn examples(report: &Report, before: &Output, after: &Output, lines: &mut Vec<String>) {
    let Some(metric) = report.metrics.get(report.main_metric) else {
        return;
    };
    let sign = if metric.smaller_is_better { -1.0 } else { 1.0 };
    let of = |output: &Output, k: usize| {
        let scores = &output.captions[k].scores;
        scores.get(report.main_metric).copied().unwrap_or(0.0)
    };
    let gain = |k: usize| sign * (of(after, k) - of(before, k));
    let mut order: Vec<usize> = (0..report.sources.len()).collect();
    order.sort_by(|&a, &b| gain(b).total_cmp(&gain(a)));
    let improved = order.iter().copied().filter(|&k| gain(k) > 0.0).take(SHOWN);
    let harmed = order.iter().rev().copied();
    let harmed = harmed.filter(|&k| gain(k) < 0.0).take(SHOWN);
    let all = improved
        .map(|k| ("improved", k))
        .chain(harmed.map(|k| ("harmed", k)));
    for (what, k) in all {
        let source = &report.sources[k];
        lines.push(format!(
            "{what}: {}, {} {} to {}",
            plain(&source.name),
            metric.label,
            score(of(before, k)),
            score(of(after, k))
        ));
        lines.push(format!("  before     {}", plain(&before.captions[k].text)));
        lines.push(format!("  after      {}", plain(&after.captions[k].text)));
        if let Some(reference) = source.references.first() {
            lines.push(format!("  reference  {}", plain(reference)));
        }
    }
}

fn of_words(report: &Report, lines: &mut Vec<String>) {
    let mut head = vec![
        "",
        "different",
        "words",
        "distinct-1",
        "distinct-2",
        "length",
        "cut off",
    ];
    let shows_endings = !report.bad_endings.is_empty();
    if shows_endings {
        head.push("bad endings");
    }
    let mut table = vec![head.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    for of in Words::of_report(report) {
        let mut row = vec![
            plain(&of.name),
            format!("{} of {}", of.distinct_captions, of.captions),
            of.vocabulary.to_string(),
            score(of.distinct[0]),
            score(of.distinct[1]),
            format!("{:.2}", of.mean_length),
            percent(of.cut_off_share),
        ];
        if shows_endings {
            row.push(percent(of.bad_ending_share));
        }
        table.push(row);
    }
    lines.extend(aligned(&table));
}
