//! CIDEr, BLEU and ROUGE-L of a corpus, one metric at a time, as pycocoevalcap computes them.

use std::ops::Deref;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use scst_reward::{
    BleuScorer, BleuStatistics, CiderDOptions, CiderFormula, CiderScorer, Interner, MAX_ORDER,
    ReferenceNgrams, RewardError, RougeLOptions, RougeLScorer, cider_once,
};

use crate::error::exception;
use crate::frequency::DocumentFrequency;
use crate::input::{AnyCorpus, Corpus, OfKind, corpus};
use crate::threads::score_all;

/// The arguments as pycocoevalcap calls them.
const NAMES: [&str; 2] = ["gts", "res"];

/// The token ids of a corpus, words numbered on from those of `interner`.
fn ids<'a, T: Deref<Target = str>>(
    corpus: &'a Corpus<T>,
    mut interner: Interner<'a>,
    split: fn(&mut Interner<'a>, &'a str) -> Vec<u32>,
) -> Corpus<Vec<u32>> {
    let mut split = |text: &'a T| split(&mut interner, text);
    let references = corpus.references.iter();
    Corpus {
        references: references
            .map(|texts| texts.iter().map(&mut split).collect())
            .collect(),
        candidates: corpus.candidates.iter().map(&mut split).collect(),
    }
}

fn ngrams(corpus: &Corpus<Vec<u32>>) -> Arc<ReferenceNgrams> {
    let images = corpus.references.iter().map(Vec::as_slice);
    Arc::new(ReferenceNgrams::of_images(images))
}

/// CIDEr-D of every caption with this sigma, plain CIDEr with None.
#[pyfunction]
#[pyo3(signature = (gts, res, *, sigma, df = None))]
pub(crate) fn cider(
    python: Python<'_>,
    gts: &Bound<'_, PyAny>,
    res: &Bound<'_, PyAny>,
    sigma: Option<f64>,
    df: Option<&DocumentFrequency>,
) -> PyResult<Vec<f64>> {
    let formula = sigma.map_or(CiderFormula::Cider, |sigma| {
        CiderFormula::CiderD(CiderDOptions {
            sigma,
            ..CiderDOptions::COCO
        })
    });
    let corpus = corpus::<PyBackedStr>(gts, res, NAMES)?;
    let of_text = matches!(corpus, OfKind::Text(_));
    let table = df.map(|df| df.table(of_text)).transpose()?;
    let score = || match &corpus {
        OfKind::Text(texts) => {
            let words = table.map(|table| Interner::of_words(table.words()));
            let corpus = ids(texts, words.unwrap_or_default(), Interner::words);
            cider_of_ids(&corpus, formula, table)
        }
        OfKind::Ids(corpus) => cider_of_ids(corpus, formula, table),
    };
    python.detach(score).map_err(|error| exception(&error))
}

fn cider_of_ids(
    corpus: &Corpus<Vec<u32>>,
    formula: CiderFormula,
    table: Option<&Arc<scst_reward::DocumentFrequency>>,
) -> Result<Vec<f64>, RewardError> {
    let Some(table) = table else {
        return cider_once(formula, &corpus.references, &corpus.candidates);
    };
    let scorer = CiderScorer::new(formula, ngrams(corpus), Arc::clone(table))?;
    score_all(&corpus.candidates, &scorer, |scorer, image, candidate| {
        scorer.score(image, candidate)
    })
}

/// BLEU-1 to BLEU-4 of the corpus, and of every caption, by order.
#[pyfunction]
pub(crate) fn bleu(
    python: Python<'_>,
    gts: &Bound<'_, PyAny>,
    res: &Bound<'_, PyAny>,
) -> PyResult<([f64; MAX_ORDER], [Vec<f64>; MAX_ORDER])> {
    let corpus = corpus(gts, res, NAMES)?;
    let score = || {
        let corpus = split(corpus, |interner, text| interner.words(text));
        let scorer = BleuScorer::new(ngrams(&corpus));
        let captions = score_all(&corpus.candidates, &scorer, |scorer, image, candidate| {
            scorer.statistics(image, candidate)
        })?;
        let mut sum = BleuStatistics::default();
        let mut by_order = [const { Vec::new() }; MAX_ORDER];
        for statistics in captions {
            sum += statistics;
            for (scores, score) in by_order.iter_mut().zip(statistics.scores()) {
                scores.push(score);
            }
        }
        Ok((sum.scores(), by_order))
    };
    python
        .detach(score)
        .map_err(|error: RewardError| exception(&error))
}

/// ROUGE-L of every caption.
#[pyfunction]
pub(crate) fn rouge_l(
    python: Python<'_>,
    gts: &Bound<'_, PyAny>,
    res: &Bound<'_, PyAny>,
) -> PyResult<Vec<f64>> {
    let corpus = corpus(gts, res, NAMES)?;
    let score = || {
        // At single spaces, as pycocoevalcap splits for this metric alone.
        let corpus = split(corpus, |interner, text| interner.pieces(text));
        let scorer = RougeLScorer::new(RougeLOptions::COCO)?;
        score_all(&corpus.candidates, &scorer, |scorer, image, candidate| {
            Ok(scorer.score(candidate, &corpus.references[image]))
        })
    };
    python.detach(score).map_err(|error| exception(&error))
}

fn split(
    corpus: AnyCorpus,
    split: for<'a> fn(&mut Interner<'a>, &'a str) -> Vec<u32>,
) -> Corpus<Vec<u32>> {
    match corpus {
        OfKind::Text(texts) => ids(&texts, Interner::default(), split),
        OfKind::Ids(corpus) => corpus,
    }
}
