//! Arguments of `scst estimators`.

use std::path::PathBuf;

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use scst_trainer::{Estimator, EstimatorLab};

use super::{ConfigArguments, RankArguments, config::ConfigOverrides};
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct EstimatorArguments {
    #[command(flatten)]
    pub(crate) ranks: RankArguments,
    /// The configuration file
    #[arg(value_name = "CONFIG.toml")]
    config: Option<PathBuf>,
    #[command(flatten)]
    overrides: ConfigOverrides,
    /// A run directory (its best checkpoint is taken) or a checkpoint directory
    #[arg(long, value_name = "RUN_OR_CHECKPOINT")]
    checkpoint: Option<PathBuf>,
    /// Training images or texts [default: 20]
    #[arg(long)]
    images: Option<usize>,
    /// Numbers of samples of each [default: 2,5,10]
    #[arg(long, value_name = "N,...", value_delimiter = ',')]
    samples: Option<Vec<usize>>,
    /// What is measured: baselines, scales of advantages, credits of words, other objectives [default: the first six]
    #[arg(
        long,
        value_name = "NAME,...",
        value_delimiter = ',',
        value_parser = PossibleValuesParser::new(Estimator::names())
            .try_map(|name| Estimator::named(&name).ok_or("there is none of this name")),
    )]
    objectives: Option<Vec<Estimator>>,
    /// Draws of every estimator [default: 50]
    #[arg(long)]
    draws: Option<u64>,
    /// Draws of the mean that they are compared with [default: 200]
    #[arg(long)]
    reference_draws: Option<u64>,
    /// Enumerate every group of 2 and of 4 samples of a toy instead: exact, without configuration, data or checkpoint
    #[arg(long)]
    toy: bool,
    /// Draw bias against variance, too: an SVG picture
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) picture: Option<PathBuf>,
    /// Print one JSON list
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is to be measured.
#[derive(Debug)]
pub(crate) enum EstimatorTask {
    /// Every group of samples of a toy.
    Toy,
    /// Draws from a captioner.
    Run(Box<EstimatorRun>),
}

/// Whose draws are measured.
#[derive(Debug)]
pub(crate) struct EstimatorRun {
    /// Data and rewards.
    pub(crate) config: ConfigArguments,
    /// Weights.
    pub(crate) checkpoint: PathBuf,
    /// How they are measured.
    pub(crate) lab: EstimatorLab,
}

impl EstimatorArguments {
    /// What is to be measured, unless the flags do not go together.
    pub(crate) fn resolve(self) -> Result<EstimatorTask, Failure> {
        if self.toy {
            self.refuse_flags_of_runs()?;
            return Ok(EstimatorTask::Toy);
        }
        let (Some(config), Some(checkpoint)) = (self.config, self.checkpoint) else {
            return Err(Failure::Mistake(
                "found nothing to measure, expected CONFIG.toml and --checkpoint RUN_OR_CHECKPOINT, or --toy".to_owned(),
            ));
        };
        Ok(EstimatorTask::Run(Box::new(EstimatorRun {
            config: ConfigArguments {
                config,
                overrides: self.overrides,
            },
            checkpoint,
            lab: EstimatorLab {
                sources: self.images.unwrap_or(20),
                samples: self.samples.unwrap_or_else(|| vec![2, 5, 10]),
                estimators: self.objectives.unwrap_or_else(Estimator::baselines),
                draws: self.draws.unwrap_or(50),
                reference_draws: self.reference_draws.unwrap_or(200),
            },
        })))
    }

    fn refuse_flags_of_runs(&self) -> Result<(), Failure> {
        let set = &self.overrides;
        let flags = [
            ("CONFIG.toml", self.config.is_some()),
            ("--set", !set.overrides.is_empty()),
            ("--backend", set.backend.is_some()),
            ("--seed", set.seed.is_some()),
            ("--threads", set.threads.is_some()),
            ("--checkpoint", self.checkpoint.is_some()),
            ("--images", self.images.is_some()),
            ("--samples", self.samples.is_some()),
            ("--objectives", self.objectives.is_some()),
            ("--draws", self.draws.is_some()),
            ("--reference-draws", self.reference_draws.is_some()),
        ];
        Failure::refuse_flags(&flags, |flag| {
            format!(
                "{flag}: found it with --toy, whose images, samples and weights are given, expected none"
            )
        })
    }
}
