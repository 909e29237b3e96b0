//! The numbers of a report on a corpus, by name.

use crate::{CorpusScores, TextMetric};

/// A number of a report on a corpus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReportMetric {
    /// CIDEr-D x10.
    CiderD,
    /// BLEU of this order, 1 to 4.
    Bleu(usize),
    /// ROUGE-L.
    RougeL,
    /// A metric of raw text.
    Text(TextMetric),
}

impl ReportMetric {
    /// The name in files and logs.
    pub fn name(self) -> String {
        match self {
            Self::CiderD => "cider_d".to_owned(),
            Self::Bleu(order) => format!("bleu_{order}"),
            Self::RougeL => "rouge_l".to_owned(),
            Self::Text(metric) => metric.name().to_owned(),
        }
    }

    /// The name in tables.
    pub fn label(self) -> String {
        match self {
            Self::CiderD => "CIDEr-D".to_owned(),
            Self::Bleu(order) => format!("BLEU-{order}"),
            Self::RougeL => "ROUGE-L".to_owned(),
            Self::Text(metric) => metric.label().to_owned(),
        }
    }

    /// Whether a smaller value is a better one.
    pub fn smaller_is_better(self) -> bool {
        matches!(self, Self::Text(metric) if metric.smaller_is_better())
    }

    /// All that scores hold, in the order of reports.
    pub fn values(scores: &CorpusScores) -> Vec<(Self, f64)> {
        let mut values = vec![(Self::CiderD, scores.cider_d)];
        let bleu = (1..).zip(scores.bleu);
        values.extend(bleu.map(|(order, score)| (Self::Bleu(order), score)));
        values.push((Self::RougeL, scores.rouge_l));
        let of_text = scores.text.iter();
        values.extend(of_text.map(|(metric, score)| (Self::Text(metric), score)));
        values
    }
}
