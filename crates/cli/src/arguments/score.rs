//! Arguments of `scst score`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use scst_reward::TextMetric;

use super::{SplitName, Tokenizer};

/// Metrics of captions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScoreMetric {
    /// CIDEr-D x10: what coco-caption prints as "CIDEr"
    #[value(name = "cider_d")]
    CiderD,
    /// Plain CIDEr x10
    Cider,
    /// BLEU-1 to BLEU-4
    Bleu,
    /// BLEU-1
    #[value(name = "bleu_1")]
    Bleu1,
    /// BLEU-2
    #[value(name = "bleu_2")]
    Bleu2,
    /// BLEU-3
    #[value(name = "bleu_3")]
    Bleu3,
    /// BLEU-4
    #[value(name = "bleu_4")]
    Bleu4,
    /// ROUGE-L
    #[value(name = "rouge_l")]
    RougeL,
    /// Word error rate of raw text; smaller is better
    #[value(name = "word_error_rate")]
    WordErrorRate,
    /// The same, where words are phonemes
    #[value(name = "phoneme_error_rate")]
    PhonemeErrorRate,
    /// Character error rate of raw text; smaller is better
    #[value(name = "character_error_rate")]
    CharacterErrorRate,
    /// Share of captions that are a reference, word for word
    #[value(name = "exact_match")]
    ExactMatch,
    /// chrF of sacrebleu on raw text, 0 to 1
    Chrf,
    /// chrF++ of sacrebleu on raw text, 0 to 1
    #[value(name = "chrf++")]
    ChrfPlusPlus,
    /// BLEU of sacrebleu on raw text, 0 to 1; tokenizer 13a
    Sacrebleu,
    /// The same with the tokenizer intl
    #[value(name = "sacrebleu_intl")]
    SacrebleuIntl,
    /// The same with characters as words
    #[value(name = "sacrebleu_char")]
    SacrebleuChar,
    /// The same with words as they stand
    #[value(name = "sacrebleu_none")]
    SacrebleuNone,
    /// ROUGE-1 of rouge-score on raw text
    #[value(name = "rouge_score_1")]
    RougeScore1,
    /// ROUGE-2 of rouge-score on raw text
    #[value(name = "rouge_score_2")]
    RougeScore2,
    /// ROUGE-L of rouge-score on raw text
    #[value(name = "rouge_score_l")]
    RougeScoreL,
    /// METEOR, by its Java program (--meteor-jar)
    Meteor,
    /// SPICE, by its Java program (--spice-jar)
    Spice,
    /// Diversity of several captions an image: distinct-1 and -2, mBLEU, self-CIDEr
    Diversity,
}

impl ScoreMetric {
    /// The metric of raw text that it is.
    pub(crate) fn of_text(self) -> Option<TextMetric> {
        let value = self.to_possible_value()?;
        let mut all = TextMetric::ALL.into_iter();
        all.find(|metric| metric.name() == value.get_name())
    }
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags")]
pub(crate) struct ScoreArguments {
    /// References: one or more captions an image
    #[arg(long, value_name = "FILE|-")]
    pub(crate) references: PathBuf,
    /// The captions to score
    #[arg(long, value_name = "FILE|-")]
    pub(crate) candidates: PathBuf,
    /// The split of the references that is scored, where they have splits [default: all]
    #[arg(long, value_enum)]
    pub(crate) split: Option<SplitName>,
    /// Splits of a table of references
    #[arg(long, value_name = "FILE")]
    pub(crate) splits: Option<PathBuf>,
    /// The metrics, joined by commas
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "METRIC,...",
        default_value = "cider_d,cider,bleu,rouge_l"
    )]
    pub(crate) metrics: Vec<ScoreMetric>,
    /// Score several captions an image: all of them together, and by each metric the best of every image
    #[arg(long)]
    pub(crate) several: bool,
    /// Document frequencies of CIDEr: `corpus` for those of the references, or a table: one that
    /// `scst document-frequency` wrote, or the pickled coco-train-words.p of self-critical.pytorch
    #[arg(long, value_name = "corpus|FILE", default_value = "corpus")]
    pub(crate) document_frequency: PathBuf,
    /// How raw captions become words; metrics of raw text take captions as they stand
    #[arg(long, value_enum, default_value = "ptb")]
    pub(crate) tokenizer: Tokenizer,
    /// Score only the images that have a candidate; without, an image that has none is an error
    #[arg(long)]
    pub(crate) subset: bool,
    /// Print the scores of every caption too
    #[arg(long)]
    pub(crate) per_caption: bool,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    pub(crate) json: bool,
    /// METEOR's meteor-1.5.jar, with its data folder beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) meteor_jar: Option<PathBuf>,
    /// SPICE's spice-1.0.jar, with its libraries beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) spice_jar: Option<PathBuf>,
    /// The Java program
    #[arg(long, value_name = "PROGRAM", default_value = "java")]
    pub(crate) java: PathBuf,
    /// CPU threads
    #[arg(long)]
    pub(crate) threads: Option<usize>,
}
