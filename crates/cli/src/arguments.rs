//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use scst_data::Split;
use scst_trainer::{Backend, config::Override};
use tracing::level_filters::LevelFilter;

/// Self-critical sequence training: train image captioners with cross-entropy, then with
/// reinforcement learning on the metric they are judged by.
///
/// A run is described by a TOML file (see `configs/`). To begin with the data set that comes with
/// the project:
///
///   scst train configs/quickstart.toml
///
/// Results are written to runs/NAME: metrics.jsonl, tensorboard/, checkpoints/, best/, curve.svg
/// and summary.json.
#[derive(Debug, Parser)]
#[command(name = "scst", version, max_term_width = 100, verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// What is to be done.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// How much is logged to standard error: off, error, warn, info, debug or trace.
    #[arg(long, global = true, default_value = "warn", value_name = "LEVEL")]
    pub(crate) log_level: LevelFilter,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a captioner, or go on with a run that was interrupted
    Train(TrainArguments),
    /// Score a run or checkpoint: BLEU-1..4, ROUGE-L, CIDEr-D as coco-caption prints them
    Eval(EvalArguments),
    /// Print a configuration with all defaults, after checking it
    Config(ConfigArguments),
    /// List the backends and devices that this binary and this machine can use
    Devices(DevicesArguments),
    /// Generate the embedded data set of drawn scenes
    Scenes(ScenesArguments),
    /// Compare one backend with flex on a small training step
    #[command(hide = true)]
    SelfTest(SelfTestArguments),
}

/// A configuration file and what is set over it.
#[derive(Debug, Args)]
pub(crate) struct ConfigArguments {
    /// The configuration file
    #[arg(value_name = "CONFIG.toml")]
    pub(crate) config: PathBuf,
    /// Set a value over the file's, e.g. `stages.0.epochs=3`; may be given several times
    #[arg(long = "set", value_name = "KEY.PATH=VALUE")]
    pub(crate) overrides: Vec<String>,
    /// flex (CPU), ndarray (CPU), wgpu (GPU) or cuda (NVIDIA GPU)
    #[arg(long)]
    pub(crate) backend: Option<String>,
    /// Seed of every random draw
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// CPU threads
    #[arg(long)]
    pub(crate) threads: Option<usize>,
}

impl ConfigArguments {
    /// All overrides, in the order in which they apply.
    pub(crate) fn overrides(&self) -> Result<Vec<Override>, scst_trainer::config::ConfigError> {
        let mut texts = self.overrides.clone();
        texts.extend(
            self.backend
                .as_ref()
                .map(|name| format!("backend={name:?}")),
        );
        texts.extend(self.seed.map(|seed| format!("seed={seed}")));
        texts.extend(self.threads.map(|threads| format!("threads={threads}")));
        texts.iter().map(|text| Override::parse(text)).collect()
    }
}

#[derive(Debug, Args)]
pub(crate) struct TrainArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// The run directory [default: runs/NAME]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with the run in the run directory, from its newest checkpoint
    #[arg(long)]
    pub(crate) resume: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EvalArguments {
    /// A run directory (its best checkpoint is taken) or a checkpoint directory
    #[arg(value_name = "RUN_OR_CHECKPOINT")]
    pub(crate) model: PathBuf,
    /// The images to caption
    #[arg(long, value_enum, default_value = "val")]
    pub(crate) split: SplitName,
    /// Beam width; greedy decoding without
    #[arg(long, value_name = "K")]
    pub(crate) beam: Option<usize>,
    /// Captions of other data: Karpathy JSON, COCO annotations, or CSV with --splits
    #[arg(long, value_name = "FILE", requires = "features")]
    pub(crate) captions: Option<PathBuf>,
    /// Splits of a CSV of captions
    #[arg(long, value_name = "FILE", requires = "captions")]
    pub(crate) splits: Option<PathBuf>,
    /// Features of other data: .npy, .safetensors, or a folder
    #[arg(long, value_name = "PATH", requires = "captions")]
    pub(crate) features: Option<PathBuf>,
    /// Write the captions as the COCO server takes them: [{"image_id", "caption"}]
    #[arg(long, value_name = "results.json")]
    pub(crate) out: Option<PathBuf>,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    pub(crate) json: bool,
    /// flex (CPU), ndarray (CPU), wgpu (GPU) or cuda (NVIDIA GPU) [default: that of the run]
    #[arg(long)]
    pub(crate) backend: Option<String>,
    /// CPU threads
    #[arg(long)]
    pub(crate) threads: Option<usize>,
}

/// Names of splits.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SplitName {
    Train,
    Val,
    Test,
}

impl From<SplitName> for Split {
    fn from(name: SplitName) -> Self {
        match name {
            SplitName::Train => Self::Train,
            SplitName::Val => Self::Val,
            SplitName::Test => Self::Test,
        }
    }
}

impl SplitName {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct DevicesArguments {
    /// Run a small training step on every device, each in a process of its own
    #[arg(long)]
    pub(crate) self_test: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SelfTestArguments {
    /// The backend
    #[arg(value_parser = |name: &str| Backend::parse(name))]
    pub(crate) backend: Backend,
}

#[derive(Debug, Args)]
pub(crate) struct ScenesArguments {
    /// Where the data set is written
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Seed of the scenes
    #[arg(long, default_value_t = scst_data::scenes::SEED)]
    pub(crate) seed: u64,
}
