//! Settings that are known to fail, seen before the first step.

use std::fmt;

use scst_loss::AdvantageScale;
use scst_reward::StandardiseOver;

use crate::config::{Config, OptimiserConfig, ScstConfig, StageConfig, StartFrom};

/// Learning rates that are known to work with Adam and AdamW for gold captions: up to 3e-3 for small networks (data/results);
/// fine-tuning of pretrained captioners goes down to 1e-5 (OFA).
const GOLD: [f64; 2] = [1e-5, 3e-3];
/// The same in self-critical training: up to 5e-4 for small networks (data/results, where 3e-4 leaves the fewest captions of 512
/// units), down to 5e-6 (meshed-memory transformer).
const SELF_CRITICAL: [f64; 2] = [5e-6, 5e-4];
/// What lies within this factor of a range is not told.
const NEAR: f64 = 1.5;
/// Epochs of gold captions below which a captioner has not learnt enough. After 3 of 16 self-critical training ends .08 lower on
/// Flickr8k; on 83,000 captions of COCO it gains after 2 (data/results).
const LEAST_EPOCHS: f64 = 2.0;

/// A setting that is known to fail.
///
/// `Display` gives one sentence: key, what was found, what was expected, and what to do.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Setting {
    /// A learning rate outside of those that are known to work.
    LearningRate {
        /// Its key.
        key: String,
        /// Its value.
        found: f64,
        /// The smallest and the largest that are known to work.
        known: [f64; 2],
        /// Name of the optimiser.
        optimiser: &'static str,
        /// Whether the stage is of self-critical training.
        is_self_critical: bool,
    },
    /// Self-critical training of a captioner that has hardly been trained.
    EarlySelfCritical {
        /// Name of the stage.
        stage: String,
        /// Epochs of training on gold captions before it.
        epochs: f64,
    },
    /// The end token is not rewarded.
    EndTokenUnrewarded {
        /// The key.
        key: String,
    },
    /// Rewards are standardised, and what is made of them again.
    StandardisedTwice {
        /// The key of the reward.
        key: String,
        /// Key of the scale of advantages.
        scale_key: String,
        /// Its value.
        scale: &'static str,
    },
}

impl Setting {
    /// Its name, for machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::LearningRate { .. } => "learning_rate",
            Self::EarlySelfCritical { .. } => "early_self_critical",
            Self::EndTokenUnrewarded { .. } => "end_token_unrewarded",
            Self::StandardisedTwice { .. } => "standardised_twice",
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LearningRate {
                key,
                found,
                known: [low, high],
                optimiser,
                is_self_critical,
            } => {
                let kind = if *is_self_critical {
                    "self-critical training"
                } else {
                    "training on gold captions"
                };
                let remedy = if found > high { "lower" } else { "raise" };
                write!(
                    f,
                    "key `{key}`: found {found:e}, expected {low:e} to {high:e}, the rates that are known to work with \
                     `{optimiser}` in {kind}: {remedy} it, or watch the first validations closely"
                )
            }
            Self::EarlySelfCritical { stage, epochs } => write!(
                f,
                "stage `{stage}`: found {epochs:.1} epochs of training on gold captions before it, expected as many as it takes \
                 until the validation score stands still: what cross-entropy has not learnt, self-critical training does not \
                 make up for; give the stage before it more `epochs`, or `start_from` a trained checkpoint"
            ),
            Self::EndTokenUnrewarded { key } => write!(
                f,
                "key `{key}`: found false, expected true: where the end token is no part of what is rewarded, captions learn to \
                 end badly (\"a man riding a\")"
            ),
            Self::StandardisedTwice {
                key,
                scale_key,
                scale,
            } => write!(
                f,
                "key `{key}`: found true beside `{scale_key} = \"{scale}\"`, expected one of the two: what is standardised twice \
                 says less of how good a caption is; leave one of them out"
            ),
        }
    }
}

/// All settings of a run that are known to fail. `steps_per_epoch`: of every stage, where it is known.
pub fn setting_faults(config: &Config, steps_per_epoch: &[Option<f64>]) -> Vec<Setting> {
    let mut found = Vec::new();
    // Nothing is known of what a checkpoint has learnt.
    let mut epochs = Some(0.0);
    for (k, stage) in config.stages.iter().enumerate() {
        found.extend(learning_rate(k, stage));
        if let StartFrom::Checkpoint(_) = stage.start_from {
            epochs = None;
        }
        let Some(scst) = &stage.scst else {
            let length = epochs_of(stage, steps_per_epoch.get(k).copied().flatten());
            epochs = epochs.zip(length).map(|(before, own)| before + own);
            continue;
        };
        if let Some(epochs) = epochs.take().filter(|epochs| *epochs < LEAST_EPOCHS) {
            let stage = stage.name.clone();
            found.push(Setting::EarlySelfCritical { stage, epochs });
        }
        if !scst.reward_end_token {
            let key = format!("stages.{k}.scst.reward_end_token");
            found.push(Setting::EndTokenUnrewarded { key });
        }
        found.extend(standardised_twice(k, scst));
    }
    found
}

/// How long a stage is, if that is known.
fn epochs_of(stage: &StageConfig, steps_per_epoch: Option<f64>) -> Option<f64> {
    match (stage.epochs, stage.steps) {
        (Some(epochs), _) => Some(epochs as f64),
        (None, steps) => Some(steps? as f64 / steps_per_epoch?),
    }
}

fn learning_rate(k: usize, stage: &StageConfig) -> Option<Setting> {
    let is_self_critical = stage.scst.is_some();
    let known = if is_self_critical {
        SELF_CRITICAL
    } else {
        GOLD
    };
    let found = stage.learning_rate;
    let is_known = found >= known[0] / NEAR && found <= known[1] * NEAR;
    (!is_known).then(|| Setting::LearningRate {
        key: format!("stages.{k}.learning_rate"),
        found,
        known,
        optimiser: match stage.optimiser {
            OptimiserConfig::Adam(_) => "adam",
            OptimiserConfig::Adamw(_) => "adamw",
        },
        is_self_critical,
    })
}

/// A reward whose standardisation an advantage scale over the same captions repeats. Over sources and then over the batch is
/// GDPO (Liu et al. 2026), and no mistake.
fn standardised_twice(k: usize, scst: &ScstConfig) -> Option<Setting> {
    let scale = match scst.advantage_scale {
        AdvantageScale::None => return None,
        AdvantageScale::Group => "group",
        AdvantageScale::Batch => "batch",
    };
    let is_twice = |over: StandardiseOver| scale == "group" || over == StandardiseOver::Batch;
    let mut rewards = scst.rewards.iter();
    let n = rewards.position(|entry| entry.standardise && is_twice(entry.standardise_over))?;
    Some(Setting::StandardisedTwice {
        key: format!("stages.{k}.scst.rewards.{n}.standardise"),
        scale_key: format!("stages.{k}.scst.advantage_scale"),
        scale,
    })
}
