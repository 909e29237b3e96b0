//! Arguments of `scst document-frequency`.

use std::path::PathBuf;

use clap::Args;

use super::{SplitName, Tokenizer};

#[derive(Debug, Args)]
pub(crate) struct DocumentFrequencyArguments {
    /// JSON of Karpathy or COCO, JSON Lines or a table, told by what the file holds
    #[arg(long, value_name = "FILE")]
    pub(crate) captions: PathBuf,
    /// Splits of a table of captions; without, all its images are counted
    #[arg(long, value_name = "FILE")]
    pub(crate) splits: Option<PathBuf>,
    /// The images that are counted, where there are splits [default: train]
    #[arg(long, value_enum)]
    pub(crate) split: Option<SplitName>,
    /// How raw captions become words
    #[arg(long, value_enum, default_value = "ptb")]
    pub(crate) tokenizer: Tokenizer,
    /// Where the table is written
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}
