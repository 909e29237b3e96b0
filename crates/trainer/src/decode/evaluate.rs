//! Scoring a captioner on a split, with the numbers of coco-caption.

mod metric;
pub(crate) mod report;

use std::ops::ControlFlow;

use scst_data::Example;
use scst_group::{Group, share};
use scst_model::Captioner;
use scst_reward::{
    CorpusScores, EvaluationMetric, FrequencySource, Item, evaluate_raw_text, evaluate_text,
};
use scst_sampler::{END, Hypothesis};

use crate::{
    TrainError,
    alike::check_captioners,
    config::{Config, DecoderConfig},
    corpus::Corpus,
    decode::search::Search,
    ranks::{any, gather},
    registry::Registry,
};
pub use report::{DecodedCaption, EvaluationReport, ScoredCaption};

/// How captions are searched for, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Decoding<'a> {
    /// The search.
    pub decoder: &'a DecoderConfig,
    /// The run, which tells the longest caption, and how many sources are decoded at a time.
    pub run: &'a Config,
    /// The processes that divide the sources among them, each of which gets the whole report.
    pub group: &'a dyn Group,
}

/// Decodes every source of a split and scores the captions against its references, all words
/// kept, as they stand in the caption files.
///
/// With `others` the captioners are an ensemble: their probabilities are averaged at every step. Of sources
/// with several samples, so many fewer are decoded at a time.
///
/// `watch` is told how many sources have captions, before the first batch and after every one; when it breaks, on whichever
/// rank, there is no report.
///
/// # Errors
/// [`TrainError`] when the decoder asks for what no caption can be, features cannot be read, decoding fails, or nothing
/// can be scored.
pub fn evaluate(
    (captioner, others): (&Captioner, &[Captioner]),
    corpus: &Corpus,
    registry: &Registry,
    examples: &[&Example],
    Decoding {
        decoder,
        run,
        group,
    }: Decoding<'_>,
    watch: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<Option<EvaluationReport>, TrainError> {
    let mut search = Search::new(decoder, run, corpus.vocabulary(), Some(corpus), registry)?;
    search.check_captioners(std::iter::once(captioner).chain(others))?;
    check_captioners(group, std::iter::once(captioner).chain(others))?;
    let batches: Vec<&[&Example]> = examples
        .chunks(decoder.sources_at_a_time(run.validation.sources_per_batch))
        .collect();
    // Whole batches, so that every caption has the bits that it has on one rank.
    let is_divided = group.size() > 1 && search.depends_on_source_alone();
    let ranks = if is_divided { group.size() } else { 1 };
    let own = share(batches.len(), ranks, group.rank().min(ranks - 1));
    let mut watch = |done: usize| watch((done * ranks).min(examples.len()));
    let mut found: Vec<Hypothesis> = Vec::with_capacity(examples.len());
    let mut is_stopped = false;
    for batch in &batches[own] {
        is_stopped = watch(found.len()).is_break();
        if is_stopped {
            break;
        }
        let source = corpus.source(batch, &captioner.device())?;
        found.extend(search.captions(captioner, others, &source)?);
    }
    is_stopped = is_stopped || watch(found.len()).is_break();
    if any(group, is_stopped, "whether to stop")? {
        return Ok(None);
    }
    if is_divided {
        let told = found.into_iter().map(|h| (h.words, h.log_probability));
        let told = gather(group, told.collect(), "captions")?.into_iter();
        found = told
            .map(|(words, log_p)| search.judge(words, log_p))
            .collect();
    }
    let decoder = match others.len() {
        0 => decoder.to_string(),
        others => format!("{decoder}|ensemble:{}", others + 1),
    };
    let texts: Vec<String> = found
        .iter()
        .map(|found| corpus.vocabulary().decode(&found.words))
        .collect();
    let references = examples.iter().map(|example| example.references());
    let references: Vec<Vec<&str>> = references.map(Iterator::collect).collect();
    let items: Vec<Item<'_, str, &str>> = texts
        .iter()
        .zip(&references)
        .map(|(text, references)| Item {
            candidate: text.as_str(),
            references,
        })
        .collect();
    let mut evaluation = evaluate_text(&items, FrequencySource::Corpus)?;
    let of_text = evaluate_raw_text(&items, &run.validation.raw_text())?;
    evaluation.scores.text = of_text.corpus;
    for (scores, of_text) in evaluation.captions.iter_mut().zip(of_text.captions) {
        scores.text = of_text;
    }
    let of_captions = found.into_iter().zip(texts).zip(&evaluation.captions);
    let captions: Vec<ScoredCaption> = examples
        .iter()
        .zip(of_captions)
        .map(|(example, ((found, caption), &scores))| ScoredCaption {
            source: corpus.texts().map(|texts| texts.text(example.row)),
            ..scored(example, found, caption, scores)
        })
        .collect();
    let dead_ends = captions.iter().filter(|c| !c.broken.is_empty()).count();
    let cut_off = captions.iter().filter(|c| c.is_cut_off).count();
    Ok(Some(EvaluationReport {
        scores: evaluation.scores,
        captions,
        distinct_captions: evaluation.distinct_captions,
        mean_length: evaluation.mean_length,
        dead_ends,
        cut_off_share: cut_off as f64 / examples.len().max(1) as f64,
        signature: format!(
            "{decoder}+{}{}{}",
            evaluation.signature(&EvaluationMetric::COCO),
            corpus
                .words()
                .map_or(String::new(), |words| format!("|words:{}", words.name())),
            if of_text.signature.is_empty() {
                String::new()
            } else {
                format!("+{}", of_text.signature)
            }
        ),
        decoder,
    }))
}

fn scored(
    example: &Example,
    found: Hypothesis,
    caption: String,
    scores: CorpusScores,
) -> ScoredCaption {
    let is_cut_off = !found.words.ends_with(&[END]);
    ScoredCaption {
        name: example.name().to_owned(),
        id: example.id(),
        source: None,
        caption,
        references: example.references().map(str::to_owned).collect(),
        scores,
        log_probability: found.log_probability,
        length: found.words.len() - usize::from(!is_cut_off),
        is_cut_off,
        broken: found.broken,
    }
}
