//! The scores of a captioner on a split, and its captions.

use scst_data::ExampleId;
use scst_reward::CorpusScores;
use serde::Serialize;

use crate::config::ValidationMetric;

/// A caption that was decoded, as the server of COCO reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecodedCaption {
    /// Id of its source, as in the user's files; its name where they have no ids.
    // The key of COCO's results.
    #[serde(rename = "image_id")]
    pub id: ExampleId,
    /// The caption, words joined by single spaces.
    pub caption: String,
}

/// A caption that was decoded and compared with the references of its source.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredCaption {
    /// What messages call its source: of an image its file name without folders, of a text its id, or its file and line.
    pub name: String,
    /// Id of its source, as in the user's files; its name where they have no ids.
    pub id: ExampleId,
    /// What was read, if that is a text.
    pub source: Option<String>,
    /// The caption, words joined by single spaces.
    pub caption: String,
    /// The references, words joined by single spaces, as the caption is compared with them.
    pub references: Vec<String>,
    /// Its own scores: CIDEr-D x10 with the document frequencies of all sources that were evaluated, BLEU-1 to BLEU-4 and
    /// ROUGE-L from 0 to 1.
    pub scores: CorpusScores,
    /// `sum_t log p(w_t given w_<t, source)`, nats; the end token counts, length is not normalised.
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
    /// One caption a source, in the order of the split.
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
            id: scored.id.clone(),
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
    values.extend(bleu.map(|(n, score)| (format!("bleu_{n}"), score)));
    values.push(("rouge_l".to_owned(), scores.rouge_l));
    let of_text = scores.text.iter();
    values.extend(of_text.map(|(metric, score)| (metric.name().to_owned(), score)));
    values
}
