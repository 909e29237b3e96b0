//! Any metrics of a corpus, by name.

use pyo3::prelude::*;
use scst_reward::{
    CorpusScores, Evaluation, EvaluationMetric, FrequencySource, Item, MAX_ORDER, RewardError,
    TextEvaluation, TextMetric, evaluate_raw_text, evaluate_text, evaluate_tokens,
};

use crate::error::exception;
use crate::frequency::DocumentFrequency;
use crate::input::{AnyCorpus, Corpus, OfKind, Place, corpus};
use crate::threads;
use crate::tokenizer::Tokenizer;

/// The names of metrics that are no metrics of raw text, for messages.
const CAPTION_METRICS: &str = "cider_d, cider, bleu, bleu_1, bleu_2, bleu_3, bleu_4, rouge_l";

/// A number of a report.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Column {
    CiderD,
    Cider,
    /// From 0.
    Bleu(usize),
    RougeL,
    Text(TextMetric),
}

impl Column {
    /// The numbers that a metric gives.
    ///
    /// # Errors
    /// `ValueError` when there is no metric of this name.
    fn of_metric(name: &str) -> PyResult<Vec<Self>> {
        let text = TextMetric::ALL
            .into_iter()
            .find(|metric| metric.name() == name);
        Ok(match (name, text) {
            (_, Some(metric)) => vec![Self::Text(metric)],
            ("cider_d", _) => vec![Self::CiderD],
            ("cider", _) => vec![Self::Cider],
            ("bleu", _) => (0..MAX_ORDER).map(Self::Bleu).collect(),
            ("bleu_1", _) => vec![Self::Bleu(0)],
            ("bleu_2", _) => vec![Self::Bleu(1)],
            ("bleu_3", _) => vec![Self::Bleu(2)],
            ("bleu_4", _) => vec![Self::Bleu(3)],
            ("rouge_l", _) => vec![Self::RougeL],
            _ => {
                let text: Vec<&str> = TextMetric::ALL.iter().map(|metric| metric.name()).collect();
                let expected = format!("some of {CAPTION_METRICS}, {}", text.join(", "));
                return Err(Place::argument("metrics").wrong_value(&format!("{name:?}"), &expected));
            }
        })
    }

    fn name(self) -> String {
        match self {
            Self::CiderD => "cider_d".to_owned(),
            Self::Cider => "cider".to_owned(),
            Self::Bleu(order) => format!("bleu_{}", order + 1),
            Self::RougeL => "rouge_l".to_owned(),
            Self::Text(metric) => metric.name().to_owned(),
        }
    }

    fn caption_metric(self) -> Option<EvaluationMetric> {
        match self {
            Self::CiderD => Some(EvaluationMetric::CiderD),
            Self::Cider => Some(EvaluationMetric::Cider),
            Self::Bleu(_) => Some(EvaluationMetric::Bleu),
            Self::RougeL => Some(EvaluationMetric::RougeL),
            Self::Text(_) => None,
        }
    }
}

/// What the two ways of evaluating say, where they were asked.
#[derive(Default)]
struct Reports {
    captions: Option<Evaluation>,
    text: Option<TextEvaluation>,
    /// What made the words of captions, where they were text.
    tokenizer: Option<Tokenizer>,
}

impl Reports {
    /// The score of the corpus and of every caption.
    fn column(&self, column: Column) -> Option<(f64, Vec<f64>)> {
        match column {
            Column::CiderD => self.of_captions(|scores| scores.cider_d),
            Column::Bleu(order) => self.of_captions(|scores| scores.bleu[order]),
            Column::RougeL => self.of_captions(|scores| scores.rouge_l),
            Column::Cider => {
                let report = self.captions.as_ref()?;
                Some((report.cider, report.caption_ciders.clone()))
            }
            Column::Text(metric) => {
                let report = self.text.as_ref()?;
                let captions = report.captions.iter().map(|scores| scores.get(metric));
                Some((report.corpus.get(metric)?, captions.collect::<Option<_>>()?))
            }
        }
    }

    fn of_captions(&self, score: impl Fn(&CorpusScores) -> f64) -> Option<(f64, Vec<f64>)> {
        let report = self.captions.as_ref()?;
        let captions = report.captions.iter().map(&score).collect();
        Some((score(&report.scores), captions))
    }

    fn signature(&self, columns: &[Column]) -> String {
        let mut metrics = Vec::new();
        for metric in columns.iter().filter_map(|column| column.caption_metric()) {
            if !metrics.contains(&metric) {
                metrics.push(metric);
            }
        }
        let captions = self.captions.as_ref().map(|report| {
            let signature = report.signature(&metrics);
            match self.tokenizer {
                Some(tokenizer) => format!("{signature}|tokenizer:{}", tokenizer.name()),
                None => signature,
            }
        });
        let text = self.text.as_ref().map(|report| report.signature.clone());
        captions
            .into_iter()
            .chain(text)
            .collect::<Vec<_>>()
            .join("+")
    }
}

/// Name, score of the corpus, score of every caption.
type NamedScores = (String, f64, Vec<f64>);

/// The scores of metrics in the order asked for, and the signature of all.
#[pyfunction]
#[pyo3(signature = (references, candidates, metrics, *, df = None, tokenizer = "ptb"))]
pub(crate) fn evaluate(
    python: Python<'_>,
    references: &Bound<'_, PyAny>,
    candidates: &Bound<'_, PyAny>,
    metrics: Vec<String>,
    df: Option<&DocumentFrequency>,
    tokenizer: &str,
) -> PyResult<(Vec<NamedScores>, String)> {
    let tokenizer = Tokenizer::of_name(tokenizer)?;
    let mut columns = Vec::new();
    for metric in metrics {
        for column in Column::of_metric(&metric)? {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
    }
    if columns.is_empty() {
        return Err(Place::argument("metrics").wrong_value("none", "at least one"));
    }
    let corpus = corpus(references, candidates, ["references", "candidates"])?;
    let of_text = matches!(corpus, OfKind::Text(_));
    let text = columns
        .iter()
        .find(|column| column.caption_metric().is_none());
    if let (Some(column), false) = (text, of_text) {
        let found = format!("token ids with the metric {}", column.name());
        return Err(Place::argument("references").wrong_value(&found, "text"));
    }
    let source = match df {
        Some(df) => FrequencySource::Table(df.table(of_text)?),
        None => FrequencySource::Corpus,
    };
    let reports = threads::without_lock(python, || reports(corpus, &columns, source, tokenizer))?;
    let reports = reports.map_err(|error| exception(&error))?;
    let scores = columns.iter().filter_map(|&column| {
        let (score, captions) = reports.column(column)?;
        Some((column.name(), score, captions))
    });
    Ok((scores.collect(), reports.signature(&columns)))
}

fn reports(
    corpus: AnyCorpus,
    columns: &[Column],
    source: FrequencySource<'_>,
    tokenizer: Tokenizer,
) -> Result<Reports, RewardError> {
    let mut reports = Reports::default();
    let of_captions = columns
        .iter()
        .any(|column| column.caption_metric().is_some());
    let texts: Vec<TextMetric> = columns
        .iter()
        .filter_map(|column| match column {
            Column::Text(metric) => Some(*metric),
            _ => None,
        })
        .collect();
    match corpus {
        OfKind::Ids(corpus) => {
            let items = items(&corpus, Vec::as_slice);
            reports.captions = Some(evaluate_tokens(&items, source)?);
        }
        OfKind::Text(corpus) => {
            if !texts.is_empty() {
                let items = items(&corpus, String::as_str);
                reports.text = Some(evaluate_raw_text(&items, &texts)?);
            }
            if of_captions {
                let corpus = Corpus {
                    references: tokenizer.words_of_groups(corpus.references),
                    candidates: tokenizer.words(corpus.candidates),
                };
                let items = items(&corpus, String::as_str);
                reports.captions = Some(evaluate_text(&items, source)?);
                reports.tokenizer = Some(tokenizer);
            }
        }
    }
    Ok(reports)
}

fn items<'a, C, T: ?Sized>(
    corpus: &'a Corpus<C>,
    candidate: fn(&'a C) -> &'a T,
) -> Vec<Item<'a, T, C>> {
    let candidates = corpus.candidates.iter().zip(&corpus.references);
    let item = |(own, references): (&'a C, &'a Vec<C>)| Item {
        candidate: candidate(own),
        references,
    };
    candidates.map(item).collect()
}
