//! The command line.

mod caption;
mod data;
mod decoder;
mod features;
mod import;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use scst_data::Split;
use scst_trainer::{Backend, BenchModel, StepBench, config::Override};
use tracing::level_filters::LevelFilter;

pub(crate) use caption::CaptionArguments;
pub(crate) use data::FeatureArguments;
pub(crate) use decoder::DecoderArguments;
pub(crate) use features::FeaturesArguments;
pub(crate) use import::{ImportArguments, Origin};

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
    Eval(Box<EvalArguments>),
    /// Caption photos with a trained run, and draw where it looked
    ///
    /// A run that was trained on files of `scst features` knows its encoder and where its weights are.
    /// Greedy and beam search print the best caption of every image; --samples prints all that were
    /// drawn, those that --rerank puts first before the others, with their log-probabilities. --json
    /// holds all captions that were found, and the log-probabilities of all.
    Caption(Box<CaptionArguments>),
    /// Score captions against references with coco-caption's metrics: no training, no Java, no Python
    Score(ScoreArguments),
    /// Build a table of document frequencies for CIDEr from captions
    DocumentFrequency(DocumentFrequencyArguments),
    /// Tokenise raw captions: one a line on standard input, one a line on standard output
    Tokenize(TokenizeArguments),
    /// List the rewards that a configuration can name, with their options, defaults and ranges
    Rewards,
    /// Print a configuration with all defaults, after checking it
    Config(ConfigArguments),
    /// List the backends and devices that this binary and this machine can use
    Devices(DevicesArguments),
    /// Measure how fast training is on this machine
    Bench(BenchArguments),
    /// Measure the gradients of sampled captions: bias, variance and cost by baseline and samples
    Estimators(EstimatorArguments),
    /// Turn weights of another program into a checkpoint
    Import(ImportArguments),
    /// Encode a folder of images: pooled features, grid features or both
    Features(FeaturesArguments),
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
        let sets = self.overrides.iter();
        let sets = sets.map(|text| Override::of_flag("--set", text));
        let flags = [
            (
                "backend",
                self.backend.as_ref().map(|name| format!("{name:?}")),
            ),
            ("seed", self.seed.map(|seed| seed.to_string())),
            ("threads", self.threads.map(|threads| threads.to_string())),
        ];
        let flags = flags.into_iter().filter_map(|(key, value)| {
            let value = value?;
            Some(Override::of_key(&format!("--{key}"), key, &value))
        });
        sets.chain(flags).collect()
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
    #[arg(long, conflicts_with = "resume_or_start")]
    pub(crate) resume: bool,
    /// The same, or begin a run if there is none: for job scripts
    #[arg(long)]
    pub(crate) resume_or_start: bool,
    /// Read all features of a resumed run again and compare their checksum, even where size, time and
    /// sampled rows of the files are as they were
    #[arg(long)]
    pub(crate) verify_features: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EvalArguments {
    /// A run directory (its best checkpoint is taken) or a checkpoint directory
    #[arg(value_name = "RUN_OR_CHECKPOINT")]
    pub(crate) model: PathBuf,
    /// The images to caption
    #[arg(long, value_enum, default_value = "val")]
    pub(crate) split: SplitName,
    /// Another run or checkpoint, whose probabilities are averaged with those of the first at every
    /// word; may be given several times
    #[arg(long, value_name = "RUN_OR_CHECKPOINT")]
    pub(crate) ensemble: Vec<PathBuf>,
    /// Captions of other data: Karpathy JSON, COCO annotations, or a table with --splits
    #[arg(long, value_name = "FILE")]
    pub(crate) captions: Option<PathBuf>,
    /// Splits of a table of captions
    #[arg(long, value_name = "FILE", requires = "captions")]
    pub(crate) splits: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: FeatureArguments,
    /// Write the captions as the COCO server takes them: [{"image_id", "caption"}]; where the caption files have no
    /// ids (tables), `image_id` is the file name
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
    #[command(flatten)]
    pub(crate) decoder: DecoderArguments,
}

/// How raw captions become words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tokenizer {
    /// As coco-caption: Penn Treebank rules, lower case, no punctuation
    Ptb,
    /// Words are what stands between white space
    None,
}

impl Tokenizer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ptb => "ptb",
            Self::None => "none",
        }
    }

    /// The words of a raw caption, joined by single spaces.
    pub(crate) fn tokenize(self, raw: &str) -> String {
        match self {
            Self::Ptb => scst_reward::ptb::tokenize(raw),
            Self::None => raw.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }
}

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
    /// ROUGE-L
    #[value(name = "rouge_l")]
    RougeL,
    /// METEOR, by its Java program (--meteor-jar)
    Meteor,
    /// SPICE, by its Java program (--spice-jar)
    Spice,
    /// Diversity of several captions an image: distinct-1 and -2, mBLEU, self-CIDEr
    Diversity,
}

#[derive(Debug, Args)]
pub(crate) struct ScoreArguments {
    /// COCO annotations: {"images": [{"id"}], "annotations": [{"image_id", "caption"}]}
    #[arg(long, value_name = "REFS.json")]
    pub(crate) references: PathBuf,
    /// COCO results: [{"image_id", "caption"}]
    #[arg(long, value_name = "CANDS.json")]
    pub(crate) candidates: PathBuf,
    /// The metrics, joined by commas
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "METRIC,...",
        default_value = "cider_d,cider,bleu,rouge_l"
    )]
    pub(crate) metrics: Vec<ScoreMetric>,
    /// Document frequencies of CIDEr: `corpus` for those of the references, or a table: one that
    /// `scst document-frequency` wrote, or the pickled coco-train-words.p of self-critical.pytorch
    #[arg(long, value_name = "corpus|FILE", default_value = "corpus")]
    pub(crate) document_frequency: PathBuf,
    /// How raw captions become words
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

#[derive(Debug, Args)]
pub(crate) struct TokenizeArguments {
    /// How raw captions become words
    #[arg(long, value_enum, default_value = "ptb")]
    pub(crate) tokenizer: Tokenizer,
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

/// Captioners that can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum BenchModelName {
    /// The image vector as the first input of an LSTM
    Fc,
    /// The image vector as the first input of an LSTM that reads plain words
    ShowTell,
    /// Attention over regions, which enters the candidate of an LSTM
    Att2in,
    /// A softmax over whole captions, chains of words
    Markov,
    /// Attention to the words so far and to regions, without a recurrence
    Transformer,
    /// Attention over regions, which enters candidate and gates of an LSTM
    Att2all,
    /// One LSTM that attends to regions, below one that chooses words
    UpDown,
}

impl From<BenchModelName> for BenchModel {
    fn from(name: BenchModelName) -> Self {
        match name {
            BenchModelName::Fc => Self::Fc,
            BenchModelName::ShowTell => Self::ShowTell,
            BenchModelName::Att2in => Self::Att2in,
            BenchModelName::Markov => Self::Markov,
            BenchModelName::Transformer => Self::Transformer,
            BenchModelName::Att2all => Self::Att2all,
            BenchModelName::UpDown => Self::UpDown,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct StepBenchArguments {
    /// The captioner
    #[arg(long, value_enum, default_value = "fc")]
    pub(crate) model: BenchModelName,
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

#[derive(Debug, Args)]
pub(crate) struct EstimatorArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// A run directory (its best checkpoint is taken) or a checkpoint directory
    #[arg(long, value_name = "RUN_OR_CHECKPOINT")]
    pub(crate) checkpoint: PathBuf,
    /// Training images
    #[arg(long, default_value_t = 20)]
    pub(crate) images: usize,
    /// Numbers of samples an image
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_values_t = [2, 5, 10])]
    pub(crate) samples: Vec<usize>,
    /// Draws of every estimator
    #[arg(long, default_value_t = 50)]
    pub(crate) draws: u64,
    /// Draws of the mean that they are compared with
    #[arg(long, default_value_t = 200)]
    pub(crate) reference_draws: u64,
    /// Print one JSON list
    #[arg(long)]
    pub(crate) json: bool,
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
