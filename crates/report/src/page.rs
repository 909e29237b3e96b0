//! The page: one HTML file that holds all it needs.

use askama::Template;

use crate::{
    data::{data, data_url},
    error::ReportError,
    numbers::{chance, claim, interval, percent, score, signed_interval, time},
    report::{Change, Metric, Report, Run, Sampled},
    words::{Words, shifts},
};

/// How strong the colour of the largest advantage is, in percent.
const STRONGEST: f64 = 60.0;
/// What stands for a number that is not there.
const NONE: &str = "\u{2013}";

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
    main_label: &'a str,
    has_seeds: bool,
    /// The runs above the table of scores, and how many columns each has.
    heads: Vec<(&'a str, usize)>,
    rows: Vec<Row>,
    stages: Vec<Vec<String>>,
    words: Vec<Words>,
    counts: Vec<(&'static str, Vec<String>)>,
    shifted: Vec<List>,
    samples: Vec<OfSource>,
    attention: Vec<Looks>,
}

/// A picture of where a captioner looked.
struct Looks {
    title: String,
    caption: String,
    url: String,
}

/// A row of the table of scores.
struct Row {
    label: String,
    is_main: bool,
    cells: Vec<Cell>,
}

/// Words that became more frequent, or rarer.
struct List {
    title: String,
    words: Vec<(String, String)>,
}

/// Sampled captions of a source.
struct OfSource {
    title: String,
    captions: Vec<SampledCaption>,
}

struct SampledCaption {
    reward: String,
    words: Vec<SampledWord>,
}

struct SampledWord {
    word: String,
    advantage: String,
    style: String,
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
    let main = report.metrics.get(report.main_metric);
    let heads = report.runs.iter().enumerate();
    let heads = heads.map(|(place, run)| (&*run.name, columns(place, run)));
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
        main_label: main.map_or("", |metric| &*metric.label),
        has_seeds: report.runs.iter().any(|run| run.seeds.len() > 1),
        heads: heads.collect(),
        rows: rows(report),
        stages: stages(report),
        counts: counts(report, &words),
        shifted: shifted(report, &words),
        samples: samples(report),
        attention: attention(report),
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
            let sentence = claim(change, metric, &after.label, &before.label);
            claims.push(titled(report, run, &sentence));
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

/// Columns of a run in the table of scores.
fn columns(place: usize, run: &Run) -> usize {
    let against_first = place > 0 && !run.against_first.is_empty();
    run.outputs.len() + usize::from(!run.change.is_empty()) + usize::from(against_first)
}

/// What is of a run, by its name where there are several.
fn titled(report: &Report, run: &Run, text: &str) -> String {
    if report.runs.len() == 1 {
        text.to_owned()
    } else {
        format!("{}: {text}", run.name)
    }
}

/// The table of stages, with values of the main metric.
fn stages(report: &Report) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for run in &report.runs {
        for stage in &run.stages {
            let value = |value: Option<f64>| value.map_or_else(|| NONE.to_owned(), score);
            let best = stage.best;
            let best = best.map(|(step, value)| format!("{} (step {step})", score(value)));
            rows.push(vec![
                titled(report, run, &stage.name),
                stage.kind.clone(),
                stage.steps.to_string(),
                time(stage.seconds),
                value(stage.start),
                best.unwrap_or_else(|| NONE.to_owned()),
                value(stage.last),
            ]);
        }
    }
    rows
}

/// The table of what captions are like.
fn counts(report: &Report, words: &[Words]) -> Vec<(&'static str, Vec<String>)> {
    let row = |of: &dyn Fn(&Words) -> String| words.iter().map(of).collect::<Vec<_>>();
    let mut rows = vec![
        ("number", row(&|of| of.captions.to_string())),
        (
            "different ones",
            row(&|of| of.distinct_captions.to_string()),
        ),
        ("different words", row(&|of| of.vocabulary.to_string())),
        ("distinct-1", row(&|of| score(of.distinct[0]))),
        ("distinct-2", row(&|of| score(of.distinct[1]))),
        ("mean length", row(&|of| format!("{:.2}", of.mean_length))),
        ("cut off", row(&|of| percent(of.cut_off_share))),
    ];
    if !report.bad_endings.is_empty() {
        rows.push(("bad endings", row(&|of| percent(of.bad_ending_share))));
    }
    rows
}

/// The words that became more frequent and rarer in every run that has captions before and after.
fn shifted(report: &Report, words: &[Words]) -> Vec<List> {
    let mut place = 0;
    let mut lists = Vec::new();
    for run in &report.runs {
        if let [_, _] = &*run.outputs {
            let [risen, fallen] = shifts(&words[place], &words[place + 1]);
            for (title, shifts) in [
                ("words that became more frequent", risen),
                ("words that became rarer", fallen),
            ] {
                let shares = |[from, to]: [f64; 2]| format!("{} to {}", percent(from), percent(to));
                let words = shifts.into_iter();
                lists.push(List {
                    title: titled(report, run, title),
                    words: words
                        .map(|shift| (shift.word, shares(shift.shares)))
                        .collect(),
                });
            }
        }
        place += run.outputs.len();
    }
    lists
}

/// Where the captioner of the first run looked.
fn attention(report: &Report) -> Vec<Looks> {
    let last = report.runs.first().and_then(|run| run.outputs.last());
    let caption = |place: usize| last.and_then(|output| output.captions.get(place));
    let sources = report.sources.iter().enumerate();
    let looks = sources.filter_map(|(place, source)| {
        Some(Looks {
            title: source.name.clone(),
            caption: caption(place).map_or(String::new(), |caption| caption.text.clone()),
            url: data_url(source.attention.as_ref()?),
        })
    });
    looks.collect()
}

/// Sampled captions, their words as strongly coloured as their advantage is large relative to the largest of the source.
fn samples(report: &Report) -> Vec<OfSource> {
    let mut all = Vec::new();
    for run in &report.runs {
        for samples in &run.samples {
            let words = samples.captions.iter().flat_map(|caption| &caption.words);
            let largest = words
                .map(|(_, a)| a.abs())
                .fold(f64::MIN_POSITIVE, f64::max);
            let word = |(word, advantage): &(String, f64)| {
                let colour = if *advantage < 0.0 { "worse" } else { "better" };
                let strength = STRONGEST * (advantage.abs() / largest);
                SampledWord {
                    word: word.clone(),
                    advantage: format!("{advantage:+.4}"),
                    style: format!(
                        "background:color-mix(in srgb,var(--{colour}) {strength:.0}%,transparent)"
                    ),
                }
            };
            let caption = |caption: &Sampled| SampledCaption {
                reward: score(caption.reward),
                words: caption.words.iter().map(word).collect(),
            };
            all.push(OfSource {
                title: titled(report, run, &samples.source),
                captions: samples.captions.iter().map(caption).collect(),
            });
        }
    }
    all
}
