//! What a program adds to the built-in rewards and captioners.

use scst_model::CaptionerRegistry;
use scst_reward::RewardRegistry;

/// Rewards and captioners of other crates, by the names under which configurations ask for them.
#[derive(Debug, Default)]
pub struct Registry {
    /// For entries of `rewards` with `custom = { name = "..." }`.
    pub rewards: RewardRegistry,
    /// For `[model.custom]` with a `name`.
    pub captioners: CaptionerRegistry,
}
