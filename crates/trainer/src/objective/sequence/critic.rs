//! The rewards of a stage and the state of its baseline.

use scst_data::Vocabulary;
use scst_loss::{LearnedBaseline, MovingAverage};
use scst_model::Captioner;
use scst_reward::{Candidate, DocumentFrequency, MixtureScores, RewardMixture, RewardSources};
use scst_sampler::END;

use super::{
    actor::Actor,
    baseline::BaselineState,
    large::{LargeReward, LargeRewards},
};
use crate::{
    TrainError,
    config::{ScstConfig, SequenceObjective},
    registry::Registry,
    warning::Warning,
};

/// The rewards of a stage and the state of its baseline.
pub(crate) struct SelfCritic {
    pub(super) actor: Actor,
    pub(super) rewards: RewardMixture,
    /// Fingerprint of the document frequencies, if a reward has them.
    pub(super) frequency: Option<String>,
    pub(super) baseline: BaselineState,
    pub(super) large: LargeRewards,
}

impl SelfCritic {
    /// Rewards of training sources, and a fresh baseline.
    ///
    /// # Errors
    /// [`TrainError::Reward`] when they cannot be built, [`TrainError::Custom`] when the objective cannot.
    pub(crate) fn new(
        config: &ScstConfig,
        sources: &RewardSources,
        registry: &Registry,
    ) -> Result<Self, TrainError> {
        let (combination, entries) = (config.combine, &config.rewards);
        let rewards =
            RewardMixture::build_combined(combination, entries, sources, &registry.rewards)?;
        let custom = match &config.objective {
            SequenceObjective::Custom(config) => Some(registry.objectives.make(config)?),
            _ => None,
        };
        let frequency = sources.known_frequency();
        let frequency = frequency.map(|frequency| frequency.fingerprint());
        let baseline = BaselineState {
            moving_average: MovingAverage::new(config.moving_average_decay),
            learned: LearnedBaseline::default(),
        };
        Ok(Self {
            actor: Actor {
                config: config.clone(),
                custom,
                reference: None,
            },
            rewards,
            frequency,
            baseline,
            large: LargeRewards::default(),
        })
    }

    /// Takes the state of a baseline that goes on.
    pub(crate) fn go_on_from(&mut self, baseline: BaselineState) {
        self.baseline = baseline;
    }

    /// Sets the model that the divergence of the configuration is measured from.
    pub(crate) fn compare_with(&mut self, reference: Option<Captioner>) {
        self.actor.reference = reference;
    }

    /// What tells whether the training captions are those of a checkpoint: the fingerprint of the document frequencies,
    /// or of the references where no reward has these. `before` is that of the checkpoint; earlier versions had
    /// document frequencies whatever the rewards.
    ///
    /// # Errors
    /// [`TrainError::Reward`] when they cannot be counted.
    pub(crate) fn fingerprint(&self, before: Option<&str>) -> Result<String, TrainError> {
        if let Some(frequency) = &self.frequency {
            return Ok(frequency.clone());
        }
        let references = self.rewards.references();
        Ok(match before {
            Some(before) if !before.starts_with("references-") => {
                DocumentFrequency::from_references(references)?.fingerprint()
            }
            _ => references.fingerprint(),
        })
    }

    /// Every choice that changes the rewards.
    pub(crate) fn signature(&self) -> String {
        self.rewards.signature()
    }

    /// The state of the baseline, for the checkpoint.
    pub(crate) fn baseline(&self) -> BaselineState {
        self.baseline.clone()
    }

    /// Rewards of captions, of training sources by their index; what is too large among them is remembered.
    pub(super) fn score(
        &mut self,
        vocabulary: &Vocabulary,
        captions: &[(usize, &Vec<u32>)],
    ) -> Result<MixtureScores, TrainError> {
        let texts = texts(vocabulary, captions);
        let candidates = candidates(self.actor.config.reward_end_token, captions, &texts);
        let scores = self.rewards.score(&candidates)?;
        self.remember_large(&candidates, &scores);
        Ok(scores)
    }

    /// What every reward gives to captions, before they are combined.
    pub(super) fn raw_scores(
        &mut self,
        vocabulary: &Vocabulary,
        captions: &[(usize, &Vec<u32>)],
    ) -> Result<RawScores, TrainError> {
        let texts = texts(vocabulary, captions);
        let candidates = candidates(self.actor.config.reward_end_token, captions, &texts);
        Ok(self.rewards.raw_scores(&candidates)?)
    }

    /// The same, combined; what is too large among them is remembered.
    pub(super) fn combine(
        &mut self,
        vocabulary: &Vocabulary,
        captions: &[(usize, &Vec<u32>)],
        scores: RawScores,
    ) -> Result<MixtureScores, TrainError> {
        let texts = texts(vocabulary, captions);
        let candidates = candidates(self.actor.config.reward_end_token, captions, &texts);
        let scores = self.rewards.combine(&candidates, scores)?;
        self.remember_large(&candidates, &scores);
        Ok(scores)
    }

    fn remember_large(&mut self, candidates: &[Candidate<'_>], scores: &MixtureScores) {
        let references = self.rewards.references();
        self.large
            .look(&self.actor.config, references, candidates, scores);
    }

    /// What is to be said since the last call.
    pub(crate) fn take_warnings(&mut self) -> Vec<Warning> {
        self.large.take_warnings()
    }

    /// Why `what` is not finite in a step: the largest reward of the step, if it is large.
    pub(crate) fn overflow(&self, stage: String, step: u64, what: &'static str) -> TrainError {
        let Some(large) = self.large.largest.clone() else {
            return TrainError::NotFinite { stage, step, what };
        };
        let LargeReward {
            reward,
            value,
            weight,
            example,
            caption,
            ..
        } = large;
        TrainError::RewardOverflow {
            stage,
            step,
            what,
            reward,
            value,
            weight,
            example: example.into(),
            caption: caption.into(),
        }
    }
}

/// A score of every caption by every reward; none where a reward does not apply.
pub(super) type RawScores = Vec<Vec<Option<f64>>>;

fn texts(vocabulary: &Vocabulary, captions: &[(usize, &Vec<u32>)]) -> Vec<String> {
    let words = captions.iter();
    words.map(|(_, words)| vocabulary.decode(words)).collect()
}

/// Captions as rewards see them.
fn candidates<'a>(
    with_end_token: bool,
    captions: &[(usize, &'a Vec<u32>)],
    texts: &'a [String],
) -> Vec<Candidate<'a>> {
    captions
        .iter()
        .zip(texts)
        .map(|(&(example, words), text)| Candidate {
            image: example,
            tokens: match words.strip_suffix(&[END]) {
                Some(words) if !with_end_token => words,
                _ => words,
            },
            text,
        })
        .collect()
}
