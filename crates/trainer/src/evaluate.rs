//! Scoring a captioner on a split, with the numbers of coco-caption.

use scst_data::Example;
use scst_model::Captioner;
use scst_reward::{CorpusScores, EvaluationMetric, FrequencySource, Item, evaluate_text};
use scst_sampler::{BeamOptions, END, Limits, beam};
use serde::Serialize;

use crate::{
    TrainError, config::ValidationMetric, corpus::Corpus, decode::Decoder, objective::repeat,
    scst::greedy_captions,
};

/// How captions are decoded for evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecoderChoice {
    /// The most probable word at every step.
    Greedy,
    /// The best caption of a beam of this width, by summed log-probability.
    Beam(usize),
}

impl std::fmt::Display for DecoderChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Greedy => f.write_str("greedy"),
            Self::Beam(width) => write!(f, "beam {width}"),
        }
    }
}

/// A caption that was decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecodedCaption {
    /// Id of the image, as in the caption files.
    pub image_id: u64,
    /// The caption, words joined by single spaces.
    pub caption: String,
}

/// The scores of a captioner on a split.
#[derive(Debug, Clone)]
pub struct EvaluationReport {
    /// BLEU, ROUGE-L, CIDEr-D of the whole split.
    pub scores: CorpusScores,
    /// One caption an image, in the order of the split.
    pub captions: Vec<DecodedCaption>,
    /// How many different captions there are.
    pub distinct_captions: usize,
    /// Mean length in words, the end token not counted.
    pub mean_length: f64,
    /// Share of captions that reached the maximum length without ending.
    pub cut_off_share: f64,
    /// Every choice that changes the scores.
    pub signature: String,
}

impl EvaluationReport {
    /// The value of one metric.
    pub fn metric(&self, metric: ValidationMetric) -> f64 {
        match metric {
            ValidationMetric::CiderD => self.scores.cider_d,
            ValidationMetric::Bleu4 => self.scores.bleu[3],
            ValidationMetric::RougeL => self.scores.rouge_l,
        }
    }

    /// All values by name, for logs.
    pub fn values(&self) -> Vec<(String, f64)> {
        let bleu = (1..).zip(self.scores.bleu);
        let mut values = vec![("cider_d".to_owned(), self.scores.cider_d)];
        values.extend(bleu.map(|(n, score)| (format!("bleu{n}"), score)));
        values.extend([
            ("rouge_l".to_owned(), self.scores.rouge_l),
            (
                "distinct_captions".to_owned(),
                self.distinct_captions as f64,
            ),
            ("mean_length".to_owned(), self.mean_length),
            ("cut_off_share".to_owned(), self.cut_off_share),
        ]);
        values
    }
}

impl ValidationMetric {
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
/// # Errors
/// [`TrainError`] when features cannot be read, decoding fails, or nothing can be scored.
pub fn evaluate(
    captioner: &Captioner,
    corpus: &Corpus,
    examples: &[Example],
    decoder: DecoderChoice,
    images_per_batch: usize,
) -> Result<EvaluationReport, TrainError> {
    let device = captioner.device();
    let max_length = corpus.max_length();
    let mut words: Vec<Vec<u32>> = Vec::with_capacity(examples.len());
    for batch in examples.chunks(images_per_batch.max(1)) {
        let features = corpus.features(&batch.iter().collect::<Vec<_>>(), &device)?;
        words.extend(match decoder {
            DecoderChoice::Greedy => greedy_captions(captioner, features, max_length)?,
            DecoderChoice::Beam(width) => {
                let images = batch.len();
                let state = captioner.start(features, &repeat(images, 1))?;
                let mut model = Decoder::reading(captioner);
                let options = BeamOptions {
                    width,
                    ..BeamOptions::default()
                };
                let limits = Limits::length(max_length);
                let beams = beam(&mut model, state, images, &options, &limits)?;
                let best = |beam: Vec<scst_sampler::Hypothesis>| beam.into_iter().next();
                beams
                    .into_iter()
                    .map(|beam| best(beam).map(|h| h.words).unwrap_or_default())
                    .collect()
            }
        });
    }
    let texts: Vec<String> = words
        .iter()
        .map(|words| corpus.vocabulary().decode(words))
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
    let cut_off = words
        .iter()
        .filter(|words| !words.ends_with(&[END]))
        .count();
    let captions = texts
        .iter()
        .zip(examples)
        .map(|(text, example)| DecodedCaption {
            image_id: example.image_id,
            caption: text.clone(),
        });
    Ok(EvaluationReport {
        scores: evaluation.scores,
        captions: captions.collect(),
        distinct_captions: evaluation.distinct_captions,
        mean_length: evaluation.mean_length,
        cut_off_share: cut_off as f64 / examples.len().max(1) as f64,
        signature: evaluation.signature(&EvaluationMetric::COCO),
    })
}
