//! Arguments of `scst document-frequency`.

use std::path::PathBuf;

use clap::Args;

use super::{SplitName, Tokenizer};

#[derive(Debug, Args)]
pub(crate) struct DocumentFrequencyArguments {
    /// COCO annotations, Karpathy JSON, or CSV with --splits
    #[arg(long, value_name = "FILE")]
    pub(crate) captions: PathBuf,
    /// Splits of a CSV of captions
    #[arg(long, value_name = "FILE")]
    pub(crate) splits: Option<PathBuf>,
    /// The images that are counted, where the file has splits
    #[arg(long, value_enum, default_value = "train")]
    pub(crate) split: SplitName,
    /// How raw captions become words
    #[arg(long, value_enum, default_value = "ptb")]
    pub(crate) tokenizer: Tokenizer,
    /// Where the table is written
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}
