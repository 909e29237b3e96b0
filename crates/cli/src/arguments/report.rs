//! Arguments of `scst report`.

use std::path::PathBuf;

use clap::Args;

use super::EvaluationArguments;

#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// Run directories, or those that `scst train --seeds` made, whose seeds are shown together; several are shown side by
    /// side
    #[arg(value_name = "RUN", required = true)]
    pub(crate) runs: Vec<PathBuf>,
    /// Where the page goes
    #[arg(long, value_name = "FILE.html", default_value = "report.html")]
    pub(crate) out: PathBuf,
    /// Print the report on standard output in place of making a page
    #[arg(long, conflicts_with_all = ["out", "images"])]
    pub(crate) text: bool,
    /// A folder with the photos: small pictures of the captions that changed most go into the page
    #[arg(long, value_name = "FOLDER")]
    pub(crate) images: Option<PathBuf>,
    /// Resamples of the bootstrap, and as many of the randomisation
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) resamples: usize,
    #[command(flatten)]
    pub(crate) evaluation: EvaluationArguments,
}
