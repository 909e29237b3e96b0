//! The scorer of every metric of raw text, in the options that reports have.

use rayon::prelude::*;

use crate::error_rate::{ErrorRateOptions, ErrorRateScorer, ErrorUnit};
use crate::references::count_range;
use crate::text_scorer::TextScorer;
use crate::{
    ChrfOptions, ChrfScorer, ExactMatchOptions, ExactMatchScorer, Item, RewardError, RougeKind,
    RougeScoreOptions, RougeScorer, SacrebleuOptions, SacrebleuScorer, SacrebleuTokenizer,
    TextMetric, VERSION,
};

/// Something that is done with a scorer, whichever it is.
pub(crate) trait OfScorer {
    /// What comes of it.
    type Output;

    fn of<S: TextScorer>(self, scorer: S) -> Self::Output;
}

/// Does something with the scorer of a metric.
///
/// # Errors
/// Those of the scorer's options: none with these.
pub(crate) fn with_scorer<W: OfScorer>(
    metric: TextMetric,
    work: W,
) -> Result<W::Output, RewardError> {
    let error_rate = |unit| ErrorRateScorer::new(unit, ErrorRateOptions::default());
    let bleu = |tokenizer| {
        SacrebleuScorer::new(SacrebleuOptions {
            tokenizer,
            ..SacrebleuOptions::default()
        })
    };
    let rouge = |kind| RougeScorer::new(RougeScoreOptions { kind });
    Ok(match metric {
        TextMetric::WordErrorRate => work.of(error_rate(ErrorUnit::Word)),
        TextMetric::PhonemeErrorRate => work.of(error_rate(ErrorUnit::Phoneme)),
        TextMetric::CharacterErrorRate => work.of(error_rate(ErrorUnit::Character)),
        TextMetric::ExactMatch => work.of(ExactMatchScorer::new(ExactMatchOptions::default())),
        TextMetric::Chrf => work.of(ChrfScorer::new(ChrfOptions::default())?),
        TextMetric::ChrfPlusPlus => work.of(ChrfScorer::new(ChrfOptions::plus_plus())?),
        TextMetric::Sacrebleu => work.of(bleu(SacrebleuTokenizer::V13a)?),
        TextMetric::SacrebleuIntl => work.of(bleu(SacrebleuTokenizer::Intl)?),
        TextMetric::SacrebleuChar => work.of(bleu(SacrebleuTokenizer::Char)?),
        TextMetric::SacrebleuNone => work.of(bleu(SacrebleuTokenizer::None)?),
        TextMetric::RougeScore1 => work.of(rouge(RougeKind::One)),
        TextMetric::RougeScore2 => work.of(rouge(RougeKind::Two)),
        TextMetric::RougeScoreL => work.of(rouge(RougeKind::L)),
    })
}

/// What a scorer counts of every item, on all threads.
pub(crate) fn statistics<S: TextScorer, R: AsRef<str> + Sync>(
    scorer: &S,
    items: &[Item<'_, str, R>],
) -> Vec<S::Statistics> {
    let items = items.par_iter();
    items
        .map(|item| {
            let references: Vec<&str> = item.references.iter().map(AsRef::as_ref).collect();
            scorer.statistics(item.candidate, &scorer.prepare(&references))
        })
        .collect()
}

/// Whether there is something to score, with something to score it against.
///
/// # Errors
/// [`RewardError::NoImages`] without items, [`RewardError::NoReferences`] for an item without references.
pub(crate) fn check_items<R>(items: &[Item<'_, str, R>]) -> Result<(), RewardError> {
    if items.is_empty() {
        return Err(RewardError::NoImages);
    }
    match items.iter().position(|item| item.references.is_empty()) {
        None => Ok(()),
        Some(item) => Err(RewardError::NoReferences {
            image: format!("#{item}"),
        }),
    }
}

/// The signature of a corpus from those of its metrics; empty without metrics.
pub(crate) fn corpus_signature<R>(
    mut signatures: Vec<String>,
    items: &[Item<'_, str, R>],
) -> String {
    if !signatures.is_empty() {
        signatures.push(format!(
            "input:text|images:{}|nrefs:{}|version:{VERSION}",
            items.len(),
            count_range(items.iter().map(|item| item.references.len())),
        ));
    }
    signatures.join("+")
}
