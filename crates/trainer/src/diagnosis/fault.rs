//! What goes wrong in a stage.

use std::fmt;

use crate::config::ValidationMetric;

/// A fault of a stage, and when it became true.
///
/// `Display` gives one sentence: where, what was found, what was expected, and what to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Name of the stage.
    pub stage: String,
    /// Step of the run.
    pub step: u64,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, step, fault } = self;
        write!(f, "stage `{stage}`, step {step}: {fault}")
    }
}

/// What goes wrong in a stage, as its records and sample captions show it.
///
/// `Display` gives one clause: what was found, what was expected, and what to do.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// A reward program gives every caption the same score.
    ConstantReward {
        /// Name of the reward.
        reward: String,
        /// The score.
        value: f64,
    },
    /// Rewards differ from source to source, but not among the samples of one.
    NoSpreadInGroups {
        /// The smallest and the largest mean reward of the latest records.
        rewards: [f64; 2],
    },
    /// No sample is better or worse than what it is compared with.
    ZeroAdvantages {
        /// Share of the samples without an advantage.
        share: f64,
        /// Their mean reward.
        reward: f64,
    },
    /// The model hardly chooses between words any more.
    EntropyCollapse {
        /// Entropy of the model's distribution, nats a word.
        found: f64,
        /// The same at the beginning of the stage.
        before: f64,
    },
    /// Every gradient is cut down to a small part.
    ClippedGradients {
        /// Its norm before, a mean.
        norm: f64,
        /// Key `clip.norm`.
        limit: f64,
    },
    /// The objective stops the gradient of most words.
    ClippedRatios {
        /// Share of the words.
        share: f64,
    },
    /// Samples get better by the reward, validation captions worse by the metric.
    RewardAgainstValidation {
        /// The validation metric.
        metric: ValidationMetric,
        /// Its value at the start of the stage and now.
        validation: [f64; 2],
        /// The mean reward at the beginning of the stage and now.
        reward: [f64; 2],
        /// The dropout of the stage.
        dropout: f64,
    },
    /// A stage throws away what it began with.
    TooFast {
        /// The validation metric.
        metric: ValidationMetric,
        /// Its value at the start of the stage and now.
        validation: [f64; 2],
        /// The learning rate at the latest step.
        learning_rate: f64,
    },
    /// Captions get longer or shorter than the references.
    LengthDrift {
        /// Mean length of the captions, in words.
        found: f64,
        /// The same at the start of the stage.
        before: f64,
        /// The same of the references.
        references: f64,
    },
    /// Captions end in the middle of a sentence.
    BadEndings {
        /// Sample captions of the latest validations that end so.
        bad: usize,
        /// All of them.
        captions: usize,
        /// One that ends so.
        example: String,
        /// Whether the end token is rewarded.
        has_end_token: bool,
    },
}

impl Fault {
    /// Its name, for machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ConstantReward { .. } => "constant_reward",
            Self::NoSpreadInGroups { .. } => "no_spread_in_groups",
            Self::ZeroAdvantages { .. } => "zero_advantages",
            Self::EntropyCollapse { .. } => "entropy_collapse",
            Self::ClippedGradients { .. } => "clipped_gradients",
            Self::ClippedRatios { .. } => "clipped_ratios",
            Self::RewardAgainstValidation { .. } => "reward_against_validation",
            Self::TooFast { .. } => "too_fast",
            Self::LengthDrift { .. } => "length_drift",
            Self::BadEndings { .. } => "bad_endings",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConstantReward { reward, value } => write!(
                f,
                "reward `{reward}`: found the score {value} for every caption, expected scores that differ, as nothing can \
                 be learnt from equal ones: see what the program reads of a request, and send it two captions by hand"
            ),
            Self::NoSpreadInGroups {
                rewards: [low, high],
            } => write!(
                f,
                "found the same reward for all samples of a source, though it goes from {low:.3} to {high:.3} from record to \
                 record, expected rewards that tell the samples of a source apart: see whether the reward reads the caption \
                 (`text`, `tokens`) and not the source alone"
            ),
            Self::ZeroAdvantages { share, reward } => write!(
                f,
                "found an advantage of 0 for {:.0} % of the samples, whose mean reward is {reward:.3}, expected samples that \
                 are better or worse than their baseline: train by cross-entropy for longer first, choose a reward that is \
                 not the same for almost all captions, or raise `samples_per_source`",
                100.0 * share
            ),
            Self::EntropyCollapse { found, before } => write!(
                f,
                "found an entropy of {found:.3} nats a word, expected one near that of the beginning, {before:.3}: the samples \
                 of a source are all the same, and there is nothing left to learn from; lower the learning rate, end the \
                 stage earlier (`patience`), or keep captions various with `xe_weight` or a small `kl_weight`"
            ),
            Self::ClippedGradients { norm, limit } => write!(
                f,
                "key `clip.norm`: found gradients of norm {norm:.3} on average, expected most of them below {limit:?}: all \
                 steps are clipped to a small part, so that the learning rate does not mean what it says; raise it to \
                 about {:.1}, so that only outliers are clipped",
                2.0 * norm
            ),
            Self::ClippedRatios { share } => write!(
                f,
                "found {:.0} % of the words clipped by the objective, expected a small part: lower `updates_per_rollout` or \
                 the learning rate, or widen the clip of the objective",
                100.0 * share
            ),
            Self::RewardAgainstValidation {
                metric,
                validation: [start, found],
                reward: [before, now],
                dropout,
            } => {
                let label = metric.label();
                write!(
                    f,
                    "found a mean reward that rises, from {before:.3} to {now:.3}, while the validation falls, {label} from \
                     {start:.4} to {found:.4}, expected both to gain: see whether the reward means what is validated (its \
                     references, document frequencies and weights)"
                )?;
                if *dropout > 0.0 {
                    f.write_str(", set `dropout = 0.0` in this stage")?;
                }
                f.write_str(", and lower the learning rate")
            }
            Self::TooFast {
                metric,
                validation: [start, found],
                learning_rate,
            } => write!(
                f,
                "key `learning_rate`: found a validation far below that of the start, {} {found:.4} after {start:.4}, and samples \
                 that get no better, expected a stage that keeps what it began with: {learning_rate:e} is too high here; \
                 divide it by 3 to 10",
                metric.label()
            ),
            Self::LengthDrift {
                found,
                before,
                references,
            } => write!(
                f,
                "found captions of {found:.1} words on average, {before:.1} at the start of the stage, expected about as many \
                 as references have, {references:.1}: the reward favours {} captions; see that it counts the end token \
                 (`reward_end_token`), or add a `length_penalty` or `xe_weight`",
                if found < references { "short" } else { "long" }
            ),
            Self::BadEndings {
                bad,
                captions,
                example,
                has_end_token,
            } => {
                write!(
                    f,
                    "found {bad} of the last {captions} sample captions with a bad ending, such as `{example}`, expected \
                     captions that end as references do: "
                )?;
                f.write_str(if *has_end_token {
                    "add the reward `bad_ending_penalty`, or decode with `bad_endings`"
                } else {
                    "set `reward_end_token = true`, so that an ending counts in the reward"
                })
            }
        }
    }
}
