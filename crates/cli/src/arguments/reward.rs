//! Arguments of `scst reward`.

use std::path::PathBuf;

use clap::Args;

use super::{SplitName, Tokenizer};

/// What `--references` takes.
const REFERENCES: &str = "The references of images: a file of captions as for training (a CSV with --splits), COCO \
    annotations, or {\"x.jpg\": [\"a dog runs\", \"two dogs\"]}, where a caption may be a list of token ids. An image \
    that is not there needs its references in the request";

#[derive(Debug, Args)]
pub(crate) struct RewardArguments {
    /// Answer requests from standard input on standard output until the input ends
    #[arg(long, required = true)]
    pub(crate) serve: bool,
    #[arg(long, value_name = "FILE", help = REFERENCES)]
    pub(crate) references: Option<PathBuf>,
    /// Splits of a CSV of captions
    #[arg(long, value_name = "FILE", requires = "references")]
    pub(crate) splits: Option<PathBuf>,
    /// The images whose references are used, where the captions have splits
    #[arg(long, value_enum, default_value = "train")]
    pub(crate) split: SplitName,
    /// Captions, vocabulary and words as in this run or checkpoint: rewards are those of its training
    #[arg(long, value_name = "RUN", conflicts_with_all = ["references", "vocabulary", "ids", "tokenizer"])]
    pub(crate) run: Option<PathBuf>,
    /// Captions are token ids of this vocabulary, a tokenizer.json of a run, and end with its end token. Text is taken
    /// for words between spaces
    #[arg(long, value_name = "FILE", conflicts_with_all = ["ids", "tokenizer"])]
    pub(crate) vocabulary: Option<PathBuf>,
    /// Captions are token ids, in the references too, and nobody says what words they are
    #[arg(long, conflicts_with = "tokenizer")]
    pub(crate) ids: bool,
    /// The id that ends captions; what stands behind it is left out
    #[arg(long, value_name = "ID", requires = "ids")]
    pub(crate) end_token: Option<u32>,
    /// How raw captions become words
    #[arg(long, value_enum, default_value = "ptb")]
    pub(crate) tokenizer: Tokenizer,
    /// Document frequencies of CIDEr-D: `corpus` for those of the references, or a table: one that
    /// `scst document-frequency` wrote, or a pickled one of self-critical.pytorch
    #[arg(long, value_name = "corpus|FILE", default_value = "corpus")]
    pub(crate) document_frequency: PathBuf,
    /// The rewards, whose weighted sum is the score: names joined by commas, entries as in a configuration
    /// (`[{ cider_d = {} }, { weight = 0.5, bleu = { order = 4 } }]`), or a TOML file with a list `rewards`.
    /// `scst rewards` lists them
    #[arg(long, value_name = "REWARDS", default_value = "cider_d")]
    pub(crate) reward: String,
    /// CPU threads
    #[arg(long)]
    pub(crate) threads: Option<usize>,
}
