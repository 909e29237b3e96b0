//! Arguments of `scst bench`.

use clap::{Args, Subcommand, builder::PossibleValuesParser};
use scst_model::CaptionerConfig;
use scst_trainer::{Backend, StepBench};

#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    /// What is measured.
    #[command(subcommand)]
    pub(crate) benchmark: Benchmark,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Benchmark {
    /// Time a cross-entropy step and a self-critical step on made-up data; prints one line of JSON
    Step(StepBenchArguments),
}

#[derive(Debug, Args)]
pub(crate) struct StepBenchArguments {
    /// The captioner
    #[arg(long, default_value = "fc", value_parser = PossibleValuesParser::new(CaptionerConfig::NAMES))]
    pub(crate) model: String,
    /// Images in a batch
    #[arg(long, default_value_t = StepBench::default().images)]
    pub(crate) images: usize,
    /// Gold captions and sampled captions of every image
    #[arg(long, default_value_t = StepBench::default().samples)]
    pub(crate) samples: usize,
    /// Words in the vocabulary
    #[arg(long, default_value_t = StepBench::default().vocab)]
    pub(crate) vocab: usize,
    /// Units of an LSTM or the transformer, length of word embeddings, and size of attention
    #[arg(long, default_value_t = StepBench::default().hidden)]
    pub(crate) hidden: usize,
    /// Length of a feature vector
    #[arg(long, default_value_t = StepBench::default().feature)]
    pub(crate) feature: usize,
    /// Regions of an image (all captioners but fc, `show_tell` and markov)
    #[arg(long, default_value_t = StepBench::default().regions)]
    pub(crate) regions: usize,
    /// Longest caption in words, end token included
    #[arg(long, default_value_t = StepBench::default().length)]
    pub(crate) length: usize,
    /// Dropout rate
    #[arg(long, default_value_t = StepBench::default().dropout)]
    pub(crate) dropout: f64,
    /// Steps whose median is printed
    #[arg(long, default_value_t = StepBench::default().steps)]
    pub(crate) steps: usize,
    /// Steps before these
    #[arg(long, default_value_t = StepBench::default().warmup)]
    pub(crate) warmup: usize,
    /// CPU threads
    #[arg(long, default_value_t = 2)]
    pub(crate) threads: usize,
    /// flex (CPU), ndarray (CPU), wgpu (GPU) or cuda (NVIDIA GPU)
    #[arg(long, default_value = "flex", value_parser = |name: &str| Backend::parse(name))]
    pub(crate) backend: Backend,
}
