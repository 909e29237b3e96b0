//! What a program adds to what is built in.

use scst_model::CaptionerRegistry;
use scst_reward::RewardRegistry;

use crate::{
    corpus::layout::CustomLayout, custom::CustomRegistry, decode::custom::CustomSearch,
    objective::custom::CustomObjective,
};

/// What other crates bring, by the names under which configurations ask for it.
#[derive(Debug, Default)]
pub struct Registry {
    /// For entries of `rewards` with `custom = { name = "..." }`.
    pub rewards: RewardRegistry,
    /// For `[model.custom]` with a `name`.
    pub captioners: CaptionerRegistry,
    /// For stages with `objective = { custom = { name = "..." } }`.
    pub objectives: CustomRegistry<dyn CustomObjective>,
    /// For decoders with `search = { custom = { name = "..." } }`.
    pub searches: CustomRegistry<dyn CustomSearch>,
    /// For data with `captions.custom = { name = "...", path = "..." }`.
    pub layouts: CustomRegistry<dyn CustomLayout>,
}
