//! The data that the script of the page reads: JSON that can stand in HTML.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use crate::{
    curves::{Chart, StageStart, charts, stage_starts},
    error::ReportError,
    report::{Caption, Output, Picture, Report},
    words::{Words, ends_badly},
};

/// Ranks of words that a curve has: more lie on the same line.
const RANKS: usize = 200;
/// Digits of scores.
const DIGITS: f64 = 1e4;

#[derive(Serialize)]
struct Data<'a> {
    charts: Vec<Chart>,
    stages: Vec<Vec<StageStart>>,
    metrics: Vec<OfMetric<'a>>,
    main: usize,
    sources: Vec<OfSource<'a>>,
    pictures: BTreeMap<usize, String>,
    outputs: Vec<OfOutput<'a>>,
    words: Vec<OfWords<'a>>,
    /// Whether a caption that ends badly can be told.
    endings: bool,
}

#[derive(Serialize)]
struct OfMetric<'a> {
    label: &'a str,
    smaller: bool,
}

#[derive(Serialize)]
struct OfSource<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    references: &'a [String],
}

#[derive(Serialize)]
struct OfOutput<'a> {
    run: usize,
    name: String,
    captions: Vec<&'a str>,
    /// By caption and metric.
    scores: Vec<Vec<f64>>,
    /// Which captions were cut off, and which end badly.
    cut: Vec<usize>,
    bad: Vec<usize>,
}

#[derive(Serialize)]
struct OfWords<'a> {
    name: &'a str,
    ranks: Vec<usize>,
    counts: Vec<usize>,
    lengths: &'a [f64],
}

/// All that the script reads, as JSON in which nothing ends a script or begins markup.
pub(crate) fn data(report: &Report, words: &[Words]) -> Result<String, ReportError> {
    let outputs = report
        .outputs()
        .map(|(run, output)| of_output(report, run, output));
    let pictures = report.sources.iter().enumerate();
    let pictures = pictures.filter_map(|(k, source)| Some((k, data_url(source.picture.as_ref()?))));
    let metrics = report.metrics.iter().map(|metric| OfMetric {
        label: &metric.label,
        smaller: metric.smaller_is_better,
    });
    let sources = report.sources.iter().map(|source| OfSource {
        name: &source.name,
        text: source.text.as_deref(),
        references: &source.references,
    });
    let data = Data {
        charts: charts(report),
        stages: report.runs.iter().map(stage_starts).collect(),
        metrics: metrics.collect(),
        main: report.main_metric,
        sources: sources.collect(),
        pictures: pictures.collect(),
        outputs: outputs.collect(),
        words: words.iter().map(of_words).collect(),
        endings: !report.bad_endings.is_empty(),
    };
    let json = serde_json::to_string(&data).map_err(ReportError::Data)?;
    Ok(in_html(&json))
}

/// JSON whose strings hold no character that means something to HTML: outside of strings there is none.
fn in_html(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

/// A picture as an address that holds it.
pub(crate) fn data_url(picture: &Picture) -> String {
    format!(
        "data:{};base64,{}",
        picture.media_type,
        STANDARD.encode(&picture.bytes)
    )
}

fn of_output<'a>(report: &Report, run: usize, output: &'a Output) -> OfOutput<'a> {
    let which = |is_one: &dyn Fn(&Caption) -> bool| {
        let all = output.captions.iter().enumerate();
        all.filter(|(_, caption)| is_one(caption))
            .map(|(k, _)| k)
            .collect()
    };
    let rounded = |caption: &Caption| {
        let scores = caption.scores.iter();
        scores
            .map(|score| (score * DIGITS).round() / DIGITS)
            .collect()
    };
    OfOutput {
        run,
        name: report.output_name(run, output),
        captions: output
            .captions
            .iter()
            .map(|caption| &*caption.text)
            .collect(),
        scores: output.captions.iter().map(rounded).collect(),
        cut: which(&|caption| caption.is_cut_off),
        bad: which(&|caption| ends_badly(&caption.text, &report.bad_endings)),
    }
}

/// Counts by rank: the first ranks all, later ones in equal steps of a logarithmic scale.
fn of_words(words: &Words) -> OfWords<'_> {
    let mut ranks: Vec<usize> = Vec::new();
    let last = words.ranked.len();
    let step = (last.max(2) as f64).powf(1.0 / RANKS as f64);
    let mut next = 1.0;
    while next < last as f64 + 0.5 {
        let rank = next as usize;
        if ranks.last() != Some(&rank) {
            ranks.push(rank);
        }
        next = (next * step).max(next + 1.0);
    }
    if last > 0 && ranks.last() != Some(&last) {
        ranks.push(last);
    }
    OfWords {
        name: &words.name,
        counts: ranks.iter().map(|rank| words.ranked[rank - 1].1).collect(),
        ranks,
        lengths: &words.lengths,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_json_can_end_a_script() {
        let json = serde_json::to_string("</script><!--&\"'\\").unwrap();
        let safe = in_html(&json);
        assert!(!safe.contains(['<', '>', '&']), "{safe}");
        let back: String = serde_json::from_str(&safe).unwrap();
        assert_eq!(back, "</script><!--&\"'\\");
    }

    #[test]
    fn ranks_are_few_ordered_and_end_with_the_last() {
        for words in [0, 1, 2, 5, 5000] {
            let ranked = (0..words).map(|k| (k.to_string(), words - k)).collect();
            let words_of = Words {
                ranked,
                ..Words::default()
            };
            let found = of_words(&words_of);
            assert!(found.ranks.len() <= RANKS + 1);
            assert!(found.ranks.windows(2).all(|pair| pair[0] < pair[1]));
            assert_eq!(found.ranks.last().copied(), (words > 0).then_some(words));
        }
    }
}
