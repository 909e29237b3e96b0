//! Rewards by the names under which configurations ask for them: built-in ones, and those of other crates.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::entry::RewardKind;
use crate::{
    BadEndingPenalty, BleuReward, CiderDReward, CommandReward, CustomOptions, LengthPenalty,
    MeteorReward, MixerBleuReward, RepetitionPenalty, Reward, RewardEntry, RewardError,
    RewardSources, RougeLReward, TextReward,
};

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

    /// The reward of an entry.
    ///
    /// # Errors
    /// The first of [`RewardEntry::problems`], or the error of what makes the reward.
    pub(crate) fn reward(
        &self,
        entry: &RewardEntry,
        sources: &RewardSources,
    ) -> Result<Box<dyn Reward>, RewardError> {
        RewardError::first(entry.problems())?;
        let references = &**sources.references();
        let ngrams = || Arc::clone(sources.ngrams());
        Ok(match entry.kind()? {
            RewardKind::CiderD(options) => {
                let frequency = Arc::clone(sources.frequency()?);
                let ngrams = ngrams();
                Box::new(CiderDReward::new(options, references, ngrams, frequency)?)
            }
            RewardKind::Bleu(options) => Box::new(BleuReward::new(options, references, ngrams())?),
            RewardKind::RougeL(options) => Box::new(RougeLReward::new(options, references)?),
            RewardKind::MixerBleu(options) => Box::new(MixerBleuReward::new(
                options,
                references,
                sources.unknown(),
            )?),
            RewardKind::Meteor(options) => Box::new(MeteorReward::start(&options, references)?),
            RewardKind::ErrorRate(unit, options) => {
                Box::new(TextReward::error_rate(unit, options, references))
            }
            RewardKind::ExactMatch(options) => {
                Box::new(TextReward::exact_match(options, references))
            }
            RewardKind::Chrf(options) => Box::new(TextReward::chrf(options, references)?),
            RewardKind::Sacrebleu(options) => Box::new(TextReward::sacrebleu(options, references)?),
            RewardKind::RougeScore(options) => {
                Box::new(TextReward::rouge_score(options, references))
            }
            RewardKind::RepetitionPenalty(options) => {
                Box::new(RepetitionPenalty::new(options, references)?)
            }
            RewardKind::LengthPenalty(options) => {
                Box::new(LengthPenalty::new(options, references)?)
            }
            RewardKind::BadEndingPenalty(options) => Box::new(BadEndingPenalty::new(options)?),
            RewardKind::Command(options) => {
                let features = sources.features().cloned();
                Box::new(CommandReward::start(options, references, features)?)
            }
            RewardKind::Custom(options) => self.custom(&options, sources)?,
        })
    }

    /// The reward that `options` name.
    ///
    /// # Errors
    /// [`RewardError::NotRegistered`] for an unknown name, or the error of what makes the reward.
    fn custom(
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
