//! Arguments of `scst bench`.

use clap::{Args, Subcommand, ValueEnum, builder::PossibleValuesParser};
use scst_kernels::product::Precision;
use scst_model::{CaptionerConfig, TextEncoderConfig};
use scst_trainer::{Backend, BenchTask, ImageSizes, StepBench, TextSizes};

use crate::failure::Failure;

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
    /// What is read
    #[arg(long, value_enum, default_value = "image")]
    pub(crate) task: TaskName,
    /// The captioner [default: fc; of texts att2in]
    #[arg(long, value_parser = PossibleValuesParser::new(CaptionerConfig::NAMES))]
    pub(crate) model: Option<String>,
    /// Gold captions and sampled captions of every image or text
    #[arg(long, default_value_t = StepBench::default().samples)]
    pub(crate) samples: usize,
    /// Words in the vocabulary
    #[arg(long, default_value_t = StepBench::default().vocab)]
    pub(crate) vocab: usize,
    /// Units of an LSTM or the transformer, length of word embeddings, and size of attention
    #[arg(long, default_value_t = StepBench::default().hidden)]
    pub(crate) hidden: usize,
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
    /// Parts that a batch is computed in, as `parts` of a stage [default: one of each rank]
    #[arg(long)]
    pub(crate) parts: Option<usize>,
    /// CPU threads, of each rank where `mpirun` or `srun` has started several
    #[arg(long, default_value_t = 2)]
    pub(crate) threads: usize,
    /// flex (CPU), ndarray (CPU), wgpu (GPU) or cuda (NVIDIA GPU)
    #[arg(long, default_value = "flex", value_parser = |name: &str| Backend::parse(name))]
    pub(crate) backend: Backend,
    /// What the inputs of matrix products are rounded to
    #[arg(long, value_enum, default_value = "f32")]
    pub(crate) precision: PrecisionName,
    #[command(flatten)]
    images: ImageArguments,
    #[command(flatten)]
    texts: TextArguments,
}

/// What the inputs of matrix products are rounded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PrecisionName {
    /// Nothing
    F32,
    /// bfloat16, on the CPU
    Bf16,
}

impl From<PrecisionName> for Precision {
    fn from(name: PrecisionName) -> Self {
        match name {
            PrecisionName::F32 => Self::F32,
            PrecisionName::Bf16 => Self::Bf16,
        }
    }
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TaskName {
    /// Features of images
    Image,
    /// Texts, by an encoder below the captioner
    Text,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "With --task image")]
struct ImageArguments {
    #[arg(long, value_name = "N", help = format!("Images in a batch [default: {}]", ImageSizes::default().images))]
    images: Option<usize>,
    #[arg(
        long,
        value_name = "N",
        help = format!("Length of a feature vector [default: {}]", ImageSizes::default().feature)
    )]
    feature: Option<usize>,
    #[arg(
        long,
        value_name = "N",
        help = format!(
            "Regions of an image (all captioners but fc, `show_tell` and markov) [default: {}]",
            ImageSizes::default().regions
        )
    )]
    regions: Option<usize>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "With --task text")]
struct TextArguments {
    #[arg(long, value_name = "N", help = format!("Texts in a batch [default: {}]", TextSizes::default().sources))]
    sources: Option<usize>,
    #[arg(
        long,
        value_name = "N",
        help = format!(
            "Longest text in tokens; texts differ as sentences do, all lengths from a third of it equally often [default: {}]",
            TextSizes::default().length
        )
    )]
    source_length: Option<usize>,
    #[arg(
        long,
        value_name = "N",
        help = format!("Tokens in the vocabulary of texts [default: {}]", TextSizes::default().vocab)
    )]
    source_vocab: Option<usize>,
    #[arg(
        long,
        value_parser = PossibleValuesParser::new(TextEncoderConfig::NAMES),
        help = format!("What reads texts [default: {}]", TextSizes::default().encoder)
    )]
    encoder: Option<String>,
}

impl StepBenchArguments {
    /// What is timed, on so many ranks.
    ///
    /// # Errors
    /// [`Failure::Mistake`] when a flag of the other task is given.
    pub(crate) fn resolve(&self, ranks: usize) -> Result<StepBench, Failure> {
        let (task, model) = match self.task {
            TaskName::Image => {
                self.texts.refuse()?;
                (BenchTask::Images(self.images.sizes()), "fc")
            }
            TaskName::Text => {
                self.images.refuse()?;
                (BenchTask::Texts(self.texts.sizes()), "att2in")
            }
        };
        Ok(StepBench {
            backend: self.backend,
            precision: self.precision.into(),
            model: self.model.clone().unwrap_or_else(|| model.to_owned()),
            task,
            samples: self.samples,
            vocab: self.vocab,
            hidden: self.hidden,
            length: self.length,
            dropout: self.dropout,
            parts: self.parts.unwrap_or(ranks),
            steps: self.steps,
            warmup: self.warmup,
        })
    }
}

impl ImageArguments {
    fn sizes(&self) -> ImageSizes {
        let default = ImageSizes::default();
        ImageSizes {
            images: self.images.unwrap_or(default.images),
            feature: self.feature.unwrap_or(default.feature),
            regions: self.regions.unwrap_or(default.regions),
        }
    }

    /// With texts none of them may be given.
    fn refuse(&self) -> Result<(), Failure> {
        let flags = [
            ("--images", self.images.is_some()),
            ("--feature", self.feature.is_some()),
            ("--regions", self.regions.is_some()),
        ];
        refuse(&flags, ["text", "image"])
    }
}

impl TextArguments {
    fn sizes(&self) -> TextSizes {
        let default = TextSizes::default();
        TextSizes {
            sources: self.sources.unwrap_or(default.sources),
            length: self.source_length.unwrap_or(default.length),
            vocab: self.source_vocab.unwrap_or(default.vocab),
            encoder: self.encoder.clone().unwrap_or(default.encoder),
        }
    }

    /// With images none of them may be given.
    fn refuse(&self) -> Result<(), Failure> {
        let flags = [
            ("--sources", self.sources.is_some()),
            ("--source-length", self.source_length.is_some()),
            ("--source-vocab", self.source_vocab.is_some()),
            ("--encoder", self.encoder.is_some()),
        ];
        refuse(&flags, ["image", "text"])
    }
}

fn refuse(flags: &[(&str, bool)], [task, other]: [&str; 2]) -> Result<(), Failure> {
    Failure::refuse_flags(flags, |flag| {
        format!("{flag}: found it with `--task {task}`, expected `--task {other}`")
    })
}
