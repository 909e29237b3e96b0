//! The model card of a run: what it is, how good, how it was trained, for whoever finds its weights.
//!
//! The YAML header is what the Hugging Face Hub reads: <https://huggingface.co/docs/hub/model-cards>. Its strings are
//! quoted as JSON quotes them, which YAML reads too.

use std::fmt::Write as _;

use askama::Template;

use crate::{
    error::ReportError,
    numbers::{interval, percent, score, time},
    page::check,
    report::Report,
    words::Words,
};

/// What a card says beside a report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CardDetails {
    /// What the model is called.
    pub name: String,
    /// The licence of the weights, as the Hub names it.
    pub license: Option<String>,
    /// The languages of captions, as the Hub names them.
    pub languages: Vec<String>,
    /// The task, as the Hub names it, and for people.
    pub task: [String; 2],
    /// The data that was evaluated on: a name of the Hub, or where it is.
    pub dataset: String,
    /// The captioner and its sizes.
    pub captioner: String,
    /// What else the model is tagged with.
    pub tags: Vec<String>,
}

#[derive(Template)]
#[template(path = "card.md", escape = "none")]
struct Card<'a> {
    header: String,
    task: &'a str,
    captioner: String,
    report: &'a Report,
    name: String,
    dataset: String,
    level: String,
    decoder: String,
    scores: Vec<[String; 3]>,
    words: Vec<[String; 2]>,
    bad_endings: String,
    stages: Vec<[String; 4]>,
    signatures: Vec<[String; 2]>,
    warnings: Vec<String>,
    configuration: String,
}

/// The model card of the last output of the first run of a report.
///
/// # Errors
/// [`ReportError`] when there is no output, or it has not one caption a source.
pub fn card(report: &Report, details: &CardDetails) -> Result<String, ReportError> {
    check(report)?;
    let run = report.runs.first();
    let Some((run, output)) = run.and_then(|run| Some((run, run.outputs.last()?))) else {
        return Err(ReportError::Captions {
            run: details.name.clone(),
            found: 0,
            expected: report.sources.len(),
            sources: report.names.sources.clone(),
        });
    };
    let texts = output.captions.iter().map(|caption| &*caption.text);
    let cut_off = output.captions.iter().filter(|caption| caption.is_cut_off);
    let words = Words::of(String::new(), texts, cut_off.count(), &report.bad_endings);
    let metrics = report.metrics.iter().zip(&output.estimates);
    let stages = run.stages.iter().map(|stage| {
        let best = stage.best.map(|(_, value)| score(value));
        let best = best.unwrap_or_else(|| "\u{2013}".to_owned());
        let name = format!("{} ({})", plain(&stage.name), stage.kind);
        [name, stage.steps.to_string(), time(stage.seconds), best]
    });
    let mut counted = vec![
        [
            format!("different {}", report.names.targets),
            format!("{} of {}", words.distinct_captions, words.captions),
        ],
        [
            "mean length in words".to_owned(),
            format!("{:.2}", words.mean_length),
        ],
        [
            "cut off at the maximum length".to_owned(),
            percent(words.cut_off_share),
        ],
    ];
    if !report.bad_endings.is_empty() {
        counted.push(["bad endings".to_owned(), percent(words.bad_ending_share)]);
    }
    let card = Card {
        header: header(report, details, output.estimates.iter().map(|e| e.value)),
        task: &details.task[1],
        captioner: plain(&details.captioner),
        report,
        name: plain(&details.name),
        dataset: plain(&details.dataset),
        level: format!("{:.0} %", 100.0 * report.level),
        decoder: plain(&run.decoder),
        scores: metrics
            .map(|(metric, found)| {
                [
                    metric.label.clone(),
                    score(found.value),
                    interval(found.interval),
                ]
            })
            .collect(),
        words: counted,
        bad_endings: report.bad_endings.join(", "),
        stages: stages.collect(),
        signatures: run
            .signatures
            .iter()
            .map(|(of, text)| [plain(of), code(text)])
            .collect(),
        warnings: run.warnings.iter().map(|warning| plain(warning)).collect(),
        configuration: fenced(&run.configuration),
    };
    Ok(card.render()?)
}

/// Text that is one line and no markup in Markdown.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for character in text.chars() {
        match character {
            '<' => plain += "&lt;",
            '>' => plain += "&gt;",
            '&' => plain += "&amp;",
            '|' | '`' | '*' | '[' | ']' | '\\' => {
                let _ = write!(plain, "&#{};", u32::from(character));
            }
            _ if character.is_control() => plain.push(' '),
            _ => plain.push(character),
        }
    }
    plain
}

/// A span of code in Markdown, which has no character that would end it.
fn code(text: &str) -> String {
    let is_plain = |c: char| c != '`' && !c.is_control();
    let text: String = text
        .chars()
        .map(|c| if is_plain(c) { c } else { ' ' })
        .collect();
    format!("`{text}`")
}

/// A block of code, whatever it holds.
fn fenced(text: &str) -> String {
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    format!("{fence}toml\n{}\n{fence}", text.trim_end())
}

/// A string in YAML.
fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(character);
            }
            // What YAML does not take as it stands: all that is not printed, and its marks of order.
            _ if character.is_control()
                || "\u{2028}\u{2029}\u{feff}\u{fffe}\u{ffff}".contains(character) =>
            {
                let _ = write!(quoted, "\\u{:04x}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// The YAML between the dashes.
fn header(report: &Report, details: &CardDetails, values: impl Iterator<Item = f64>) -> String {
    let [task, task_name] = details.task.each_ref().map(|text| quoted(text));
    let dataset = quoted(&details.dataset);
    let names: Vec<String> = report
        .metrics
        .iter()
        .map(|metric| metric.name.clone())
        .collect();
    let mut lines = list("language", &details.languages);
    let license = details.license.as_ref();
    lines.extend(license.map(|license| format!("license: {}", quoted(license))));
    lines.extend([
        "library_name: scst".to_owned(),
        format!("pipeline_tag: {task}"),
    ]);
    lines.extend(list("tags", &details.tags));
    lines.extend(list("metrics", &names));
    lines.extend([
        "model-index:".to_owned(),
        format!("- name: {}", quoted(&details.name)),
        "  results:".to_owned(),
        "  - task:".to_owned(),
        format!("      type: {task}"),
        format!("      name: {task_name}"),
        "    dataset:".to_owned(),
        format!("      type: {dataset}"),
        format!("      name: {dataset}"),
        format!("      split: {}", quoted(&report.split)),
        "    metrics:".to_owned(),
    ]);
    // A score that is no number cannot stand there.
    let finite = report
        .metrics
        .iter()
        .zip(values)
        .filter(|(_, value)| value.is_finite());
    for (metric, value) in finite {
        lines.extend([
            format!("    - type: {}", quoted(&metric.name)),
            format!("      name: {}", quoted(&metric.label)),
            format!("      value: {}", score(value)),
            "      verified: false".to_owned(),
        ]);
    }
    lines.join("\n")
}

/// A list of strings in YAML; nothing of none.
fn list(key: &str, values: &[String]) -> Vec<String> {
    let head = (!values.is_empty()).then(|| format!("{key}:"));
    let items = values.iter().map(|value| format!("- {}", quoted(value)));
    head.into_iter().chain(items).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_yaml_hold_whatever_they_are_given() {
        assert_eq!(quoted("a \"b\" \\ c: #d"), r#""a \"b\" \\ c: #d""#);
        assert_eq!(quoted("a\n\u{85}\u{7f}"), r#""a\u000a\u0085\u007f""#);
    }

    #[test]
    fn markup_and_fences_become_text() {
        assert_eq!(plain("<b>|a`\n"), "&lt;b&gt;&#124;a&#96; ");
        assert_eq!(code("a`b|<i>"), "`a b|<i>`");
        assert!(fenced("a ``` b").starts_with("````toml\n"));
    }
}
