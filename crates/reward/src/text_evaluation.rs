//! The scores of a whole corpus by metrics of raw text.

use rayon::prelude::*;

use crate::error_rate::{ErrorRateOptions, ErrorRateScorer, ErrorUnit};
use crate::references::count_range;
use crate::text_scorer::TextScorer;
use crate::{
    ChrfOptions, ChrfScorer, ExactMatchOptions, ExactMatchScorer, Item, RewardError, RougeKind,
    RougeScoreOptions, RougeScorer, SacrebleuOptions, SacrebleuScorer, SacrebleuTokenizer,
    TextMetric, TextScores, VERSION,
};

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
    if items.is_empty() {
        return Err(RewardError::NoImages);
    }
    if let Some(item) = items.iter().position(|item| item.references.is_empty()) {
        return Err(RewardError::NoReferences {
            image: format!("#{item}"),
        });
    }
    let mut evaluation = TextEvaluation {
        corpus: TextScores::default(),
        captions: vec![TextScores::default(); items.len()],
        signature: String::new(),
    };
    let mut signatures = Vec::new();
    for &metric in metrics {
        if evaluation.corpus.get(metric).is_none() {
            signatures.push(evaluation.add_metric(metric, items)?);
        }
    }
    if !signatures.is_empty() {
        signatures.push(format!(
            "input:text|images:{}|nrefs:{}|version:{VERSION}",
            items.len(),
            count_range(items.iter().map(|item| item.references.len())),
        ));
    }
    evaluation.signature = signatures.join("+");
    Ok(evaluation)
}

impl TextEvaluation {
    /// Adds what a metric says; returns its signature.
    fn add_metric<R: AsRef<str> + Sync>(
        &mut self,
        metric: TextMetric,
        items: &[Item<'_, str, R>],
    ) -> Result<String, RewardError> {
        Ok(match metric {
            TextMetric::WordErrorRate => self.add_error_rate(metric, ErrorUnit::Word, items),
            TextMetric::PhonemeErrorRate => self.add_error_rate(metric, ErrorUnit::Phoneme, items),
            TextMetric::CharacterErrorRate => {
                self.add_error_rate(metric, ErrorUnit::Character, items)
            }
            TextMetric::ExactMatch => {
                let scorer = ExactMatchScorer::new(ExactMatchOptions::default());
                self.add(metric, &scorer, items)
            }
            TextMetric::Chrf => self.add(metric, &ChrfScorer::new(ChrfOptions::default())?, items),
            TextMetric::ChrfPlusPlus => {
                self.add(metric, &ChrfScorer::new(ChrfOptions::plus_plus())?, items)
            }
            TextMetric::Sacrebleu => self.add_bleu(metric, SacrebleuTokenizer::V13a, items)?,
            TextMetric::SacrebleuIntl => self.add_bleu(metric, SacrebleuTokenizer::Intl, items)?,
            TextMetric::SacrebleuChar => self.add_bleu(metric, SacrebleuTokenizer::Char, items)?,
            TextMetric::SacrebleuNone => self.add_bleu(metric, SacrebleuTokenizer::None, items)?,
            TextMetric::RougeScore1 => self.add_rouge(metric, RougeKind::One, items),
            TextMetric::RougeScore2 => self.add_rouge(metric, RougeKind::Two, items),
            TextMetric::RougeScoreL => self.add_rouge(metric, RougeKind::L, items),
        })
    }

    fn add_error_rate<R: AsRef<str> + Sync>(
        &mut self,
        metric: TextMetric,
        unit: ErrorUnit,
        items: &[Item<'_, str, R>],
    ) -> String {
        let scorer = ErrorRateScorer::new(unit, ErrorRateOptions::default());
        self.add(metric, &scorer, items)
    }

    fn add_bleu<R: AsRef<str> + Sync>(
        &mut self,
        metric: TextMetric,
        tokenizer: SacrebleuTokenizer,
        items: &[Item<'_, str, R>],
    ) -> Result<String, RewardError> {
        let scorer = SacrebleuScorer::new(SacrebleuOptions {
            tokenizer,
            ..SacrebleuOptions::default()
        })?;
        self.add(metric, &scorer, items);
        Ok(scorer.corpus_signature())
    }

    fn add_rouge<R: AsRef<str> + Sync>(
        &mut self,
        metric: TextMetric,
        kind: RougeKind,
        items: &[Item<'_, str, R>],
    ) -> String {
        self.add(metric, &RougeScorer::new(RougeScoreOptions { kind }), items)
    }

    fn add<S: TextScorer, R: AsRef<str> + Sync>(
        &mut self,
        metric: TextMetric,
        scorer: &S,
        items: &[Item<'_, str, R>],
    ) -> String {
        let statistics: Vec<S::Statistics> = items
            .par_iter()
            .map(|item| {
                let references: Vec<&str> = item.references.iter().map(AsRef::as_ref).collect();
                scorer.statistics(item.candidate, &scorer.prepare(&references))
            })
            .collect();
        for (scores, statistics) in self.captions.iter_mut().zip(&statistics) {
            scores.set(metric, scorer.of_sentence(statistics));
        }
        let sum = statistics.into_iter().reduce(|mut sum, more| {
            scorer.add(&mut sum, more);
            sum
        });
        if let Some(sum) = sum {
            self.corpus.set(metric, scorer.of_corpus(&sum));
        }
        scorer.signature()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
