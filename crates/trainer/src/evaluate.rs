//! Scoring a captioner on a split, with the numbers of coco-caption.

use std::ops::ControlFlow;

use scst_data::{Example, ImageId};
use scst_model::Captioner;
use scst_reward::{CorpusScores, EvaluationMetric, FrequencySource, Item, evaluate_text};
use scst_sampler::{END, Hypothesis};
use serde::Serialize;

use crate::{
    TrainError,
    config::{Config, DecoderConfig, ValidationMetric},
    corpus::Corpus,
    search::Search,
};

/// A caption that was decoded, as the server of COCO reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecodedCaption {
    /// Id of the image, as in the caption files; its file name where they have no ids.
    pub image_id: ImageId,
    /// The caption, words joined by single spaces.
    pub caption: String,
}

/// A caption that was decoded and compared with the references of its image.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredCaption {
    /// File name of the image, without folders.
    pub image: String,
    /// Id of the image, as in the caption files; its file name where they have no ids.
    pub image_id: ImageId,
    /// The caption, words joined by single spaces.
    pub caption: String,
    /// The references, words joined by single spaces, as the caption is compared with them.
    pub references: Vec<String>,
    /// Its own scores: CIDEr-D x10 with the document frequencies of all images that were evaluated, BLEU-1 to BLEU-4 and
    /// ROUGE-L from 0 to 1.
    pub scores: CorpusScores,
    /// `sum_t log p(w_t given w_<t, image)`, nats; the end token counts, length is not normalised.
    pub log_probability: f64,
    /// Words, the end token not counted.
    pub length: usize,
    /// Whether it reached the maximum length without ending.
    pub is_cut_off: bool,
    /// The options of the decoder that it breaks, by their keys: none unless it ended where they left no word.
    pub broken: Vec<&'static str>,
}

/// The scores of a captioner on a split.
#[derive(Debug, Clone)]
pub struct EvaluationReport {
    /// BLEU, ROUGE-L, CIDEr-D of the whole split.
    pub scores: CorpusScores,
    /// One caption an image, in the order of the split.
    pub captions: Vec<ScoredCaption>,
    /// How many different captions there are.
    pub distinct_captions: usize,
    /// Mean length in words, the end token not counted.
    pub mean_length: f64,
    /// Share of captions that reached the maximum length without ending.
    pub cut_off_share: f64,
    /// How many captions ended where the options of the decoder left no word, and so break one of them.
    pub dead_ends: usize,
    /// Every choice that changes the captions, the captioner aside.
    pub decoder: String,
    /// Every choice that changes the scores: the decoder, then the metrics.
    pub signature: String,
}

impl EvaluationReport {
    /// The captions as the server of COCO reads them.
    pub fn results(&self) -> Vec<DecodedCaption> {
        let result = |scored: &ScoredCaption| DecodedCaption {
            image_id: scored.image_id.clone(),
            caption: scored.caption.clone(),
        };
        self.captions.iter().map(result).collect()
    }

    /// The value of one metric.
    pub fn metric(&self, metric: ValidationMetric) -> f64 {
        metric.of(&self.scores)
    }

    /// All values by name, for logs.
    pub fn values(&self) -> Vec<(String, f64)> {
        let mut values = score_values(&self.scores);
        values.extend([
            (
                "distinct_captions".to_owned(),
                self.distinct_captions as f64,
            ),
            ("mean_length".to_owned(), self.mean_length),
            ("cut_off_share".to_owned(), self.cut_off_share),
            ("dead_ends".to_owned(), self.dead_ends as f64),
        ]);
        values
    }
}

/// The scores by name, for logs.
pub(crate) fn score_values(scores: &CorpusScores) -> Vec<(String, f64)> {
    let bleu = (1..).zip(scores.bleu);
    let mut values = vec![("cider_d".to_owned(), scores.cider_d)];
    values.extend(bleu.map(|(n, score)| (format!("bleu{n}"), score)));
    values.push(("rouge_l".to_owned(), scores.rouge_l));
    values
}

impl ValidationMetric {
    /// What checkpoints are compared by: this metric, and the others where it ties.
    pub fn in_order(self) -> [Self; 3] {
        match self {
            Self::CiderD => [Self::CiderD, Self::Bleu4, Self::RougeL],
            Self::Bleu4 => [Self::Bleu4, Self::CiderD, Self::RougeL],
            Self::RougeL => [Self::RougeL, Self::CiderD, Self::Bleu4],
        }
    }

    /// Its value among the scores of a corpus.
    pub fn of(self, scores: &CorpusScores) -> f64 {
        match self {
            Self::CiderD => scores.cider_d,
            Self::Bleu4 => scores.bleu[3],
            Self::RougeL => scores.rouge_l,
        }
    }

    /// The name in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::CiderD => "cider_d",
            Self::Bleu4 => "bleu4",
            Self::RougeL => "rouge_l",
        }
    }

    /// The name on pictures.
    pub fn label(self) -> &'static str {
        match self {
            Self::CiderD => "CIDEr-D",
            Self::Bleu4 => "BLEU-4",
            Self::RougeL => "ROUGE-L",
        }
    }
}

/// Decodes every image of a split and scores the captions against its references, all words
/// kept, as they stand in the caption files.
///
/// With `others` the captioners are an ensemble: their probabilities are averaged at every step. Of images
/// with several samples, so many fewer are decoded at a time. `run` tells the longest caption, and how many images are
/// decoded at a time.
///
/// `watch` is told how many images have captions, before the first batch and after every one; when it breaks, there is
/// no report.
///
/// # Errors
/// [`TrainError`] when the decoder asks for what no caption can be, features cannot be read, decoding fails, or nothing
/// can be scored.
pub fn evaluate(
    captioner: &Captioner,
    others: &[Captioner],
    corpus: &Corpus,
    examples: &[&Example],
    decoder: &DecoderConfig,
    run: &Config,
    watch: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<Option<EvaluationReport>, TrainError> {
    let device = captioner.device();
    let mut search = Search::new(decoder, run, corpus.vocabulary(), Some(corpus))?;
    search.check_captioners(std::iter::once(captioner).chain(others))?;
    let mut found: Vec<Hypothesis> = Vec::with_capacity(examples.len());
    let images = decoder.images_at_a_time(run.validation.images_per_batch);
    for batch in examples.chunks(images) {
        if watch(found.len()).is_break() {
            return Ok(None);
        }
        let features = corpus.features(batch, &device)?;
        found.extend(search.captions(captioner, others, &features)?);
    }
    if watch(found.len()).is_break() {
        return Ok(None);
    }
    let decoder = match others.len() {
        0 => decoder.to_string(),
        others => format!("{decoder}|ensemble:{}", others + 1),
    };
    let texts: Vec<String> = found
        .iter()
        .map(|found| corpus.vocabulary().decode(&found.words))
        .collect();
    let items: Vec<Item<'_, str, String>> = texts
        .iter()
        .zip(examples)
        .map(|(text, example)| Item {
            candidate: text.as_str(),
            references: example.references.as_slice(),
        })
        .collect();
    let evaluation = evaluate_text(&items, FrequencySource::Corpus)?;
    let of_captions = found.into_iter().zip(texts).zip(&evaluation.captions);
    let captions: Vec<ScoredCaption> = examples
        .iter()
        .zip(of_captions)
        .map(|(example, ((found, caption), &scores))| scored(example, found, caption, scores))
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
            "{decoder}+{}{}",
            evaluation.signature(&EvaluationMetric::COCO),
            corpus
                .words()
                .map_or(String::new(), |words| format!("|words:{}", words.name()))
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
        image: example.file_name.clone(),
        image_id: example.id(),
        caption,
        references: example.references.clone(),
        scores,
        log_probability: found.log_probability,
        length: found.words.len() - usize::from(!is_cut_off),
        is_cut_off,
        broken: found.broken,
    }
}
