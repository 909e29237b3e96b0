//! From advantages and rewards to the weight of every sampled word, at an update.

use scst_loss::{
    DivergenceEstimate, LossError, MAX_LOG_RATIO, Rejected, Sampled, SampledSet,
    augmented_likelihood, best_of_samples, clipped_importance, estimated_divergence,
    geometric_clip, max_margin, minimum_risk, multi_margin, preference, reward_regression,
    sequence_clip, sequence_likelihood, soft_gate, token_clip, unlikelihood,
};

use super::{actor::Actor, judged::Judged, likelihood::caption_sums};
use crate::{
    TrainError,
    config::{DivergenceConfig, SequenceObjective},
    custom::{CustomError, Named},
    objective::{
        batch::pack,
        custom::{CustomObjective, JudgedSample},
    },
    optimise::reduce::Tally,
};

/// Log-probabilities of the samples at an update, nats, packed as the tape is; none at all where nothing asks for them.
pub(super) struct Likelihoods {
    /// Of the model as it is.
    pub(super) now: Vec<f64>,
    /// Of the model that the stage began with.
    pub(super) reference: Vec<f64>,
}

/// The weights of an update.
pub(super) struct Weights {
    /// Of every word, packed as the tape is.
    pub(super) rows: Vec<f32>,
    /// The mean over the words of every sample that the model chose.
    pub(super) captions: Vec<f64>,
}

impl Actor {
    /// Whether [`Self::weights`] asks for log-probabilities of the model as it is. `is_another`: than where the samples were
    /// drawn from.
    pub(super) fn asks_for_likelihoods(&self, is_another: bool) -> bool {
        let objective = &self.config.objective;
        is_another
            || !objective.is_policy_gradient()
            || self.custom.is_some()
            || self.estimate().is_some()
            || self.config.unlikelihood.is_some()
    }

    /// Whether it asks for those of the model that the stage began with.
    pub(super) fn asks_for_reference(&self) -> bool {
        self.config.objective.has_reference() || self.estimate().is_some()
    }

    /// The estimate of the divergence at the sampled words, if it is not measured over all words.
    fn estimate(&self) -> Option<DivergenceEstimate> {
        match self.config.divergence {
            DivergenceConfig::K2 => Some(DivergenceEstimate::K2),
            DivergenceConfig::K3 => Some(DivergenceEstimate::K3),
            DivergenceConfig::Reverse
            | DivergenceConfig::Forward
            | DivergenceConfig::JensenShannon => None,
        }
        .filter(|_| self.config.kl_weight > 0.0)
    }

    /// The weight of every word: that of the objective where the model chose it, 1 where it was given, 0 where the sample
    /// is left out.
    pub(super) fn weights(
        &self,
        judged: &Judged,
        likelihoods: &Likelihoods,
        tally: &mut Tally,
    ) -> Result<Weights, TrainError> {
        let captions = &judged.rollout.captions;
        let row = judged.rollout.choice().rows();
        let mut of_rows = if self.config.objective.is_policy_gradient() {
            let weights = match &self.custom {
                Some(objective) => self.custom_weights(objective, judged, likelihoods)?,
                None => self.policy_weights(judged, likelihoods)?,
            };
            tally_ratios(tally, judged, &likelihoods.now, &weights);
            weights
        } else {
            let (set, per_word) = self.set_weights(judged, likelihoods)?;
            let words = |n: usize| if per_word { captions[n].len() } else { 1 };
            let weight = |n: usize| set[n] / words(n) as f64;
            row.iter().map(|&(n, _)| weight(n)).collect()
        };
        let compared = match judged.advantages.as_slice() {
            [] => &of_rows,
            advantages => advantages,
        };
        tally_advantages(tally, judged, &row, compared);
        if let Some(estimate) = self.estimate() {
            let Likelihoods { now, reference } = likelihoods;
            let pull = estimated_divergence(now, reference, estimate)?;
            for (weight, pull) in of_rows.iter_mut().zip(pull) {
                *weight += self.config.kl_weight * pull;
            }
        }
        if let Some(config) = &self.config.unlikelihood {
            let push = unlikelihood(&likelihoods.now)?;
            let unwanted = judged.unwanted.iter().zip(push);
            for (weight, (_, push)) in of_rows.iter_mut().zip(unwanted).filter(|(_, (is, _))| **is)
            {
                *weight += config.weight * push;
            }
            let share = judged.unwanted.iter().filter(|is| **is).count() as f64;
            tally.add("unwanted_share", share, judged.unwanted.len() as f64);
        }
        let of_captions = means_of_chosen(captions.len(), &row, &of_rows).into_iter();
        let rows =
            row.iter()
                .zip(of_rows)
                .map(|(&(n, given), weight)| match (judged.trains[n], given) {
                    (false, _) => 0.0,
                    (true, true) => 1.0,
                    (true, false) => weight as f32,
                });
        Ok(Weights {
            rows: rows.collect(),
            captions: of_captions
                .zip(&judged.trains)
                .map(|(mean, trains)| if *trains { mean } else { 0.0 })
                .collect(),
        })
    }

    /// By an objective of another crate, which sees the samples of one source at a time.
    fn custom_weights(
        &self,
        objective: &Named<dyn CustomObjective>,
        judged: &Judged,
        likelihoods: &Likelihoods,
    ) -> Result<Vec<f64>, CustomError> {
        let captions = &judged.rollout.captions;
        let by_caption = |packed: &[f64]| -> Vec<Vec<f64>> {
            let mut lists: Vec<Vec<f64>> = captions.iter().map(|_| Vec::new()).collect();
            for (n, value) in pack(captions, |n, _| n).into_iter().zip(packed) {
                lists[n].push(*value);
            }
            lists
        };
        let now = by_caption(&likelihoods.now);
        let advantages = by_caption(&judged.advantages);
        let drawn = match judged.rollout.log_q.as_slice() {
            // The model is the one that drew the samples.
            [] => now.clone(),
            drawn => by_caption(drawn),
        };
        let samples: Vec<_> = (0..captions.len())
            .map(|n| JudgedSample {
                words: &captions[n],
                reward: judged.rewards[n],
                advantages: &advantages[n],
                log_probabilities: &now[n],
                drawn: &drawn[n],
            })
            .collect();
        let mut weights = Vec::with_capacity(captions.len());
        for of_source in samples.chunks(self.config.samples_per_source) {
            weights.extend(objective.weights(of_source)?);
        }
        Ok(pack(captions, |n, t| weights[n][t]))
    }

    /// Of words that are weighted by advantages.
    fn policy_weights(
        &self,
        judged: &Judged,
        likelihoods: &Likelihoods,
    ) -> Result<Vec<f64>, LossError> {
        // Where the model is the one that drew the samples, all ratios are 1.
        let own = vec![0.0; judged.advantages.len()];
        let (now, drawn) = (&likelihoods.now, &judged.rollout.log_q);
        let has_changed = !now.is_empty() && !drawn.is_empty();
        let sampled = Sampled {
            log_probability: if has_changed { now } else { &own },
            drawn: if has_changed { drawn } else { &own },
            advantages: &judged.advantages,
        };
        let caption_of_row = || pack(&judged.rollout.captions, |n, _| n);
        match self.config.objective {
            SequenceObjective::TokenClip(clip) => token_clip(&sampled, clip.into()),
            SequenceObjective::Gspo(clip) => {
                sequence_clip(&sampled, &caption_of_row(), clip.into())
            }
            SequenceObjective::Gmpo(clip) => {
                geometric_clip(&sampled, &caption_of_row(), clip.into())
            }
            SequenceObjective::Cispo(cap) => clipped_importance(&sampled, cap.cap),
            SequenceObjective::Sapo(gate) => soft_gate(&sampled, gate.into()),
            _ => Ok(judged.advantages.clone()),
        }
    }

    /// Of captions that are compared with the others of their source, and whether they are shared out among the words.
    fn set_weights(
        &self,
        judged: &Judged,
        likelihoods: &Likelihoods,
    ) -> Result<(Vec<f64>, bool), LossError> {
        let captions = &judged.rollout.captions;
        let rewards = judged.rewards.as_slice();
        let samples = self.config.samples_per_source;
        let sums = caption_sums(captions, &likelihoods.now);
        let reference = caption_sums(captions, &likelihoods.reference);
        let means = || -> Vec<f64> {
            let pairs = sums.iter().zip(captions);
            pairs.map(|(l, words)| l / words.len() as f64).collect()
        };
        let whole = |set: SampledSet| (set.weights, false);
        let shared = |set: SampledSet| (set.weights, true);
        Ok(match self.config.objective {
            SequenceObjective::MinimumRisk { alpha } => {
                whole(minimum_risk(captions, &sums, rewards, samples, alpha)?)
            }
            SequenceObjective::MaxMargin => shared(max_margin(&means(), rewards, samples)?),
            SequenceObjective::MultiMargin => shared(multi_margin(&means(), rewards, samples)?),
            SequenceObjective::SequenceNll => {
                shared(sequence_likelihood(&means(), rewards, samples, 0.0)?)
            }
            SequenceObjective::SoftmaxMargin => {
                shared(sequence_likelihood(&means(), rewards, samples, 1.0)?)
            }
            SequenceObjective::BestOfN => whole(best_of_samples(&sums, rewards, samples)?),
            SequenceObjective::Dpo { beta } => {
                let rejected = Rejected::Worst;
                let set = preference(&sums, &reference, rewards, samples, beta, rejected)?;
                whole(set)
            }
            SequenceObjective::Dico { beta, temperature } => {
                let rejected = Rejected::ByGap { temperature };
                let set = preference(&sums, &reference, rewards, samples, beta, rejected)?;
                whole(set)
            }
            SequenceObjective::Rebel { eta } => {
                let drawn = match judged.rollout.log_q.as_slice() {
                    // The model is the one that drew the samples.
                    [] => sums.clone(),
                    drawn => caption_sums(captions, drawn),
                };
                whole(reward_regression(&sums, &drawn, rewards, samples, eta)?)
            }
            SequenceObjective::Dap { sigma } => {
                let weights = augmented_likelihood(&sums, &reference, rewards, sigma)?;
                (weights, false)
            }
            // Of the values of all words, which are compared with each other.
            SequenceObjective::AllAction => {
                let weight = self
                    .config
                    .rewards
                    .first()
                    .map_or(1.0, |entry| entry.weight);
                (vec![weight; captions.len()], false)
            }
            _ => (vec![0.0; captions.len()], false),
        })
    }
}

/// The mean of `values` over the words of every sample that the model chose; 0 where it chose none.
fn means_of_chosen(samples: usize, row: &[(usize, bool)], values: &[f64]) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0f64); samples];
    for (&(n, given), value) in row.iter().zip(values) {
        if !given {
            sums[n].0 += value;
            sums[n].1 += 1.0;
        }
    }
    sums.into_iter().map(|(sum, n)| sum / n.max(1.0)).collect()
}

/// Metrics of advantages, or of what an objective has in their place: means over the words that the model chose.
fn tally_advantages(tally: &mut Tally, judged: &Judged, row: &[(usize, bool)], rows: &[f64]) {
    let means = means_of_chosen(judged.rollout.captions.len(), row, rows).into_iter();
    let of_chosen = means.zip(judged.rollout.choice().samples());
    let means: Vec<f64> = of_chosen
        .filter(|(_, chosen)| *chosen)
        .map(|(mean, _)| mean)
        .collect();
    let zero = means.iter().map(|&a| f64::from(u8::from(a == 0.0)));
    tally.add_all("zero_advantage_share", zero);
    tally.add_all("advantage", means);
}

/// Metrics of how far the model has gone from the one that drew the samples.
///
/// ```text
/// clipped_share           words with an advantage whose gradient does not pass
/// effective_sample_share  (sum rho)^2 / (n sum rho^2),   rho = p(w) / p_drawn(w)
/// kl_from_rollout         mean of rho - 1 - log rho, an estimate of KL(p_drawn, p), nats a word
/// ```
fn tally_ratios(tally: &mut Tally, judged: &Judged, now: &[f64], weights: &[f64]) {
    let drawn = &judged.rollout.log_q;
    if now.is_empty() || drawn.is_empty() {
        return;
    }
    let count = now.len() as f64;
    let rows = judged.advantages.iter().zip(weights);
    let clipped = rows.filter(|(advantage, weight)| **advantage != 0.0 && **weight == 0.0);
    tally.add("clipped_share", clipped.count() as f64, count);
    let bounded = |(now, drawn): (&f64, &f64)| (now - drawn).clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO);
    let log_ratios = now.iter().zip(drawn).map(bounded);
    let (mut sum, mut squares, mut divergence) = (0.0, 0.0, 0.0);
    for log_ratio in log_ratios {
        let ratio = log_ratio.exp();
        sum += ratio;
        squares += ratio * ratio;
        divergence += ratio - 1.0 - log_ratio;
    }
    tally.add("effective_sample_share", sum * sum / squares, count);
    tally.add("kl_from_rollout", divergence, count);
}
