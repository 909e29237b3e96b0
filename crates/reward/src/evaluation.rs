//! The scores of a whole corpus, as coco-caption prints them.

use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use crate::cider_d::{CiderBuffers, CiderVectors};
use crate::ngram::MAX_ORDER;
use crate::ngram_index::CountedNgrams;
use crate::references::count_range;
use crate::{
    BleuStatistics, CiderDOptions, CiderFormula, DocumentFrequency, Interner, ReferenceNgrams,
    RewardError, RougeLOptions, RougeLScorer, TextScores, VERSION, bleu,
};

/// One caption and the references of its image: text where `T` is `str`, token ids where it is `[u32]`.
#[derive(Debug)]
pub struct Item<'a, T: ?Sized, R> {
    /// The caption.
    pub candidate: &'a T,
    /// The references, such as `&[String]`, `&[&str]` or `&[Vec<u32>]`.
    pub references: &'a [R],
}

/// Where the document frequencies of CIDEr-D and CIDEr come from.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum FrequencySource<'a> {
    /// The evaluated references themselves, every item as one image, as in all published numbers.
    Corpus,
    /// A table over the same token ids, or for text one that holds its words.
    Table(&'a Arc<DocumentFrequency>),
}

/// The numbers of coco-caption for a corpus or for one caption of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CorpusScores {
    /// CIDEr-D x10, the mean over captions: what coco-caption prints as "CIDEr".
    pub cider_d: f64,
    /// BLEU-1 to BLEU-4, 0 to 1; of a corpus from summed statistics.
    pub bleu: [f64; MAX_ORDER],
    /// ROUGE-L, 0 to 1, the mean over captions.
    pub rouge_l: f64,
    /// Those metrics of raw text that were asked for beside; [`evaluate_raw_text`](crate::evaluate_raw_text) has them.
    #[serde(default, skip_serializing_if = "TextScores::is_empty")]
    pub text: TextScores,
}

/// A metric of an [`Evaluation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EvaluationMetric {
    /// CIDEr-D.
    CiderD,
    /// Plain CIDEr.
    Cider,
    /// BLEU-1 to BLEU-4.
    Bleu,
    /// ROUGE-L.
    RougeL,
}

impl EvaluationMetric {
    /// Those that coco-caption prints.
    pub const COCO: [Self; 3] = [Self::CiderD, Self::Bleu, Self::RougeL];
}

/// All that is reported of a corpus.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The scores of the corpus.
    pub scores: CorpusScores,
    /// Plain CIDEr x10 of the corpus, the mean over captions; coco-caption does not print it.
    pub cider: f64,
    /// The scores of every caption, in order.
    pub captions: Vec<CorpusScores>,
    /// Plain CIDEr of every caption, in order.
    pub caption_ciders: Vec<f64>,
    /// What BLEU counts of every caption, in order.
    pub caption_bleu: Vec<BleuStatistics>,
    /// Items evaluated.
    pub images: usize,
    /// How many different captions there are.
    pub distinct_captions: usize,
    /// Mean length of the captions, in tokens.
    pub mean_length: f64,
    frequency_signature: String,
    /// Input, images, references and version.
    corpus_signature: String,
}

impl Evaluation {
    /// Every choice that changes the scores of these metrics.
    pub fn signature(&self, metrics: &[EvaluationMetric]) -> String {
        let frequency = &self.frequency_signature;
        let mut parts: Vec<String> = metrics
            .iter()
            .map(|metric| match metric {
                EvaluationMetric::CiderD => format!("{}|df:{frequency}", CIDER_D.signature()),
                EvaluationMetric::Cider => {
                    format!("{}|df:{frequency}", CiderFormula::Cider.signature())
                }
                EvaluationMetric::Bleu => format!("bleu|n:1-{MAX_ORDER}|{}", bleu::SIGNATURE),
                EvaluationMetric::RougeL => format!("rouge_l|beta:{}", RougeLOptions::COCO.beta),
            })
            .collect();
        parts.push(self.corpus_signature.clone());
        parts.join("+")
    }
}

const CIDER_D: CiderFormula = CiderFormula::CiderD(CiderDOptions::COCO);

/// Evaluates token ids, on all threads.
///
/// # Errors
/// [`RewardError::NoImages`] without items, [`RewardError::NoReferences`] for an item without references.
pub fn evaluate_tokens<R: AsRef<[u32]> + Sync>(
    items: &[Item<'_, [u32], R>],
    source: FrequencySource<'_>,
) -> Result<Evaluation, RewardError> {
    let sentences: Vec<_> = items
        .iter()
        .map(|item| (item.candidate, item.references))
        .collect();
    evaluate(&sentences, |_| None, source, "tokens")
}

/// Evaluates text whose words are final: split at white space, nothing dropped, nothing lower-cased; on all threads.
///
/// ROUGE-L splits at single spaces, as in coco-caption: empty text is one empty word there, so that an empty caption
/// scores 1 against an empty reference, and a no-break space does not end a word.
///
/// # Errors
/// [`RewardError::NoImages`] without items, [`RewardError::NoReferences`] for an item without references,
/// [`RewardError::TableWithoutWords`] for a table of frequencies that does not hold its words.
pub fn evaluate_text<R: AsRef<str> + Sync>(
    items: &[Item<'_, str, R>],
    source: FrequencySource<'_>,
) -> Result<Evaluation, RewardError> {
    let mut interner = match source {
        FrequencySource::Corpus => Interner::default(),
        FrequencySource::Table(table) if table.words().is_empty() => {
            return Err(RewardError::TableWithoutWords);
        }
        FrequencySource::Table(table) => Interner::of_words(table.words()),
    };
    let words: Vec<Owned> = items
        .iter()
        .map(|item| Owned::split(item, |text| interner.words(text)))
        .collect();
    let pieces: Vec<Option<Owned>> = items
        .iter()
        .map(|item| {
            let mut texts = item.references.iter().map(AsRef::as_ref);
            let splits_alike =
                Interner::pieces_are_words(item.candidate) && texts.all(Interner::pieces_are_words);
            (!splits_alike).then(|| Owned::split(item, |text| interner.pieces(text)))
        })
        .collect();
    let sentences: Vec<_> = words.iter().map(Owned::borrow).collect();
    let pieces = |item: usize| pieces[item].as_ref().map(Owned::borrow);
    evaluate(&sentences, pieces, source, "words")
}

/// A candidate's tokens and its references.
type Sentences<'a, R> = (&'a [u32], &'a [R]);

/// The same, split from text.
struct Owned {
    candidate: Vec<u32>,
    references: Vec<Vec<u32>>,
}

impl Owned {
    fn split<'a, R: AsRef<str>>(
        item: &Item<'a, str, R>,
        mut split: impl FnMut(&'a str) -> Vec<u32>,
    ) -> Self {
        let candidate = split(item.candidate);
        let references = item.references.iter();
        Self {
            candidate,
            references: references
                .map(|reference| split(reference.as_ref()))
                .collect(),
        }
    }

    fn borrow(&self) -> Sentences<'_, Vec<u32>> {
        (&self.candidate, &self.references)
    }
}

/// `pieces` gives the sentences as ROUGE-L splits them, where it splits them otherwise.
fn evaluate<'a, R: AsRef<[u32]> + Sync>(
    sentences: &[Sentences<'a, R>],
    pieces: impl Fn(usize) -> Option<Sentences<'a, R>> + Sync,
    source: FrequencySource<'_>,
    input: &str,
) -> Result<Evaluation, RewardError> {
    if let Some(image) = sentences
        .iter()
        .position(|(_, references)| references.is_empty())
    {
        return Err(RewardError::NoReferences {
            image: format!("#{image}"),
        });
    }
    let ngrams = ReferenceNgrams::of_images(sentences.iter().map(|(_, references)| *references));
    let (frequency, frequency_signature) = match source {
        FrequencySource::Corpus => {
            let corpus = DocumentFrequency::from_ngrams(&ngrams)?;
            (Arc::new(corpus), "corpus".to_owned())
        }
        FrequencySource::Table(table) => (Arc::clone(table), table.signature()),
    };
    let cider = CiderVectors::new(CiderFormula::Cider, &ngrams, Arc::clone(&frequency))?;
    let cider_d = CiderVectors::new(CIDER_D, &ngrams, frequency)?;
    let captions = (0..sentences.len())
        .into_par_iter()
        .map_init(Scorer::default, |scorer, item| {
            let image = ngrams.image(item)?;
            let sentence = sentences[item];
            let (candidate, _) = sentence;
            scorer.counted.count(ngrams.index(), candidate);
            let (counted, buffers) = (&scorer.counted, &mut scorer.buffers);
            let (piece, pieces) = pieces(item).unwrap_or(sentence);
            Ok(Caption {
                cider_d: cider_d.score(candidate, counted, image, buffers),
                cider: cider.score(candidate, counted, image, buffers),
                bleu: BleuStatistics::count(candidate.len(), counted, image),
                rouge_l: scorer.rouge.score(piece, pieces),
            })
        })
        .collect::<Result<Vec<_>, RewardError>>()?;
    let corpus_signature = format!(
        "input:{input}|images:{}|nrefs:{}|version:{VERSION}",
        sentences.len(),
        count_range(sentences.iter().map(|(_, references)| references.len())),
    );
    let candidates = sentences.iter().map(|(candidate, _)| *candidate);
    summarise(&captions, candidates, frequency_signature, corpus_signature)
}

/// What the corpus scores are summed from.
struct Caption {
    cider_d: f64,
    cider: f64,
    bleu: BleuStatistics,
    rouge_l: f64,
}

/// Buffers of one thread.
#[derive(Default)]
struct Scorer {
    rouge: RougeLScorer,
    counted: CountedNgrams,
    buffers: CiderBuffers,
}

fn summarise<'a>(
    captions: &[Caption],
    candidates: impl Iterator<Item = &'a [u32]>,
    frequency_signature: String,
    corpus_signature: String,
) -> Result<Evaluation, RewardError> {
    if captions.is_empty() {
        return Err(RewardError::NoImages);
    }
    let images = captions.len();
    let mut bleu = BleuStatistics::default();
    let (mut cider_d, mut cider, mut rouge_l) = (0.0, 0.0, 0.0);
    for caption in captions {
        cider_d += caption.cider_d;
        cider += caption.cider;
        bleu += caption.bleu;
        rouge_l += caption.rouge_l;
    }
    let scores = CorpusScores {
        cider_d: cider_d / images as f64,
        bleu: bleu.scores(),
        rouge_l: rouge_l / images as f64,
        text: TextScores::default(),
    };
    let scores_of = captions.iter().map(|caption| CorpusScores {
        cider_d: caption.cider_d,
        bleu: caption.bleu.scores(),
        rouge_l: caption.rouge_l,
        text: TextScores::default(),
    });
    Ok(Evaluation {
        scores,
        cider: cider / images as f64,
        captions: scores_of.collect(),
        caption_ciders: captions.iter().map(|caption| caption.cider).collect(),
        caption_bleu: captions.iter().map(|caption| caption.bleu).collect(),
        images,
        distinct_captions: candidates.collect::<FxHashSet<_>>().len(),
        mean_length: bleu.candidate_length as f64 / images as f64,
        frequency_signature,
        corpus_signature,
    })
}
