//! Rewards that teach nothing.

use super::{
    case::{Case, Rule},
    fault::Fault,
    history::mean,
};
use crate::config::ScstConfig;

/// The rules, causes before what follows from them.
pub(super) const RULES: [Rule; 3] = [constant_reward, no_spread_in_groups, zero_advantages];

/// Numbers that differ by less, relative to their size, differ by rounding alone.
const ROUNDING: f64 = 1e-9;
/// A reward that moves by less from record to record, relative to its size, does not move.
const MOVES: f64 = 1e-4;
/// Share of samples without an advantage from which on there is nothing to learn. Objectives that look at a caption or two of
/// five leave four fifths without, and so do exact matches of a good captioner.
const ALL: f64 = 0.99;

/// A program, or a reward of another crate, whose mean score is the same to the last digit in every record: over hundreds of
/// captions only equal scores do that. Built-in penalties may well be 0 for all.
fn constant_reward(case: &Case<'_>) -> Option<Fault> {
    let scst = case.scst()?;
    programs(scst).find_map(|reward| {
        let scores = case.history.late(&format!("reward_{reward}"))?;
        let value = *scores.first()?;
        scores
            .iter()
            .all(|score| is_near(*score, value, ROUNDING))
            .then(|| Fault::ConstantReward {
                reward: reward.to_owned(),
                value,
            })
    })
}

/// The names of rewards that are not built in.
fn programs(scst: &ScstConfig) -> impl Iterator<Item = &str> {
    scst.rewards.iter().filter_map(|entry| {
        let command = entry.command.as_ref().map(|command| command.name.as_str());
        command.or(entry.custom.as_ref().map(|custom| custom.name.as_str()))
    })
}

/// No spread within sources, though the mean reward moves from record to record as the sources do.
fn no_spread_in_groups(case: &Case<'_>) -> Option<Fault> {
    let scst = case.scst()?;
    if scst.samples_per_source < 2 || has_few_choices(case) {
        return None;
    }
    let rewards = case.history.late("reward")?;
    let spreads = case.history.late("reward_spread")?;
    let low = rewards.iter().copied().fold(f64::INFINITY, f64::min);
    let high = rewards.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let size = low.abs().max(high.abs());
    let is_flat = spreads.iter().all(|spread| *spread <= ROUNDING * size);
    (is_flat && high - low > MOVES * size).then_some(Fault::NoSpreadInGroups {
        rewards: [low, high],
    })
}

/// No advantages, for another reason than those that have rules of their own.
fn zero_advantages(case: &Case<'_>) -> Option<Fault> {
    case.scst()?;
    let causes = ["constant_reward", "no_spread_in_groups", "entropy_collapse"];
    if case.has_found(&causes) || has_few_choices(case) {
        return None;
    }
    let shares = case.history.late("zero_advantage_share")?;
    let rewards = case.history.late("reward")?;
    if shares.iter().any(|share| *share < ALL) {
        return None;
    }
    Some(Fault::ZeroAdvantages {
        share: mean(&shares)?,
        reward: mean(&rewards)?,
    })
}

/// Whether samples are the same because the model is sure of its words, which is another fault.
fn has_few_choices(case: &Case<'_>) -> bool {
    let entropy = case.history.latest("entropy");
    entropy.is_some_and(|entropy| entropy < super::policy::LOW_ENTROPY)
}

fn is_near(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * a.abs().max(b.abs())
}
