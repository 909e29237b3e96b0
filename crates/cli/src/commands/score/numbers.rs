//! Which numbers of an evaluation are asked for.

use scst_reward::{Evaluation, EvaluationMetric};

use crate::arguments::{ScoreArguments, ScoreMetric};

/// One number of an evaluation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    CiderD,
    Cider,
    /// By the order less 1.
    Bleu(usize),
    RougeL,
}

impl Number {
    pub(super) fn name(self) -> String {
        match self {
            Self::CiderD => "cider_d".to_owned(),
            Self::Cider => "cider".to_owned(),
            Self::Bleu(order) => format!("bleu_{}", order + 1),
            Self::RougeL => "rouge_l".to_owned(),
        }
    }

    pub(super) fn of_corpus(self, evaluation: &Evaluation) -> f64 {
        match self {
            Self::CiderD => evaluation.scores.cider_d,
            Self::Cider => evaluation.cider,
            Self::Bleu(order) => evaluation.scores.bleu[order],
            Self::RougeL => evaluation.scores.rouge_l,
        }
    }

    pub(super) fn of_caption(self, evaluation: &Evaluation, caption: usize) -> f64 {
        let scores = &evaluation.captions[caption];
        match self {
            Self::CiderD => scores.cider_d,
            Self::Cider => evaluation.caption_ciders[caption],
            Self::Bleu(order) => scores.bleu[order],
            Self::RougeL => scores.rouge_l,
        }
    }

    fn metric(self) -> EvaluationMetric {
        match self {
            Self::CiderD => EvaluationMetric::CiderD,
            Self::Cider => EvaluationMetric::Cider,
            Self::Bleu(_) => EvaluationMetric::Bleu,
            Self::RougeL => EvaluationMetric::RougeL,
        }
    }
}

/// The numbers that are asked for, each once.
pub(super) fn numbers(arguments: &ScoreArguments) -> Vec<Number> {
    let mut numbers = Vec::new();
    for metric in &arguments.metrics {
        let wanted: &[Number] = match metric {
            ScoreMetric::CiderD => &[Number::CiderD],
            ScoreMetric::Cider => &[Number::Cider],
            ScoreMetric::Bleu => &[0, 1, 2, 3].map(Number::Bleu),
            ScoreMetric::Bleu1 => &[Number::Bleu(0)],
            ScoreMetric::Bleu2 => &[Number::Bleu(1)],
            ScoreMetric::Bleu3 => &[Number::Bleu(2)],
            ScoreMetric::Bleu4 => &[Number::Bleu(3)],
            ScoreMetric::RougeL => &[Number::RougeL],
            // Of other programs, of several captions and of raw text.
            _ => &[],
        };
        for number in wanted {
            if !numbers.contains(number) {
                numbers.push(*number);
            }
        }
    }
    numbers
}

pub(super) fn evaluation_metrics(arguments: &ScoreArguments) -> Vec<EvaluationMetric> {
    let mut metrics: Vec<EvaluationMetric> = Vec::new();
    for number in numbers(arguments) {
        let metric = number.metric();
        if !metrics.contains(&metric) {
            metrics.push(metric);
        }
    }
    metrics
}
