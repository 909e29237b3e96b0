//! Sampled captions with their rewards and advantages: what every update on them begins with.

use std::time::Instant;

use scst_data::Vocabulary;
use scst_loss::Counts;
use scst_model::Captioner;
use scst_reward::{MixtureScores, NextWordValues, RewardError};
use scst_sampler::END;

use super::{
    advantages::{Advantages, Scores},
    critic::{RawScores, SelfCritic},
    rollout::{Drawing, Rollout},
    sampled::Sampled,
};
use crate::{
    TrainError,
    config::{Credit, SequenceObjective},
    objective::batch::{SourceBatch, StepContext, pack, repeat},
    optimise::{division::Division, reduce::Tally, spent::Meter},
};

/// Captions of a part of a batch that have been judged.
pub(crate) struct Judged {
    pub(super) rollout: Rollout,
    /// The reward of every sample.
    pub(super) rewards: Vec<f64>,
    /// The advantage of every word, packed as a tape is; none at all if the objective has no advantages.
    pub(super) advantages: Vec<f64>,
    /// The values of all words that might have come, packed likewise; none at all if nothing asks for them.
    pub(super) word_values: Vec<NextWordValues>,
    /// Which words are made less probable, packed likewise; none at all if nothing is.
    pub(super) unwanted: Vec<bool>,
    /// Which samples train: all of them, or those that are not left out.
    pub(super) trains: Vec<bool>,
}

/// The samples of a batch that have been judged.
pub(crate) struct Judgement {
    /// This rank's parts.
    pub(crate) own: Vec<Judged>,
    /// What all ranks know of all parts.
    pub(crate) all: Vec<Sampled>,
}

impl SelfCritic {
    /// Scores the samples of this rank's parts of a batch and compares them with the baseline, which learns from those of all
    /// ranks.
    ///
    /// Rewards are those of the whole batch before anything is made of them, so that what is defined over a batch does not
    /// depend on its parts.
    pub(super) fn judge(
        &mut self,
        (captioner, vocabulary, max_length): (&Captioner, &Vocabulary, usize),
        mut rollouts: Vec<Rollout>,
        division: Division<'_>,
        context: StepContext,
        tally: &mut Tally,
    ) -> Result<Judgement, TrainError> {
        let meter = Meter::start();
        self.large.begin_step();
        let own = self.score_samples(vocabulary, &mut rollouts)?;
        let mut all = division.gather(own, "samples and their rewards")?;
        let scores = self.combine_samples(vocabulary, &all)?;
        tally.spend("reward", meter.spent(), 1.0);

        let meter = Meter::start();
        let mut has_reward = self.have_rewards(&all, &scores)?.into_iter();
        let sampled: usize = all.iter().map(|part| part.captions.len()).sum();
        let (compared, greedy) = scores.self_critical.split_at(sampled);
        let compared = Scores {
            rewards: &scores.total[..sampled],
            compared,
            greedy,
        };
        let mut first = 0;
        let mut of_parts = Vec::with_capacity(all.len());
        for part in &mut all {
            let samples = first..first + part.captions.len();
            first = samples.end;
            part.has_reward = has_reward.by_ref().take(samples.len()).collect();
            part.rewards = compared.rewards[samples.clone()].to_vec();
            part.trains = self.trains(part);
            of_parts.push(samples);
        }
        let mut words = Vec::with_capacity(rollouts.len());
        let crediting = Instant::now();
        for rollout in &mut rollouts {
            rollout.has_reward.clone_from(&all[rollout.part].has_reward);
            let of_part = &compared.compared[of_parts[rollout.part].clone()];
            let reads = (captioner, vocabulary, max_length);
            let context = context.of_part(rollout.part);
            words.push(self.word_baselines(reads, rollout, of_part, context)?);
        }
        if self.actor.config.credit != Credit::Caption {
            tally.add("credit_secs", crediting.elapsed().as_secs_f64(), 1.0);
        }
        let words = match self.actor.config.credit {
            Credit::Caption => vec![Vec::new(); all.len()],
            Credit::Prefix | Credit::Rollouts { .. } => {
                self.large.share(division)?;
                division.gather(words, "baselines of words")?
            }
        };
        let mut advantages = self.advantages(&all, &compared, &words)?;
        // A part of the update, which counts it once.
        tally.spend("update", meter.spent(), 0.0);
        tally_samples(tally, &all, &advantages, &scores);
        let own = rollouts.into_iter().map(|rollout| {
            let advantages = std::mem::take(&mut advantages.rows[rollout.part]);
            self.judged(&all[rollout.part], rollout, advantages, vocabulary)
        });
        Ok(Judgement {
            own: own.collect(),
            all,
        })
    }

    /// What is told of this rank's parts: their samples, and what every reward gives to them.
    fn score_samples(
        &mut self,
        vocabulary: &Vocabulary,
        rollouts: &mut [Rollout],
    ) -> Result<Vec<Sampled>, TrainError> {
        let samples = rollouts
            .iter()
            .flat_map(|part| part.example_of_sample().zip(&part.captions));
        let greedy = rollouts
            .iter()
            .flat_map(|part| part.batch.examples.iter().copied().zip(&part.greedy));
        let rows: Vec<(usize, &Vec<u32>)> = samples.chain(greedy).collect();
        let mut scores = self.raw_scores(vocabulary, &rows)?;
        let mut rest: Vec<_> = scores.iter_mut().map(|all| all.drain(..)).collect();
        let mut next = |count: usize| -> RawScores {
            let of_rewards = rest.iter_mut();
            of_rewards
                .map(|all| all.by_ref().take(count).collect())
                .collect()
        };
        let of_samples: Vec<RawScores> = rollouts
            .iter()
            .map(|part| next(part.captions.len()))
            .collect();
        let of_greedy: Vec<RawScores> = rollouts
            .iter()
            .map(|part| next(part.greedy.len()))
            .collect();
        let scores = of_samples.into_iter().zip(of_greedy);
        Ok(rollouts
            .iter_mut()
            .zip(scores)
            .map(|(part, (samples, greedy))| part.told(samples, greedy))
            .collect())
    }

    /// The rewards of the samples of all parts, and then of all greedy captions.
    fn combine_samples(
        &mut self,
        vocabulary: &Vocabulary,
        all: &[Sampled],
    ) -> Result<MixtureScores, TrainError> {
        let samples = all
            .iter()
            .flat_map(|part| part.example_of_sample().zip(&part.captions));
        let greedy = all
            .iter()
            .flat_map(|part| part.examples.iter().copied().zip(&part.greedy));
        let rows: Vec<(usize, &Vec<u32>)> = samples.chain(greedy).collect();
        let rewards = all.first().map_or(0, |part| part.scores.len());
        let of_reward = |reward: usize| {
            let samples = all.iter().flat_map(|part| &part.scores[reward]);
            let greedy = all.iter().flat_map(|part| &part.greedy_scores[reward]);
            samples.chain(greedy).copied().collect()
        };
        let scores = (0..rewards).map(of_reward).collect();
        self.combine(vocabulary, &rows, scores)
    }

    /// A part of a batch with its rewards and advantages.
    fn judged(
        &self,
        sampled: &Sampled,
        rollout: Rollout,
        advantages: Vec<f64>,
        vocabulary: &Vocabulary,
    ) -> Judged {
        let captions = &rollout.captions;
        let word_values = match self.actor.config.objective {
            SequenceObjective::AllAction => self.word_values(&rollout),
            _ => Vec::new(),
        };
        let unwanted = match &self.actor.config.unlikelihood {
            Some(config) => {
                let words = captions.iter();
                let of_captions: Vec<Vec<bool>> = words
                    .map(|words| config.unwanted(words, vocabulary))
                    .collect();
                pack(captions, |n, t| of_captions[n][t])
            }
            None => Vec::new(),
        };
        Judged {
            rewards: sampled.rewards.clone(),
            advantages,
            word_values,
            unwanted,
            trains: sampled.trains.clone(),
            rollout,
        }
    }

    /// Which samples have a reward, and so does what they are compared with.
    ///
    /// # Errors
    /// [`TrainError::Reward`] where samples are compared with each other and one has no reward.
    fn have_rewards(
        &self,
        all: &[Sampled],
        scores: &MixtureScores,
    ) -> Result<Vec<bool>, TrainError> {
        let mut sources = 0;
        let mut source_of_sample = Vec::new();
        for part in all {
            let samples = part.captions.len() / part.examples.len().max(1);
            source_of_sample.extend(
                repeat(part.examples.len(), samples)
                    .iter()
                    .map(|s| sources + s),
            );
            sources += part.examples.len();
        }
        let (own, greedy) = scores.applies.split_at(source_of_sample.len());
        let of_source = |n: usize| greedy.get(source_of_sample[n]);
        let applies = |n: usize| own[n] && of_source(n).is_none_or(|applies| *applies);
        let applies: Vec<bool> = (0..own.len()).map(applies).collect();
        let compares = self.actor.config.objective.compares_captions();
        match applies.iter().position(|applies| !applies) {
            Some(caption) if compares => {
                let mut examples = all.iter().flat_map(Sampled::example_of_sample);
                let example = examples.nth(caption).unwrap_or_default();
                let image = self.rewards.references().image(example);
                Err(TrainError::from(RewardError::NotApplicable {
                    reward: scores
                        .parts
                        .iter()
                        .map(|part| part.name.as_str())
                        .collect::<Vec<_>>()
                        .join(", "),
                    caption,
                    image: image.map_or_else(String::new, |image| image.id.to_string()),
                }))
            }
            _ => Ok(applies),
        }
    }

    /// Which samples are not left out.
    fn trains(&self, part: &Sampled) -> Vec<bool> {
        let (config, has_reward) = (&self.actor.config, &part.has_reward);
        let samples = config.samples_per_source;
        let groups = part.rewards.chunks(samples).zip(has_reward.chunks(samples));
        let of_sources = groups.flat_map(|(own, has)| {
            let mut rewarded = own.iter().zip(has).filter(|(_, has)| **has);
            let first = rewarded.next();
            let differ = first.is_some_and(|(first, _)| rewarded.any(|(r, _)| r != first));
            let trains = differ || !config.leave_out_equal_rewards;
            std::iter::repeat_n(trains, own.len())
        });
        let ends = |words: &Vec<u32>| words.ends_with(&[END]) || !config.leave_out_cut_off;
        let captions = part.captions.iter().zip(of_sources).zip(has_reward);
        captions
            .map(|((words, trains), has)| trains && *has && ends(words))
            .collect()
    }
}

impl Judged {
    /// Which part of the batch this is.
    pub(crate) fn part(&self) -> usize {
        self.rollout.part
    }

    /// Indices of the sources in the training set.
    pub(crate) fn examples(&self) -> &[usize] {
        &self.rollout.batch.examples
    }

    /// The sources as the samples were drawn for them, without given words.
    pub(crate) fn sources(&self) -> SourceBatch {
        SourceBatch {
            source: self.rollout.batch.source.clone(),
            examples: self.examples().to_vec(),
            prefixes: Vec::new(),
        }
    }

    /// Captions and words that train.
    pub(super) fn counts(&self) -> Counts {
        let captions = self.rollout.captions.iter().zip(&self.trains);
        let mut counts = Counts::default();
        for (words, _) in captions.filter(|(_, trains)| **trains) {
            counts.sequences += 1;
            counts.tokens += words.len() as u64;
        }
        counts
    }

    /// 0 at the words of samples that are left out, 1 at all others, packed as a tape is; none if nothing is left out.
    pub(super) fn row_mask(&self) -> Option<Vec<f32>> {
        let mask = |n: usize| f32::from(u8::from(self.trains[n]));
        let leaves_out = self.trains.contains(&false);
        leaves_out.then(|| pack(&self.rollout.captions, |n, _| mask(n)))
    }

    /// The samples of some sources alone, by their places in the batch; to be read, as nothing is left of their drawing.
    pub(super) fn of_sources(&self, sources: &[usize]) -> Self {
        let Rollout {
            batch, captions, ..
        } = &self.rollout;
        // The samples of a source stand side by side.
        let samples = captions.len() / batch.examples.len().max(1);
        let of_source = |&source: &usize| source * samples..(source + 1) * samples;
        let kept: Vec<usize> = sources.iter().flat_map(of_source).collect();
        let own: Vec<Vec<u32>> = kept.iter().map(|&n| captions[n].clone()).collect();
        let mut rows: Vec<Vec<usize>> = vec![Vec::new(); captions.len()];
        for (row, n) in pack(captions, |n, _| n).into_iter().enumerate() {
            rows[n].push(row);
        }
        let kept_rows = pack(&own, |k, t| rows[kept[k]][t]);
        Self {
            rewards: kept.iter().map(|&n| self.rewards[n]).collect(),
            advantages: of_rows(&self.advantages, &kept_rows),
            word_values: of_rows(&self.word_values, &kept_rows),
            unwanted: of_rows(&self.unwanted, &kept_rows),
            trains: kept.iter().map(|&n| self.trains[n]).collect(),
            rollout: Rollout {
                batch: SourceBatch {
                    source: batch.source.select(sources),
                    examples: sources.iter().map(|&k| batch.examples[k]).collect(),
                    prefixes: kept
                        .iter()
                        .filter_map(|&n| batch.prefixes.get(n).cloned())
                        .collect(),
                },
                captions: own,
                source_of_sequence: repeat(sources.len(), samples),
                drawing: Drawing::Gone,
                is_reshaped: false,
                log_q: of_rows(&self.rollout.log_q, &kept_rows),
                energies: Vec::new(),
                states: None,
                greedy: Vec::new(),
                has_reward: kept.iter().map(|&n| self.rollout.has_reward[n]).collect(),
                part: self.rollout.part,
            },
        }
    }
}

/// The values of some rows; none at all of none.
fn of_rows<T: Clone>(values: &[T], rows: &[usize]) -> Vec<T> {
    if values.is_empty() {
        return Vec::new();
    }
    rows.iter().map(|&row| values[row].clone()).collect()
}

/// Standard deviation of the rewards of one source's samples.
fn deviation(rewards: &[f64]) -> f64 {
    let n = rewards.len() as f64;
    let mean = rewards.iter().sum::<f64>() / n;
    (rewards.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / n).sqrt()
}

/// Metrics of rewards, over the samples that count in them.
fn tally_samples(
    tally: &mut Tally,
    all: &[Sampled],
    advantages: &Advantages,
    scores: &MixtureScores,
) {
    let captions = all.iter().flat_map(|part| &part.captions);
    let sampled: Vec<&Vec<u32>> = captions.collect();
    let sources: usize = all.iter().map(|part| part.examples.len()).sum();
    let rewards = &scores.total[..sampled.len()];
    let is_chosen = all.iter().flat_map(|part| part.choice().samples());
    let is_chosen: Vec<bool> = is_chosen.collect();
    let of_chosen = |values: &[f64]| -> Vec<f64> {
        let all = values.iter().zip(&is_chosen);
        all.filter(|(_, chosen)| **chosen)
            .map(|(value, _)| *value)
            .collect()
    };
    tally.add_all("reward", of_chosen(rewards));
    let samples = sampled.len() / sources.max(1);
    let of_sources = (0..sampled.len()).step_by(samples.max(1)).map(|first| {
        let own = (first..first + samples).filter(|&n| is_chosen[n]);
        own.map(|n| rewards[n]).collect::<Vec<_>>()
    });
    let of_sources = of_sources.filter(|rewards| !rewards.is_empty());
    tally.add_all(
        "reward_spread",
        of_sources.map(|rewards| deviation(&rewards)),
    );
    tally.add_all("baseline", advantages.baselines.iter().copied());
    let cut_off = sampled
        .iter()
        .map(|words| f64::from(u8::from(!words.ends_with(&[END]))));
    tally.add_all("cut_off_share", cut_off);
    for part in &scores.parts {
        // Captions to which the reward applies.
        let scored = part.scores.iter().zip(&is_chosen);
        let scored = scored.filter_map(|(score, chosen)| score.filter(|_| *chosen));
        tally.add_all(&format!("reward_{}", part.name), scored);
    }
}
