//! The command line.

mod bench;
mod caption;
mod card;
mod compare;
mod completions;
mod config;
mod data;
mod decoder;
mod devices;
mod doctor;
mod document_frequency;
mod estimators;
mod eval;
mod evaluation;
mod features;
mod generate;
mod import;
mod man;
mod new;
mod ranks;
mod report;
mod reward;
mod run_overrides;
mod scenes;
mod score;
mod show_config;
mod split;
mod split_name;
mod tokenize;
mod train;

use clap::{ArgAction, Parser, Subcommand};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use crate::output::Verbosity;

pub(crate) use bench::{BenchArguments, Benchmark, StepBenchArguments};
pub(crate) use caption::CaptionArguments;
pub(crate) use card::CardArguments;
pub(crate) use compare::CompareArguments;
pub(crate) use completions::CompletionsArguments;
pub(crate) use config::ConfigArguments;
pub(crate) use data::{FeatureArguments, feature_source};
pub(crate) use decoder::DecoderArguments;
pub(crate) use devices::{DevicesArguments, SelfTestArguments};
pub(crate) use doctor::DoctorArguments;
pub(crate) use document_frequency::DocumentFrequencyArguments;
pub(crate) use estimators::{EstimatorArguments, EstimatorRun, EstimatorTask};
pub(crate) use eval::{CaptionOrder, EvalArguments};
pub(crate) use evaluation::EvaluationArguments;
pub(crate) use features::FeaturesArguments;
pub(crate) use generate::GenerateArguments;
pub(crate) use import::{ImportArguments, Origin};
pub(crate) use man::ManArguments;
pub(crate) use new::NewArguments;
pub(crate) use ranks::RankArguments;
pub(crate) use report::ReportArguments;
pub(crate) use reward::RewardArguments;
pub(crate) use run_overrides::RunOverrides;
pub(crate) use scenes::ScenesArguments;
pub(crate) use score::{ScoreArguments, ScoreMetric};
pub(crate) use show_config::ShowConfigArguments;
pub(crate) use split::SplitArguments;
pub(crate) use split_name::SplitName;
pub(crate) use tokenize::{TokenizeArguments, Tokenizer};
pub(crate) use train::{Seeds, TrainArguments};

/// Train image captioners with cross-entropy, then with self-critical sequence
/// training: reinforcement learning on the metric that they are judged by.
///
/// A run is described by a TOML file (see `configs/`) and leaves all it made in
/// runs/NAME. To begin with the data set that comes with the project:
///
///   scst train configs/quickstart.toml
#[derive(Debug, Parser)]
#[command(name = "scst", version = crate::build_info::line(), long_version = crate::build_info::lines(), max_term_width = 100, verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// What is to be done.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Say less: only warnings, errors and results
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more: every record and checkpoint of a run; twice, what the libraries log too
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
}

impl Arguments {
    /// How much is said beside results.
    pub(crate) fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, _) => Verbosity::Verbose,
        }
    }

    /// What is said of what the libraries log.
    pub(crate) fn logged(&self) -> Targets {
        if self.verbose > 1 {
            return Targets::new().with_default(LevelFilter::DEBUG);
        }
        // What devices learn is kept in a file; where it cannot be, `scst devices` says so, once and in plain words.
        Targets::new()
            .with_default(LevelFilter::WARN)
            .with_target("cubecl", LevelFilter::OFF)
            .with_target("turso", LevelFilter::OFF)
    }
}

impl Command {
    /// How many seconds a rank waits for others, if the command can be divided among several.
    pub(crate) fn rank_timeout(&self) -> Option<u64> {
        match self {
            Self::Train(arguments) => Some(arguments.ranks.rank_timeout),
            Self::Eval(arguments) => Some(arguments.ranks.rank_timeout),
            Self::Features(arguments) => Some(arguments.ranks.rank_timeout),
            Self::Estimators(arguments) => Some(arguments.ranks.rank_timeout),
            Self::Bench(_) => Some(RankArguments::TIMEOUT),
            _ => None,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a configuration for your own data
    ///
    /// Sizes come from the data: the longest caption from 99 % of them, the vocabulary from how often words stand, captioner,
    /// batches and epochs from the features and the number of images. What has no splits is shared out by a seed. Nothing
    /// is written that cannot be trained; the commands that come next are printed.
    New(NewArguments),
    /// Train a captioner, or go on with a run that was stopped
    Train(TrainArguments),
    /// Read all data and say what training would find
    ///
    /// Nothing is trained or written. Exit code 0 and "no problems", or all mistakes that can be found at once and exit code 2. Reward programs are
    /// started and ended.
    Check(ConfigArguments),
    /// Find what goes wrong in training, before or after it
    ///
    /// Of a configuration: what `check` finds, references, features, what its validations can tell apart, time and memory from
    /// a few timed steps, settings that are known to fail. Of a run, while it trains or afterwards: what its records and sample captions show,
    /// and what it has warned of; the trainer says the same at the step where it becomes true. Every finding is one sentence
    /// with its remedy. Exit code 0, with findings too, and 2 where a configuration cannot be trained.
    Doctor(Box<DoctorArguments>),
    /// Score a run: CIDEr-D, BLEU-1..4, ROUGE-L
    Eval(Box<EvalArguments>),
    /// Whether runs differ: intervals and p of every metric
    ///
    /// All captions are scored once. Paired bootstrap: sources are drawn with replacement, the same for both sides, and
    /// the interval holds 95 % of the differences. p is that of approximate randomisation: how often a difference as large
    /// comes about when the sides exchange sources by chance. BLEU and other metrics of summed counts are summed anew in
    /// every resample; document frequencies of CIDEr-D stay.
    ///
    /// A side of several seeds is the mean of its runs: these are resampled too, and p is that of runs that change sides.
    /// Two single runs tell nothing of other seeds. Intervals and p are those of one metric each: choose it beforehand.
    Compare(Box<CompareArguments>),
    /// Make a page of runs: scores, curves, captions
    ///
    /// One HTML file that needs no network: curves of training, scores with intervals, captions before and after
    /// self-critical training with their references, words, lengths and endings. Captions are decoded once and kept in
    /// the run directory, in the folder `decoded`.
    Report(Box<ReportArguments>),
    /// Write the model card of a run for the Hugging Face Hub
    ///
    /// README.md beside the weights of the best checkpoint: scores with intervals, how it was trained, and the header from
    /// which the Hub has task, metrics and results.
    Card(Box<CardArguments>),
    /// Caption photos, and draw where the captioner looked
    ///
    /// A run that was trained on files of `scst features` knows its encoder and where its weights are.
    /// Greedy and beam search print the best caption of every image; --samples prints all that were
    /// drawn, those that --rerank puts first before the others, with their log-probabilities. --json
    /// holds all captions that were found, and the log-probabilities of all.
    Caption(Box<CaptionArguments>),
    /// Write targets for texts, with a run that reads texts
    ///
    /// Translations, pronunciations, paraphrases: prints one line a source, the best target; --samples prints all that were drawn. A source without a token gives an
    /// empty line, so that lines stay beside those of the file. --json holds log-probabilities too.
    Generate(Box<GenerateArguments>),
    /// Score captions of any program as coco-caption does
    ///
    /// No training, no Java, no Python.
    ///
    /// Files are JSON of Karpathy or COCO, COCO results, JSON Lines ({"image_id", "caption"} a line),
    /// tables with the header `image,caption`, or plain text, a caption a line in the order of the
    /// references: what they hold tells which. Captions meet by image id, or by file name. `-` stands
    /// for standard input.
    Score(ScoreArguments),
    /// Build a table of document frequencies for CIDEr
    DocumentFrequency(DocumentFrequencyArguments),
    /// Tokenise captions: a line in, a line out
    Tokenize(TokenizeArguments),
    /// List the rewards that a configuration can name
    Rewards,
    /// Print a configuration with its defaults, or explain keys
    Config(ShowConfigArguments),
    /// Compute rewards for other programs: JSON lines in and out
    ///
    ///   scst reward --serve --references captions.json
    ///
    /// reads a request a line, {"captions":[{"image_id":"x.jpg","text":"a dog"}]}, and answers it with one,
    /// {"scores":[0.3]}. scripts/README.md has the protocol, scripts/reward_client.py a client.
    #[command(verbatim_doc_comment)]
    Reward(RewardArguments),
    /// List the backends and devices that can be used here
    Devices(DevicesArguments),
    /// Measure how fast training is on this machine
    Bench(BenchArguments),
    /// Measure bias and variance of self-critical gradients
    ///
    /// With a configuration and a checkpoint, gradients of a run's captions are drawn with every baseline and compared with the mean of many draws.
    /// With --toy every group of samples of a toy is enumerated, and the numbers are exact: the cosine of the expected gradient to the true one, the
    /// bias that is left after the best scaling, relative to the true gradient, and the variance, relative to the squared expected gradient.
    Estimators(EstimatorArguments),
    /// Turn weights of another program into a checkpoint
    Import(ImportArguments),
    /// Share out images to train, val and test
    ///
    /// The table is one for `captions.kaggle`. All captions of an image go to one split. The same
    /// names, ratio and seed give the same splits, in whatever order the names stand.
    Split(SplitArguments),
    /// Encode a folder of images: pooled or grid features
    Features(FeaturesArguments),
    /// Generate the embedded data set of drawn scenes
    Scenes(ScenesArguments),
    /// Print completions for a shell
    ///
    ///   scst completions bash > ~/.local/share/bash-completion/completions/scst
    ///   scst completions fish > ~/.config/fish/completions/scst.fish
    ///   scst completions zsh > _scst      (in a folder of $fpath)
    #[command(verbatim_doc_comment)]
    Completions(CompletionsArguments),
    /// Print the manual, or write a page for every command
    Man(ManArguments),
    /// Compare one backend with flex on a small training step
    #[command(hide = true)]
    SelfTest(SelfTestArguments),
}
