//! The signature of SacreEOS (Hu et al. 2023): what self-critical training is, in one line that papers give.
//!
//! ```text
//! STANDARD_wInit+Cider-D[n4,s6.0]+average[nspi5]+1.0.2
//!          |     |                |              version of SacreEOS
//!          |     |                what rewards are compared with, and samples a source
//!          |     the reward
//!          whether document frequencies are those of the training references; STANDARD or NO<EOS>: whether the end token
//!          is rewarded
//! ```
//! Its `average` is the mean of the other samples, which is `leave_one_out` here.

use scst_loss::Baseline;
use scst_reward::{BleuOptions, CiderDOptions, RewardEntry};

use super::ScstConfig;

/// The version of SacreEOS whose signatures these are.
const VERSION: &str = "1.0.2";

impl ScstConfig {
    /// The stage's signature; none where SacreEOS has no words for what it does.
    pub fn sacreeos_signature(&self) -> Option<String> {
        let baseline = match self.baseline {
            Baseline::Greedy => "greedy",
            Baseline::LeaveOneOut => "average",
            _ => return None,
        };
        let [entry] = &*self.rewards else {
            return None;
        };
        let (start, reward) = reward(entry)?;
        let described = Self {
            samples_per_source: self.samples_per_source,
            baseline: self.baseline,
            reward_end_token: self.reward_end_token,
            rewards: self.rewards.clone(),
            ..Self::default()
        };
        if *self != described {
            return None;
        }
        let mode = if self.reward_end_token {
            "STANDARD"
        } else {
            "NO<EOS>"
        };
        let samples = self.samples_per_source;
        Some(format!(
            "{mode}_{start}+{reward}+{baseline}[nspi{samples}]+{VERSION}"
        ))
    }
}

/// Whether a reward begins with document frequencies, and its signature.
fn reward(entry: &RewardEntry) -> Option<(&'static str, String)> {
    let (start, signature, described) = match (entry.cider_d, entry.bleu) {
        (Some(options), None) if options.scale == CiderDOptions::COCO.scale => {
            let described = RewardEntry {
                cider_d: Some(options),
                ..RewardEntry::default()
            };
            (
                "wInit",
                format!("Cider-D[n4,s{:?}]", options.sigma),
                described,
            )
        }
        (None, Some(options)) if options == BleuOptions::default() => {
            let described = RewardEntry {
                bleu: Some(options),
                ..RewardEntry::default()
            };
            ("w/oInit", "BLEU[n4]".to_owned(), described)
        }
        _ => return None,
    };
    (*entry == described).then_some((start, signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(change: impl Fn(&mut ScstConfig)) -> Option<String> {
        let mut config = ScstConfig::default();
        change(&mut config);
        config.sacreeos_signature()
    }

    /// `scripts/card_check.py` holds the same against SacreEOS itself.
    #[test]
    fn signatures_are_those_of_sacreeos() {
        let of = |change: &dyn Fn(&mut ScstConfig)| signature(change).unwrap();
        assert_eq!(
            of(&|_| ()),
            "STANDARD_wInit+Cider-D[n4,s6.0]+average[nspi5]+1.0.2"
        );
        let change = |config: &mut ScstConfig| {
            config.baseline = Baseline::Greedy;
            config.samples_per_source = 2;
            config.reward_end_token = false;
            config.rewards[0].cider_d = Some(CiderDOptions {
                sigma: 4.5,
                ..CiderDOptions::COCO
            });
        };
        assert_eq!(
            of(&change),
            "NO<EOS>_wInit+Cider-D[n4,s4.5]+greedy[nspi2]+1.0.2"
        );
        let bleu = |config: &mut ScstConfig| {
            config.rewards[0].cider_d = None;
            config.rewards[0].bleu = Some(BleuOptions::default());
        };
        assert_eq!(of(&bleu), "STANDARD_w/oInit+BLEU[n4]+average[nspi5]+1.0.2");
    }

    #[test]
    fn what_sacreeos_has_no_words_for_has_no_signature() {
        let changes: [fn(&mut ScstConfig); 6] = [
            |config| config.baseline = Baseline::Mean,
            |config| config.kl_weight = 0.1,
            |config| config.rewards.push(RewardEntry::default()),
            |config| config.rewards[0].weight = 2.0,
            |config| config.rewards[0].standardise = true,
            |config| config.rewards.clear(),
        ];
        for change in changes {
            assert_eq!(signature(change), None);
        }
    }
}
