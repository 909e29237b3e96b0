//! Rewards of other crates, by the names under which configurations ask for them.

use std::collections::BTreeMap;
use std::fmt;

use crate::{CustomOptions, Reward, RewardError, RewardSources};

/// Makes a reward from its entry's options.
type Factory = Box<
    dyn Fn(&CustomOptions, &RewardSources) -> Result<Box<dyn Reward>, RewardError> + Send + Sync,
>;

/// The rewards that a program adds to the built-in ones: `custom = { name = "..." }` chooses one.
#[derive(Default)]
pub struct RewardRegistry {
    factories: BTreeMap<String, Factory>,
}

impl RewardRegistry {
    /// Registers what makes a reward, in place of what had the name before.
    pub fn register(
        &mut self,
        name: impl Into<String>,
        factory: impl Fn(&CustomOptions, &RewardSources) -> Result<Box<dyn Reward>, RewardError>
        + Send
        + Sync
        + 'static,
    ) {
        self.factories.insert(name.into(), Box::new(factory));
    }

    /// The reward that `options` name.
    ///
    /// # Errors
    /// [`RewardError::NotRegistered`] for an unknown name, or the error of what makes the reward.
    pub(crate) fn build(
        &self,
        options: &CustomOptions,
        sources: &RewardSources,
    ) -> Result<Box<dyn Reward>, RewardError> {
        let Some(factory) = self.factories.get(&options.name) else {
            let names: Vec<&str> = self.factories.keys().map(String::as_str).collect();
            return Err(RewardError::NotRegistered {
                found: options.name.clone(),
                registered: if names.is_empty() {
                    "none is".to_owned()
                } else {
                    names.join(", ")
                },
            });
        };
        factory(options, sources)
    }
}

impl fmt::Debug for RewardRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.factories.keys()).finish()
    }
}
