//! The scores of a whole corpus, as coco-caption prints them.

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use crate::cider_d::{CiderBuffers, CiderImage, cider};
use crate::ngram::{MAX_ORDER, NgramCounter};
use crate::reference_ngrams::ImageNgrams;
use crate::references::count_range;
use crate::{
    BleuStatistics, CiderDOptions, CiderFormula, DocumentFrequency, Interner, RewardError,
    RougeLOptions, RougeLScorer, VERSION, bleu,
};

/// One caption and the references of its image: text where `T` is `str`, token ids where it is `[u32]`.
#[derive(Debug)]
pub struct Item<'a, T: ?Sized, R> {
    /// The caption.
    pub candidate: &'a T,
    /// The references, such as `&[String]`, `&[&str]` or `&[Vec<u32>]`.
    pub references: &'a [R],
}

/// Where CIDEr-D's document frequencies come from.
#[derive(Debug, Clone, Copy)]
pub enum FrequencySource<'a> {
    /// The evaluated references themselves, every item as one image, as in all published numbers.
    Corpus,
    /// A table over the same token ids.
    Table(&'a DocumentFrequency),
}

/// The numbers of coco-caption for a corpus or for one caption of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CorpusScores {
    /// CIDEr-D x10, the mean over captions: what coco-caption prints as "CIDEr".
    pub cider_d: f64,
    /// BLEU-1 to BLEU-4, 0 to 1; of a corpus from summed statistics.
    pub bleu: [f64; MAX_ORDER],
    /// ROUGE-L, 0 to 1, the mean over captions.
    pub rouge_l: f64,
}

/// All that is reported of a corpus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The scores of the corpus.
    pub scores: CorpusScores,
    /// The scores of every caption, in order.
    pub captions: Vec<CorpusScores>,
    /// Items evaluated.
    pub images: usize,
    /// How many different captions there are.
    pub distinct_captions: usize,
    /// Mean length of the captions, in tokens.
    pub mean_length: f64,
    /// Every choice that changes the scores.
    pub signature: String,
}

/// Evaluates token ids.
///
/// # Errors
/// [`RewardError::NoImages`] without items, [`RewardError::NoReferences`] for an item without references.
pub fn evaluate_tokens<R: AsRef<[u32]>>(
    items: &[Item<'_, [u32], R>],
    source: FrequencySource<'_>,
) -> Result<Evaluation, RewardError> {
    let sentences: Vec<_> = items
        .iter()
        .map(|item| (item.candidate, item.references))
        .collect();
    evaluate(&sentences, &sentences, source, "tokens")
}

/// Evaluates text whose words are final: split at white space, nothing dropped, nothing lower-cased.
///
/// ROUGE-L splits at single spaces, as in coco-caption: empty text is one empty word there, so that an empty caption
/// scores 1 against an empty reference, and a no-break space does not end a word.
///
/// # Errors
/// [`RewardError::NoImages`] without items, [`RewardError::NoReferences`] for an item without references.
pub fn evaluate_text<R: AsRef<str>>(items: &[Item<'_, str, R>]) -> Result<Evaluation, RewardError> {
    let mut interner = Interner::default();
    let words = intern(items, |text| interner.words(text));
    let pieces = intern(items, |text| interner.pieces(text));
    evaluate(
        &borrow(&words),
        &borrow(&pieces),
        FrequencySource::Corpus,
        "words",
    )
}

/// A candidate's tokens and its references.
type Sentences<'a, R> = (&'a [u32], &'a [R]);

fn intern<'a, R: AsRef<str>>(
    items: &[Item<'a, str, R>],
    mut split: impl FnMut(&'a str) -> Vec<u32>,
) -> Vec<(Vec<u32>, Vec<Vec<u32>>)> {
    let mut sentences = |item: &Item<'a, str, R>| {
        let candidate = split(item.candidate);
        (
            candidate,
            item.references
                .iter()
                .map(|reference| split(reference.as_ref()))
                .collect(),
        )
    };
    items.iter().map(&mut sentences).collect()
}

fn borrow(sentences: &[(Vec<u32>, Vec<Vec<u32>>)]) -> Vec<Sentences<'_, Vec<u32>>> {
    sentences
        .iter()
        .map(|(candidate, references)| (&candidate[..], &references[..]))
        .collect()
}

/// `pieces` are the same sentences as ROUGE-L splits them.
fn evaluate<R: AsRef<[u32]>>(
    sentences: &[Sentences<'_, R>],
    pieces: &[Sentences<'_, R>],
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
    let corpus;
    let (frequency, frequency_signature) = match source {
        FrequencySource::Corpus => {
            corpus = corpus_frequency(sentences)?;
            (&corpus, "corpus".to_owned())
        }
        FrequencySource::Table(table) => (table, table.signature()),
    };
    let formula = CiderFormula::CiderD(CiderDOptions::default());
    let rouge = RougeLOptions::default();
    let captions = Scorer::new(formula, rouge, frequency)?.captions(sentences, pieces);
    let signature = format!(
        "{}|df:{frequency_signature}+bleu|n:1-{MAX_ORDER}|{}+rouge_l|beta:{}+input:{input}|images:{}|nrefs:{}|version:{VERSION}",
        formula.signature(),
        bleu::SIGNATURE,
        rouge.beta,
        sentences.len(),
        count_range(sentences.iter().map(|(_, references)| references.len())),
    );
    summarise(
        &captions,
        sentences.iter().map(|(candidate, _)| *candidate),
        signature,
    )
}

fn corpus_frequency<R: AsRef<[u32]>>(
    sentences: &[Sentences<'_, R>],
) -> Result<DocumentFrequency, RewardError> {
    let mut builder = DocumentFrequency::builder();
    for (_, references) in sentences {
        builder.add_image(references.iter());
    }
    builder.build()
}

/// What the corpus scores are summed from.
struct Caption {
    cider_d: f64,
    bleu: BleuStatistics,
    rouge_l: f64,
}

struct Scorer<'a> {
    formula: CiderFormula,
    frequency: &'a DocumentFrequency,
    rouge: RougeLScorer,
    counter: NgramCounter,
    buffers: CiderBuffers,
}

impl<'a> Scorer<'a> {
    fn new(
        formula: CiderFormula,
        rouge: RougeLOptions,
        frequency: &'a DocumentFrequency,
    ) -> Result<Self, RewardError> {
        Ok(Self {
            formula,
            frequency,
            rouge: RougeLScorer::new(rouge)?,
            counter: NgramCounter::default(),
            buffers: CiderBuffers::default(),
        })
    }

    fn captions<R: AsRef<[u32]>>(
        &mut self,
        sentences: &[Sentences<'_, R>],
        pieces: &[Sentences<'_, R>],
    ) -> Vec<Caption> {
        sentences
            .iter()
            .zip(pieces)
            .map(|(sentence, piece)| self.caption(*sentence, *piece))
            .collect()
    }

    fn caption<R: AsRef<[u32]>>(
        &mut self,
        sentence: Sentences<'_, R>,
        piece: Sentences<'_, R>,
    ) -> Caption {
        let (candidate, references) = sentence;
        let image = ImageNgrams::new(references, &mut self.counter);
        let vectors = CiderImage::new(&image, self.frequency);
        Caption {
            cider_d: cider(
                &self.formula,
                candidate,
                &image,
                &vectors,
                self.frequency,
                &mut self.buffers,
            ),
            bleu: BleuStatistics::count(candidate, &image, &mut self.counter),
            rouge_l: self.rouge.score(piece.0, piece.1),
        }
    }
}

fn summarise<'a>(
    captions: &[Caption],
    candidates: impl Iterator<Item = &'a [u32]> + Clone,
    signature: String,
) -> Result<Evaluation, RewardError> {
    if captions.is_empty() {
        return Err(RewardError::NoImages);
    }
    let images = captions.len();
    let mut bleu = BleuStatistics::default();
    let (mut cider_d, mut rouge_l) = (0.0, 0.0);
    for caption in captions {
        cider_d += caption.cider_d;
        bleu += caption.bleu;
        rouge_l += caption.rouge_l;
    }
    let scores = CorpusScores {
        cider_d: cider_d / images as f64,
        bleu: bleu.scores(),
        rouge_l: rouge_l / images as f64,
    };
    let captions = captions.iter().map(|caption| CorpusScores {
        cider_d: caption.cider_d,
        bleu: caption.bleu.scores(),
        rouge_l: caption.rouge_l,
    });
    Ok(Evaluation {
        scores,
        captions: captions.collect(),
        images,
        distinct_captions: candidates.collect::<FxHashSet<_>>().len(),
        mean_length: bleu.candidate_length as f64 / images as f64,
        signature,
    })
}
