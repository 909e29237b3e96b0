//! The scores of a whole corpus by metrics of raw text.

use crate::metric_scorers::{OfScorer, check_items, corpus_signature, statistics, with_scorer};
use crate::text_scorer::TextScorer;
use crate::{Item, RewardError, TextMetric, TextScores};

/// What metrics of raw text say of a corpus.
#[derive(Debug, Clone, PartialEq)]
pub struct TextEvaluation {
    /// Of the whole corpus: error rates, BLEU and chrF from summed counts, the others as means.
    pub corpus: TextScores,
    /// Of every caption, in order; BLEU with an effective order, as `sacrebleu.sentence_bleu` has it.
    pub captions: Vec<TextScores>,
    /// Every choice that changes the numbers, metrics joined by `+`; empty without metrics.
    pub signature: String,
}

/// Evaluates raw text as it stands, by these metrics and no others, each in its default options; on all threads.
///
/// # Errors
/// [`RewardError::NoImages`] without items, [`RewardError::NoReferences`] for an item without references.
pub fn evaluate_raw_text<R: AsRef<str> + Sync>(
    items: &[Item<'_, str, R>],
    metrics: &[TextMetric],
) -> Result<TextEvaluation, RewardError> {
    check_items(items)?;
    let mut evaluation = TextEvaluation {
        corpus: TextScores::default(),
        captions: vec![TextScores::default(); items.len()],
        signature: String::new(),
    };
    let mut signatures = Vec::new();
    for &metric in metrics {
        if evaluation.corpus.get(metric).is_none() {
            let evaluation = &mut evaluation;
            let add = Add {
                evaluation,
                items,
                metric,
            };
            signatures.push(with_scorer(metric, add)?);
        }
    }
    evaluation.signature = corpus_signature(signatures, items);
    Ok(evaluation)
}

/// Adds what a metric says to an evaluation, and gives its signature.
struct Add<'e, 'i, R> {
    evaluation: &'e mut TextEvaluation,
    items: &'i [Item<'i, str, R>],
    metric: TextMetric,
}

impl<R: AsRef<str> + Sync> OfScorer for Add<'_, '_, R> {
    type Output = String;

    fn of<S: TextScorer>(self, scorer: S) -> String {
        let statistics = statistics(&scorer, self.items);
        for (scores, statistics) in self.evaluation.captions.iter_mut().zip(&statistics) {
            scores.set(self.metric, scorer.of_sentence(statistics));
        }
        let sum = statistics.into_iter().reduce(|mut sum, more| {
            scorer.add(&mut sum, more);
            sum
        });
        if let Some(sum) = sum {
            let of_corpus = scorer.of_corpus(&sum);
            self.evaluation.corpus.set(self.metric, of_corpus);
        }
        scorer.corpus_signature()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::VERSION;

    proptest! {
        #[test]
        fn scores_are_bounded_and_blind_to_order_when_texts_are_arbitrary(
            candidate in "[ab .ß😀\\PC]{0,12}", mut references in prop::collection::vec("[ab .ß😀\\PC]{0,12}", 1..4)
        ) {
            let evaluate = |references: &[String]| {
                let items = [Item { candidate: candidate.as_str(), references }];
                evaluate_raw_text(&items, &TextMetric::ALL).expect("a good corpus")
            };
            let scores = evaluate(&references);
            for (metric, score) in scores.corpus.iter().chain(scores.captions[0].iter()) {
                let most = if metric.smaller_is_better() { 50.0 } else { 1.0 + 1e-12 };
                prop_assert!((0.0..=most).contains(&score), "{metric:?} {score}");
            }
            let of_word_edits = scores.corpus.get(TextMetric::WordErrorRate);
            let is_match = scores.corpus.get(TextMetric::ExactMatch) == Some(1.0);
            prop_assert_eq!(of_word_edits == Some(0.0), is_match);
            references.reverse();
            prop_assert_eq!(evaluate(&references).captions, scores.captions);
        }
    }

    fn item<'a>(candidate: &'a str, references: &'a [&'a str]) -> Item<'a, str, &'a str> {
        Item {
            candidate,
            references,
        }
    }

    #[test]
    fn corpus_is_summed_and_not_averaged_when_lengths_differ() {
        let items = [item("a", &["a b"]), item("a b c d e x", &["a b c d e f"])];
        let metrics = [TextMetric::WordErrorRate, TextMetric::ExactMatch];
        let evaluation = evaluate_raw_text(&items, &metrics).expect("a good corpus");
        let rate = evaluation.corpus.get(TextMetric::WordErrorRate);
        assert_eq!(rate, Some(2.0 / 8.0));
        assert_eq!(
            evaluation.captions[0].get(TextMetric::WordErrorRate),
            Some(0.5)
        );
        assert_eq!(evaluation.corpus.get(TextMetric::ExactMatch), Some(0.0));
        assert_eq!(evaluation.corpus.get(TextMetric::Chrf), None);
        assert_eq!(
            evaluation.signature,
            format!(
                "word_error_rate|refs:lowest|case:mixed+exact_match|case:mixed+input:text|images:2|nrefs:1|version:{VERSION}"
            )
        );
    }

    #[test]
    fn corpora_are_refused_when_something_is_missing() {
        let message = |items: &[Item<'_, str, &str>]| {
            let error = evaluate_raw_text(items, &TextMetric::ALL).expect_err("a bad corpus");
            error.to_string()
        };
        assert_eq!(message(&[]), "found no image, expected at least one");
        assert_eq!(
            message(&[item("a", &["a"]), item("a", &[])]),
            "image #1: found no reference, expected at least one"
        );
    }
}
