//! What a program adds to what is built in.

use scst_model::CaptionerRegistry;
use scst_reward::RewardRegistry;

use crate::objective::custom::ObjectiveRegistry;

/// Rewards, captioners and objectives of other crates, by the names under which configurations ask for them.
#[derive(Debug, Default)]
pub struct Registry {
    /// For entries of `rewards` with `custom = { name = "..." }`.
    pub rewards: RewardRegistry,
    /// For `[model.custom]` with a `name`.
    pub captioners: CaptionerRegistry,
    /// For stages with `objective = { custom = { name = "..." } }`.
    pub objectives: ObjectiveRegistry,
}
