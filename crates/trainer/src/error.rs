//! Why a run cannot begin, go on, or be evaluated.

use std::path::{Path, PathBuf};

use burn::tensor::TensorReadError;
use scst_data::DataError;
use scst_files::FileError;
use scst_group::GroupError;
use scst_loss::LossError;
use scst_model::ModelError;
use scst_reward::RewardError;
use scst_sampler::SamplerError;
use thiserror::Error;

use crate::{
    backend::BackendError,
    checkpoint::CheckpointError,
    config::{ConfigError, Problem},
    custom::CustomError,
    events::{EventError, curve::CurveError},
};

/// Why a run cannot begin, go on, or be evaluated.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Captions, features or vocabulary.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The backend.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// A reward or metric.
    #[error(transparent)]
    Reward(#[from] RewardError),
    /// A reward that a stage asks for.
    #[error("stage `{stage}`: {source}")]
    StageReward {
        /// Name of the stage.
        stage: String,
        /// What is wrong with the reward.
        source: RewardError,
    },
    /// The teacher that a stage asks for.
    #[error("stage `{stage}`: teacher: {source}")]
    StageTeacher {
        /// Name of the stage.
        stage: String,
        /// What is wrong with the teacher.
        source: Box<CheckpointError>,
    },
    /// A captioner.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A loss.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// The ranks of a run cannot go on together.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// Threads cannot be started.
    #[error("cannot start threads: {0}")]
    Threads(rayon::ThreadPoolBuildError),
    /// A rank is not like the first.
    #[error(
        "found another {what} on rank {rank}, `{found}`, expected that of rank 0, `{expected}`"
    )]
    RanksDiffer {
        /// What differs.
        what: &'static str,
        /// The rank.
        rank: usize,
        /// Its value, or the first line of it that differs.
        found: String,
        /// The same of rank 0.
        expected: String,
    },
    /// There are more ranks than a stage has parts.
    #[error(
        "stage `{stage}`: found {found} `parts` of a batch on {ranks} ranks, expected {ranks} parts or more: one at least for \
         every rank"
    )]
    TooFewParts {
        /// Name of the stage.
        stage: String,
        /// `parts`.
        found: usize,
        /// How many ranks there are.
        ranks: usize,
    },
    /// Ranks have come to different weights.
    #[error(
        "found other weights on rank {rank} than on rank 0 after step {step}, expected the same bits: its processor or its libraries \
         compute otherwise"
    )]
    WeightsDiffer {
        /// The rank.
        rank: usize,
        /// Steps that were taken, over all stages.
        step: u64,
    },
    /// What another crate adds.
    #[error(transparent)]
    Custom(#[from] CustomError),
    /// An objective that a stage asks for.
    #[error("stage `{stage}`: {source}")]
    StageObjective {
        /// Name of the stage.
        stage: String,
        /// What is wrong with it.
        source: CustomError,
    },
    /// A search.
    #[error(transparent)]
    Sampler(#[from] SamplerError<ModelError>),
    /// A checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A file of the run.
    #[error(transparent)]
    File(#[from] FileError),
    /// The records of the run.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The picture of the run.
    #[error(transparent)]
    Curve(#[from] CurveError),
    /// A device did not hand a result back.
    #[error("cannot read a result back from the device: {0}")]
    Device(#[from] TensorReadError),
    /// A run of that name exists.
    #[error(
        "`{}` holds a run already; add --resume to go on with it, or choose another directory with --out",
        path.display()
    )]
    RunExists {
        /// The run directory.
        path: PathBuf,
    },
    /// Another process trains in the run directory, or may do so.
    #[error(
        "`{}` shows that this run is being trained by {holder}; {}",
        path.display(),
        if *is_running {
            "let that process end first, or stop it".to_owned()
        } else {
            format!("if that process is no more, delete `{}`", path.display())
        }
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The process, its machine, and since when.
        holder: String,
        /// Whether it is known to run.
        is_running: bool,
    },
    /// The record of how a run was begun is damaged.
    #[error(
        "`{}`, line {line}: found no record of a run, expected the one that was written; with the file deleted, the relative paths of the run start from the current directory",
        path.display()
    )]
    RunRecord {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
    /// A file that a run was trained on is nowhere.
    #[error(
        "key `{key}`: found no `{}`{}, expected the file or folder that the run was begun with; if it has moved, say \
         where it is with --set {key}=PATH",
        path.display(),
        places(tried)
    )]
    Moved {
        /// The key that names it.
        key: String,
        /// The path.
        path: PathBuf,
        /// The directories in which it was looked for; none for an absolute path.
        tried: Vec<PathBuf>,
    },
    /// A run is to go on with other captions.
    #[error(
        "key `{key}`: `{}` holds other captions than those that the run was begun with, expected the same",
        path.display()
    )]
    OtherCaptions {
        /// The key that names them.
        key: String,
        /// The file.
        path: PathBuf,
    },
    /// A run directory that cannot be one.
    #[error("`{}` is {found}, expected a directory{}", path.display(), for_run(path, run))]
    NotADirectory {
        /// What is in the way: the run directory, or one above it.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// The run directory.
        run: PathBuf,
    },
    /// A run is to go on and there is none.
    #[error(
        "`{}` holds no run to go on with: found no `config.toml`; leave --resume out to begin one, or give \
         --resume-or-start, which begins one where there is none",
        path.display()
    )]
    NoRun {
        /// The run directory.
        path: PathBuf,
    },
    /// A directory with traces of a run but without its configuration.
    #[error(
        "`{}` holds no `config.toml`, but `{}` of an earlier run; put the `config.toml` back (every checkpoint holds \
         it), or choose another directory with --out",
        path.display(),
        found.display()
    )]
    RunWithoutConfig {
        /// The run directory.
        path: PathBuf,
        /// What a run has left there.
        found: PathBuf,
    },
    /// A run is resumed with another configuration.
    #[error(
        "`{}` was begun with another configuration: key `{key}` was {was}, now it is {is}",
        path.display()
    )]
    ConfigChanged {
        /// The run directory.
        path: PathBuf,
        /// The first key that differs.
        key: String,
        /// Its value when the run began.
        was: String,
        /// Its value now.
        is: String,
    },
    /// A configuration that says neither what is read nor what is written.
    #[error("key `data`: found no task, expected `captions` and `features` of images, or `text`")]
    NoTask,
    /// A split that is needed has no examples.
    #[error("the data hold nothing in the split `{split}`, expected 1 image or text, or more")]
    EmptySplit {
        /// Name of the split.
        split: &'static str,
    },
    /// A batch larger than the training set.
    #[error(
        "stage `{stage}`: found {found} sources per batch, expected at most the {sources} training sources"
    )]
    BatchTooLarge {
        /// Name of the stage.
        stage: String,
        /// Sources per batch.
        found: usize,
        /// Training sources.
        sources: usize,
    },
    /// A stage of more steps than there are random draws for.
    #[error("stage `{stage}`: found {found} `{key}`, expected at most {most}")]
    StageTooLong {
        /// Name of the stage.
        stage: String,
        /// `steps` or `epochs`.
        key: &'static str,
        /// Its value.
        found: u64,
        /// The largest possible.
        most: u64,
    },
    /// A stage that was to end earlier than where the run is.
    #[error(
        "stage `{stage}`: found an end after {found} steps, expected {done} or more, which are done; to have an \
         earlier state, take its checkpoint"
    )]
    StageTooShort {
        /// Name of the stage.
        stage: String,
        /// Its steps.
        found: u64,
        /// Steps that are done.
        done: u64,
    },
    /// A decoder that is out of range, or that asks for what no caption can be.
    #[error("{}", joined(problems))]
    Decoder {
        /// Everything that is wrong with it.
        problems: Vec<Problem>,
    },
    /// Longer captions are asked for than a captioner can score.
    #[error(
        "captions of up to {found} words: found a captioner `markov` of {positions} positions, expected a maximum length \
         of {positions} or less"
    )]
    CaptionTooLong {
        /// The maximum length.
        found: usize,
        /// The longest caption of the captioner.
        positions: usize,
    },
    /// A captioner that is too large for any machine.
    #[error("captioner `{captioner}`: {message}")]
    CaptionerTooLarge {
        /// Name of the captioner.
        captioner: &'static str,
        /// What was found and expected.
        message: String,
    },
    /// A vocabulary without any word of the training captions.
    #[error(
        "{}: it holds no word of the training captions, such as `{example}`, expected the vocabulary that belongs to them",
        vocabulary.as_ref().map_or_else(
            || "the vocabulary of the run".to_owned(),
            |path| format!("key `data.vocabulary`, `{}`", path.display())
        )
    )]
    NoKnownWords {
        /// The file of the vocabulary, if it was given.
        vocabulary: Option<PathBuf>,
        /// A word of the training captions.
        example: String,
    },
    /// Consensus decoding without document frequencies.
    #[error(
        "`consensus` weighs words by how often the training captions hold them, but the data hold nothing in the split `train`"
    )]
    ConsensusWithoutTraining,
    /// Features of regions for a captioner that reads one vector, or the other way round.
    #[error("`{}`: found {found}, expected {expected}, as captioner `{captioner}` reads", path.display())]
    FeatureForm {
        /// The feature file.
        path: PathBuf,
        /// What it holds.
        found: &'static str,
        /// Name of the captioner.
        captioner: &'static str,
        /// What the captioner reads.
        expected: &'static str,
    },
    /// A configuration without a self-critical stage where one is needed.
    #[error("key `stages`: found no stage with `scst`, expected one, whose rewards are used")]
    NoSelfCriticalStage,
    /// A divergence whose other model the estimator lab does not have.
    #[error(
        "key `stages.{stage}.scst.kl_weight`: found {found}, expected 0 to measure estimators, as the model that the \
         stage began with is not there; add --set stages.{stage}.scst.kl_weight=0"
    )]
    DivergenceFromNothing {
        /// Index of the stage.
        stage: usize,
        /// The weight.
        found: f64,
    },
    /// A size of a benchmark that is out of range.
    #[error("{name}: found {found}, expected {expected}")]
    BenchSize {
        /// Name of the size.
        name: &'static str,
        /// Its value.
        found: String,
        /// What it should have been.
        expected: String,
    },
    /// Numbers that are no longer finite.
    #[error(
        "stage `{stage}`, step {step}: found a {what} that is not finite; try a lower learning rate"
    )]
    NotFinite {
        /// Name of the stage.
        stage: String,
        /// Step of the run, from 1, as records and checkpoints count them.
        step: u64,
        /// What is not finite.
        what: &'static str,
    },
    /// A reward so large that gradient or loss are no longer finite.
    #[error(
        "stage `{stage}`, step {step}: found a {what} that is not finite, because reward `{reward}` with weight {weight:?} is {value:e} for \
         the caption `{caption}` of source `{example}`; expected rewards of a size near 1"
    )]
    RewardOverflow {
        /// Name of the stage.
        stage: String,
        /// Step of the run, from 1.
        step: u64,
        /// What is not finite.
        what: &'static str,
        /// Name of the reward.
        reward: String,
        /// Its value, without its weight.
        value: f64,
        /// Its weight.
        weight: f64,
        /// Id of its example.
        example: Box<str>,
        /// The caption that was given it.
        caption: Box<str>,
    },
}

/// Which run a directory is wanted for, where that is not the directory itself.
fn for_run(path: &Path, run: &Path) -> String {
    if path == run {
        return " for the run".to_owned();
    }
    format!(" for the run `{}`", run.display())
}

/// The directories that were looked in.
fn places(tried: &[PathBuf]) -> String {
    let names: Vec<String> = tried.iter().map(|d| format!("`{}`", d.display())).collect();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => format!(" in {only}"),
        Some((last, others)) => format!(" in {} or {last}", others.join(", ")),
    }
}

fn joined(problems: &[Problem]) -> String {
    let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
    problems.join("; ")
}

impl TrainError {
    /// Whether the user's files, configuration or command are at fault, not the machine.
    pub fn is_mistake(&self) -> bool {
        match self {
            Self::Data(error) => error.is_mistake(),
            Self::Checkpoint(error) => error.is_mistake(),
            Self::StageTeacher { source, .. } => source.is_mistake(),
            Self::Reward(error) | Self::StageReward { source: error, .. } => error.is_mistake(),
            Self::Custom(error) | Self::StageObjective { source: error, .. } => error.is_mistake(),
            Self::Sampler(error) => matches!(
                error,
                SamplerError::NothingAllowed { .. } | SamplerError::Option(_)
            ),
            Self::Config(_)
            | Self::Backend(_)
            | Self::RunExists { .. }
            | Self::Locked { .. }
            | Self::RunRecord { .. }
            | Self::Moved { .. }
            | Self::OtherCaptions { .. }
            | Self::NotADirectory { .. }
            | Self::NoRun { .. }
            | Self::RunWithoutConfig { .. }
            | Self::StageTooLong { .. }
            | Self::StageTooShort { .. }
            | Self::ConfigChanged { .. }
            | Self::NoTask
            | Self::EmptySplit { .. }
            | Self::BatchTooLarge { .. }
            | Self::Decoder { .. }
            | Self::CaptionTooLong { .. }
            | Self::CaptionerTooLarge { .. }
            | Self::NoKnownWords { .. }
            | Self::ConsensusWithoutTraining
            | Self::FeatureForm { .. }
            | Self::NoSelfCriticalStage
            | Self::DivergenceFromNothing { .. }
            | Self::RanksDiffer { .. }
            | Self::TooFewParts { .. }
            | Self::BenchSize { .. } => true,
            Self::Model(_)
            | Self::Loss(_)
            | Self::Group(_)
            | Self::Threads(_)
            | Self::WeightsDiffer { .. }
            | Self::File(_)
            | Self::Event(_)
            | Self::Curve(_)
            | Self::Device(_)
            | Self::NotFinite { .. }
            | Self::RewardOverflow { .. } => false,
        }
    }
}
