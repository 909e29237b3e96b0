//! Captions beside their references, for people.

use std::{cmp::Ordering, fmt::Write};

use console::{Term, measure_text_width};
use scst_reward::CorpusScores;
use scst_trainer::{
    ScoredCaption,
    config::{Names, ValidationMetric},
};

/// Columns where no terminal tells how many there are.
const COLUMNS: usize = 80;
/// References that are shown of a source.
const REFERENCES: usize = 2;

/// Columns of the terminal that standard output is, or 80.
pub(crate) fn columns(terminal: &Term) -> usize {
    let size = terminal.size_checked();
    size.map_or(COLUMNS, |(_, columns)| usize::from(columns).max(20))
}

/// A source, its caption with its scores, and the first references, in lines of no more than `width` columns.
pub(crate) fn example(caption: &ScoredCaption, names: Names, width: usize) -> Vec<String> {
    let references = caption.references.iter().take(REFERENCES);
    let named = references.map(|reference| ("reference", reference.as_str()));
    let text = match caption.caption.as_str() {
        "" => "(no word)",
        text => text,
    };
    let mut lines = vec![format!("  {}  {}", name(caption), scores(&caption.scores))];
    let source = caption.source.iter().map(|text| ("source", text.as_str()));
    for (what, text) in source.chain([(names.target, text)]).chain(named) {
        lines.extend(hanging(&format!("    {what:<9}  "), text, width));
    }
    lines
}

/// The name of the source, and its id where that is another.
pub(crate) fn name(caption: &ScoredCaption) -> String {
    let id = caption.id.to_text();
    if id == caption.name {
        caption.name.clone()
    } else {
        format!("{} (id {id})", caption.name)
    }
}

/// Scores in a line: what coco-caption prints, and what else was asked for.
pub(crate) fn scores(scores: &CorpusScores) -> String {
    let mut line = format!(
        "CIDEr-D {:.4}, BLEU-4 {:.4}, ROUGE-L {:.4}",
        scores.cider_d, scores.bleu[3], scores.rouge_l
    );
    for (metric, score) in scores.text.iter() {
        let _ = write!(line, ", {} {score:.4}", metric.label());
    }
    line
}

/// Text after `head`, wrapped between words; the lines after the first are indented as far as it is.
pub(crate) fn hanging(head: &str, text: &str, width: usize) -> Vec<String> {
    let indent = " ".repeat(measure_text_width(head));
    wrapped(head, &indent, text, width)
}

/// A line in lines of no more than `width` columns, wrapped between words if it is longer.
pub(crate) fn fitted(line: &str, width: usize) -> Vec<String> {
    if measure_text_width(line) <= width {
        return vec![line.to_owned()];
    }
    let words = line.trim_start();
    let indent = &line[..line.len() - words.len()];
    wrapped(indent, &format!("{indent}  "), words, width)
}

fn wrapped(head: &str, indent: &str, text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = head.to_owned();
    let mut is_empty = true;
    for word in text.split_whitespace() {
        let room = measure_text_width(&line) + usize::from(!is_empty) + measure_text_width(word);
        if room > width && !is_empty {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push(line);
    lines
}

/// The captions from the best to the worst by `metric`, and by CIDEr-D, BLEU-4 and ROUGE-L where it ties or has no
/// values.
pub(crate) fn ranked(captions: &[ScoredCaption], metric: ValidationMetric) -> Vec<&ScoredCaption> {
    let mut captions: Vec<&ScoredCaption> = captions.iter().collect();
    let metrics = metric.in_order();
    captions.sort_by(|one, other| {
        let compare = |metric: &ValidationMetric| metric.compare(&other.scores, &one.scores);
        let orders = metrics.iter().filter_map(compare);
        orders.fold(Ordering::Equal, Ordering::then)
    });
    captions
}

/// So many of `ranked`, from the first to the last in equal strides.
pub(crate) fn spread<'a>(ranked: &[&'a ScoredCaption], number: usize) -> Vec<&'a ScoredCaption> {
    let number = number.min(ranked.len());
    let last = ranked.len().saturating_sub(1);
    let place = |k: usize| (k * last).checked_div(number - 1).unwrap_or(0);
    (0..number).map(|k| ranked[place(k)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use scst_data::ExampleId;

    fn caption(name: &str, cider_d: f64, rouge_l: f64) -> ScoredCaption {
        let scores = CorpusScores {
            cider_d,
            rouge_l,
            ..CorpusScores::default()
        };
        ScoredCaption {
            name: name.to_owned(),
            id: ExampleId::Number(7),
            source: None,
            caption: "a dog that runs across a very wide field of grass".to_owned(),
            references: ["one", "two", "three"].map(str::to_owned).to_vec(),
            scores,
            log_probability: -1.0,
            length: 11,
            is_cut_off: false,
            broken: Vec::new(),
        }
    }

    #[test]
    fn examples_are_spread_from_the_best_to_the_worst() {
        let scores = [(0.1, 0.2), (0.9, 0.0), (0.5, 0.0), (0.1, 0.3), (0.0, 1.0)];
        let captions: Vec<_> = scores
            .iter()
            .enumerate()
            .map(|(k, &(cider_d, rouge_l))| caption(&k.to_string(), cider_d, rouge_l))
            .collect();
        let names = |captions: &[&ScoredCaption]| -> Vec<String> {
            captions
                .iter()
                .map(|caption| caption.name.clone())
                .collect()
        };
        let ranked = ranked(&captions, ValidationMetric::CiderD);
        assert_eq!(names(&ranked), ["1", "2", "3", "0", "4"]);
        let expected: [&[&str]; 6] = [
            &[],
            &["1"],
            &["1", "4"],
            &["1", "3", "4"],
            &["1", "2", "3", "4"],
            &["1", "2", "3", "0", "4"],
        ];
        for (number, expected) in expected.into_iter().enumerate() {
            assert_eq!(names(&spread(&ranked, number)), expected);
        }
        assert_eq!(spread(&ranked, 99).len(), 5);
        assert!(spread(&[], 3).is_empty());
    }

    #[test]
    fn examples_are_wrapped_between_words() {
        let lines = example(&caption("dog.jpg", 1.5, 0.25), Names::IMAGES, 40);
        assert_eq!(
            lines,
            [
                "  dog.jpg (id 7)  CIDEr-D 1.5000, BLEU-4 0.0000, ROUGE-L 0.2500",
                "    caption    a dog that runs across a",
                "               very wide field of grass",
                "    reference  one",
                "    reference  two",
            ]
        );
        let long = hanging("> ", "word far-longer-than-the-width word", 8);
        assert_eq!(long, ["> word", "  far-longer-than-the-width", "  word"]);
        assert_eq!(fitted("  so  it  is", 12), ["  so  it  is"]);
        assert_eq!(fitted("  so  it  is", 8), ["  so it", "    is"]);
    }
}
