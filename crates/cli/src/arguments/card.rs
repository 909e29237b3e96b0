//! Arguments of `scst card`.

use std::path::PathBuf;

use clap::Args;

use super::EvaluationArguments;

#[derive(Debug, Args)]
pub(crate) struct CardArguments {
    /// The directory of a run, whose best checkpoint the card is of
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// Where the card goes [default: RUN/best/README.md, beside the weights]
    #[arg(long, value_name = "FILE.md")]
    pub(crate) out: Option<PathBuf>,
    /// Replace a card that somebody has changed
    #[arg(long)]
    pub(crate) force: bool,
    /// The licence of the weights, as the Hub names it: mit, apache-2.0, cc-by-4.0
    #[arg(long, value_name = "NAME")]
    pub(crate) license: Option<String>,
    /// A language of the captions, as the Hub names it: en, zh; may be given several times
    #[arg(long, value_name = "CODE")]
    pub(crate) language: Vec<String>,
    /// The data that was evaluated on, as the Hub names it [default: file and folder of the captions or texts]
    #[arg(long, value_name = "NAME")]
    pub(crate) dataset: Option<String>,
    #[command(flatten)]
    pub(crate) evaluation: EvaluationArguments,
}
