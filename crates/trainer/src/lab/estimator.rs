//! What the lab measures, by name: baselines, scales, credits, and objectives that compare captions with each other.

use scst_loss::{AdvantageScale, Baseline};
use serde::{Serialize, Serializer};

use crate::config::{ClipConfig, Credit, ScstConfig, SequenceObjective};

/// One of the estimators of the lab, which is one setting of a self-critical stage.
#[derive(Debug, Clone, Copy)]
pub struct Estimator {
    name: &'static str,
    set: fn(&mut ScstConfig),
}

/// All of them. Objectives that differ from the policy gradient only when samples are used again are not here: where the
/// model is the one that drew, `token_clip`, `cispo` and `sapo` are `leave_one_out`.
const ALL: [Estimator; 25] = [
    of("none", |c| c.baseline = Baseline::None),
    of("moving_average", |c| c.baseline = Baseline::MovingAverage),
    of("learned", |c| c.baseline = Baseline::Learned),
    of("greedy", |c| c.baseline = Baseline::Greedy),
    of("mean", |c| c.baseline = Baseline::Mean),
    of("leave_one_out", |c| c.baseline = Baseline::LeaveOneOut),
    of("length_weighted", |c| c.baseline = Baseline::LengthWeighted),
    of("length_weighted_others", |c| {
        c.baseline = Baseline::LengthWeightedOthers;
    }),
    of("energy_weighted", |c| c.baseline = Baseline::EnergyWeighted),
    of("energy_weighted_others", |c| {
        c.baseline = Baseline::EnergyWeightedOthers;
    }),
    of("group", |c| {
        c.baseline = Baseline::Mean;
        c.advantage_scale = AdvantageScale::Group;
    }),
    of("batch", |c| c.advantage_scale = AdvantageScale::Batch),
    of("gspo", |c| {
        c.objective = SequenceObjective::Gspo(ClipConfig::default());
    }),
    of("prefix", |c| c.credit = Credit::Prefix),
    of("rollouts", |c| {
        c.credit = Credit::Rollouts {
            every: 4,
            samples: 2,
        };
    }),
    of("minimum_risk", |c| {
        c.objective = SequenceObjective::MinimumRisk { alpha: 1.0 };
    }),
    of("max_margin", |c| c.objective = SequenceObjective::MaxMargin),
    of("multi_margin", |c| {
        c.objective = SequenceObjective::MultiMargin;
    }),
    of("sequence_nll", |c| {
        c.objective = SequenceObjective::SequenceNll;
    }),
    of("softmax_margin", |c| {
        c.objective = SequenceObjective::SoftmaxMargin;
    }),
    of("best_of_n", |c| c.objective = SequenceObjective::BestOfN),
    of("dpo", |c| {
        c.objective = SequenceObjective::Dpo { beta: 0.1 };
    }),
    of("dico", |c| {
        c.objective = SequenceObjective::Dico {
            beta: 0.2,
            temperature: 1.0,
        };
    }),
    of("rebel", |c| {
        c.objective = SequenceObjective::Rebel { eta: 1.0 };
    }),
    of("dap", |c| {
        c.objective = SequenceObjective::Dap { sigma: 10.0 };
    }),
];

const fn of(name: &'static str, set: fn(&mut ScstConfig)) -> Estimator {
    Estimator { name, set }
}

impl Estimator {
    /// What the others are compared with.
    pub(super) const LEAVE_ONE_OUT: Self = ALL[5];

    /// The baselines of papers up to 2020, which are measured unless others are asked for.
    pub fn baselines() -> Vec<Self> {
        ALL[..6].to_vec()
    }

    /// Names of all, for messages.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ALL.iter().map(|estimator| estimator.name)
    }

    /// The one of a name.
    pub fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|estimator| estimator.name == name)
    }

    /// As configurations have it.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// A stage of it: `config` with the leave-one-out baseline, and what the estimator sets.
    pub(super) fn configure(self, mut config: ScstConfig) -> ScstConfig {
        config.baseline = Baseline::LeaveOneOut;
        (self.set)(&mut config);
        config
    }

    /// Whether its gradient is that of the expected reward at best but for a factor. That of the baselines on record is
    /// compared as it is, the mean included.
    pub(super) fn has_scale_of_its_own(self) -> bool {
        !Self::baselines().contains(&self)
    }

    /// Whether it credits single words.
    pub(super) fn credits_words(self) -> bool {
        self.configure(ScstConfig::default()).credit != Credit::Caption
    }

    /// Whether a captioner that scores whole captions has it.
    pub(super) fn is_of_whole_captions(self) -> bool {
        let config = self.configure(ScstConfig::default());
        let of_words = matches!(
            config.baseline,
            Baseline::Learned | Baseline::EnergyWeighted | Baseline::EnergyWeightedOthers
        );
        config.objective == SequenceObjective::PolicyGradient
            && config.credit == Credit::Caption
            && !of_words
    }
}

impl PartialEq for Estimator {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Serialize for Estimator {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimators_have_different_names_and_are_settings_that_differ() {
        let settings = ALL.map(|estimator| estimator.configure(ScstConfig::default()));
        for (k, estimator) in ALL.into_iter().enumerate() {
            assert_eq!(Estimator::named(estimator.name), Some(estimator));
            for other in &settings[..k] {
                assert_ne!(&settings[k], other, "{}", estimator.name);
            }
        }
        assert_eq!(Estimator::named("token_clip"), None);
        let whole = Estimator::baselines().into_iter();
        let whole: Vec<&str> = whole
            .filter(|estimator| estimator.is_of_whole_captions())
            .map(Estimator::name)
            .collect();
        assert_eq!(
            whole,
            ["none", "moving_average", "greedy", "mean", "leave_one_out"]
        );
    }
}
