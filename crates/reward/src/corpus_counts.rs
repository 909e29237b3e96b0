//! What the metrics of a report count of every caption: numbers that add up, for whoever resamples captions.

use crate::bleu::BLEU_NUMBERS;
use crate::metric_scorers::{OfScorer, check_items, corpus_signature, statistics, with_scorer};
use crate::ngram::MAX_ORDER;
use crate::text_scorer::TextScorer;
use crate::{
    BleuStatistics, EvaluationMetric, FrequencySource, Item, ReportMetric, RewardError, TextMetric,
    evaluate_text,
};

/// What the metrics of a report count of every caption of a corpus.
///
/// Counts of captions add up to those of a corpus, and [`scores`](Self::scores) are those of [`evaluate_text`] and
/// [`evaluate_raw_text`](crate::evaluate_raw_text). CIDEr-D is that of each caption with the document frequencies of the
/// whole corpus, which stay as they are whichever captions are added.
#[derive(Debug, Clone, PartialEq)]
pub struct CorpusCounts {
    text_metrics: Vec<TextMetric>,
    rows: Vec<Vec<f64>>,
    signature: String,
    text_signature: String,
}

/// Captions, and the sums of CIDEr-D and ROUGE-L; those of BLEU follow.
const MEANS: usize = 3;

impl CorpusCounts {
    /// Counts captions: as words divided by white space for the metrics of coco-caption, `raw_items` as they stand for those
    /// of raw text that are asked for.
    ///
    /// # Errors
    /// Those of [`evaluate_text`] and [`evaluate_raw_text`](crate::evaluate_raw_text).
    pub fn of_text<R: AsRef<str> + Sync>(
        items: &[Item<'_, str, R>],
        raw_items: &[Item<'_, str, R>],
        text_metrics: &[TextMetric],
    ) -> Result<Self, RewardError> {
        let evaluation = evaluate_text(items, FrequencySource::Corpus)?;
        let captions = evaluation.captions.iter().zip(&evaluation.caption_bleu);
        let mut rows: Vec<Vec<f64>> = captions
            .map(|(scores, bleu)| {
                let means = [1.0, scores.cider_d, scores.rouge_l];
                [&means[..], &bleu.numbers()].concat()
            })
            .collect();
        check_items(raw_items)?;
        let (mut counted, mut of_text) = (Vec::new(), Vec::new());
        for &metric in text_metrics {
            if !counted.contains(&metric) {
                of_text.push(with_scorer(metric, Count(&mut rows, raw_items))?);
                counted.push(metric);
            }
        }
        Ok(Self {
            text_metrics: counted,
            rows,
            signature: evaluation.signature(&EvaluationMetric::COCO),
            text_signature: corpus_signature(of_text, raw_items),
        })
    }

    /// The metrics, in the order of their scores.
    pub fn metrics(&self) -> Vec<ReportMetric> {
        let bleu = (1..=MAX_ORDER).map(ReportMetric::Bleu);
        let coco = std::iter::once(ReportMetric::CiderD).chain(bleu);
        let coco = coco.chain([ReportMetric::RougeL]);
        let text = self.text_metrics.iter().copied().map(ReportMetric::Text);
        coco.chain(text).collect()
    }

    /// The counts of every caption, as many each.
    pub fn rows(&self) -> &[Vec<f64>] {
        &self.rows
    }

    /// The scores of a corpus from the sum of the counts of its captions.
    pub fn scores(&self, sum: &[f64]) -> Vec<f64> {
        let captions = sum[0].max(1.0);
        let (of_bleu, mut of_text) = sum[MEANS..].split_at(BLEU_NUMBERS);
        let mut scores = vec![sum[1] / captions];
        scores.extend(BleuStatistics::of_numbers(of_bleu).scores());
        scores.push(sum[2] / captions);
        for &metric in &self.text_metrics {
            // The options of reports are in their ranges.
            let (score, width) = with_scorer(metric, Score(of_text)).unwrap_or((f64::NAN, 0));
            scores.push(score);
            of_text = &of_text[width..];
        }
        scores
    }

    /// Every choice that changes the scores; `words` says how texts became words, such as `|tokenizer:ptb`.
    pub fn signature(&self, words: &str) -> String {
        let text = &self.text_signature;
        let plus = if text.is_empty() { "" } else { "+" };
        format!("{}{words}{plus}{text}", self.signature)
    }
}

/// Adds the counts of a metric to the rows of captions, and gives its signature.
struct Count<'a, R>(&'a mut [Vec<f64>], &'a [Item<'a, str, R>]);

impl<R: AsRef<str> + Sync> OfScorer for Count<'_, R> {
    type Output = String;

    fn of<S: TextScorer>(self, scorer: S) -> String {
        let Self(rows, items) = self;
        for (row, statistics) in rows.iter_mut().zip(statistics(&scorer, items)) {
            row.extend(scorer.numbers(&statistics));
        }
        scorer.corpus_signature()
    }
}

/// The score of summed counts, which stand at the beginning of others, and how many there are.
struct Score<'a>(&'a [f64]);

impl OfScorer for Score<'_> {
    type Output = (f64, usize);

    fn of<S: TextScorer>(self, scorer: S) -> (f64, usize) {
        let width = scorer.width();
        let sum = scorer.of_numbers(&self.0[..width]);
        (scorer.of_corpus(&sum), width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate_raw_text;

    fn item<'a>(candidate: &'a str, references: &'a [&'a str]) -> Item<'a, str, &'a str> {
        Item {
            candidate,
            references,
        }
    }

    #[test]
    fn summed_counts_have_the_scores_of_the_corpus() {
        let items = [
            item("a dog runs on grass", &["a dog runs", "the dog on grass"]),
            item(
                "two cats, asleep",
                &["two cats sleep on a bed", "cats asleep"],
            ),
            item("a", &["a man rides a horse on the beach"]),
            item("", &["nothing to see here"]),
        ];
        let counts = CorpusCounts::of_text(&items, &items, &TextMetric::ALL).expect("a corpus");
        let evaluation = evaluate_text(&items, FrequencySource::Corpus).expect("a corpus");
        let of_text = evaluate_raw_text(&items, &TextMetric::ALL).expect("a corpus");
        let mut sum = vec![0.0; counts.rows()[0].len()];
        for row in counts.rows() {
            for (sum, count) in sum.iter_mut().zip(row) {
                *sum += count;
            }
        }
        let scores = counts.scores(&sum);
        let metrics = counts.metrics();
        assert_eq!(scores.len(), metrics.len());
        for (metric, score) in metrics.into_iter().zip(scores) {
            let expected = match metric {
                ReportMetric::CiderD => evaluation.scores.cider_d,
                ReportMetric::Bleu(order) => evaluation.scores.bleu[order - 1],
                ReportMetric::RougeL => evaluation.scores.rouge_l,
                ReportMetric::Text(metric) => of_text.corpus.get(metric).expect("asked for"),
            };
            assert!(
                (score - expected).abs() < 1e-14,
                "{metric:?}: {score} {expected}"
            );
        }
        let coco = evaluation.signature(&EvaluationMetric::COCO);
        let expected = format!("{coco}|words:x+{}", of_text.signature);
        assert_eq!(counts.signature("|words:x"), expected);
    }
}
