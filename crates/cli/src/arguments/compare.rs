//! Arguments of `scst compare`.

use std::path::PathBuf;

use clap::Args;
use scst_reward::TextMetric;

use super::{EvaluationArguments, Tokenizer};

#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    /// Two or more sides, each compared with the first: a run, a checkpoint, or what `scst train --seeds` made; with
    /// --references files of captions
    #[arg(value_name = "SIDE", num_args = 1.., required_unless_present = "a", conflicts_with_all = ["a", "b"])]
    pub(crate) sides: Vec<PathBuf>,
    /// The runs of side A, one a seed: `--a runs/x/seed-*`
    #[arg(long, value_name = "RUN", num_args = 1.., requires = "b")]
    pub(crate) a: Vec<PathBuf>,
    /// The runs of side B, one a seed: `--b runs/y/seed-*`
    #[arg(long, value_name = "RUN", num_args = 1.., requires = "a")]
    pub(crate) b: Vec<PathBuf>,
    /// Resamples of the bootstrap, and as many of the randomisation
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) resamples: usize,
    /// Seed of the resamples
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) resampling_seed: u64,
    /// Compare files of captions, as `scst score` reads them, against these references; all images that the file lists,
    /// or those of --split where it has splits
    #[arg(long, value_name = "FILE", conflicts_with_all = ["captions", "features", "texts", "backend"])]
    pub(crate) references: Option<PathBuf>,
    /// With --references: metrics of raw text beside CIDEr-D, BLEU and ROUGE-L, joined by commas, such as
    /// `chrf,word_error_rate`
    #[arg(
        long,
        value_parser = text_metric,
        value_delimiter = ',',
        value_name = "METRIC,...",
        requires = "references"
    )]
    pub(crate) metrics: Vec<TextMetric>,
    /// With --references: how raw captions become words [default: ptb]
    #[arg(long, value_enum, requires = "references")]
    pub(crate) tokenizer: Option<Tokenizer>,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) evaluation: EvaluationArguments,
}

fn text_metric(name: &str) -> Result<TextMetric, String> {
    let mut all = TextMetric::ALL.into_iter();
    all.find(|metric| metric.name() == name).ok_or_else(|| {
        let names = TextMetric::ALL.map(TextMetric::name);
        format!(
            "found `{name}`, expected metrics of raw text: {}",
            names.join(", ")
        )
    })
}
