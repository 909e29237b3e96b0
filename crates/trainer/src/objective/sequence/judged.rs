//! Sampled captions with their rewards and advantages: what every update on them begins with.

use std::time::Instant;

use scst_data::Vocabulary;
use scst_loss::Counts;
use scst_model::Captioner;
use scst_reward::{MixtureScores, NextWordValues, RewardError};
use scst_sampler::END;

use super::{
    advantages::{Advantages, Scores},
    critic::SelfCritic,
    likelihood::row_log_probabilities,
    rollout::Rollout,
};
use crate::{
    TrainError,
    config::SequenceObjective,
    objective::batch::{SourceBatch, StepContext, pack, repeat},
    optimise::reduce::Tally,
};

/// Captions that have been judged.
pub(crate) struct Judged {
    pub(super) rollout: Rollout,
    /// The reward of every sample.
    pub(super) rewards: Vec<f64>,
    /// The advantage of every word, packed as a tape is; none at all if the objective has no advantages.
    pub(super) advantages: Vec<f64>,
    /// `log p` of every word when it was drawn, nats, packed likewise; none at all if samples are the model's own
    /// and used once, or nothing asks for it.
    pub(super) drawn: Vec<f64>,
    /// The values of all words that might have come, packed likewise; none at all if nothing asks for them.
    pub(super) word_values: Vec<NextWordValues>,
    /// Which words are made less probable, packed likewise; none at all if nothing is.
    pub(super) unwanted: Vec<bool>,
    /// Which samples train: all of them, or those that are not left out.
    pub(super) trains: Vec<bool>,
}

impl SelfCritic {
    /// Scores samples and compares them with the baseline, which learns from them.
    pub(super) fn judge(
        &mut self,
        (captioner, vocabulary, max_length): (&Captioner, &Vocabulary, usize),
        mut rollout: Rollout,
        context: StepContext,
        tally: &mut Tally,
    ) -> Result<Judged, TrainError> {
        let start = Instant::now();
        self.large.begin_step();
        let rows = rollout.image_of_sample().zip(&rollout.captions);
        let images = rollout.batch.images.iter().copied();
        let rows = rows.chain(images.zip(&rollout.greedy));
        let scores = self.score(vocabulary, &rows.collect::<Vec<_>>())?;
        tally.add("reward_secs", start.elapsed().as_secs_f64(), 1.0);

        let start = Instant::now();
        rollout.has_reward = self.have_rewards(&rollout, &scores)?;
        let captions = &rollout.captions;
        let (compared, greedy) = scores.self_critical.split_at(captions.len());
        let compared = Scores {
            rewards: &scores.total[..captions.len()],
            compared,
            greedy,
        };
        let reads = (captioner, vocabulary, max_length);
        let own = self.word_baselines(reads, &rollout, compared.compared, context, tally)?;
        let advantages = self.advantages(captioner, &rollout, &compared, &own)?;
        let drawn = match (&rollout.drawn, &rollout.tape) {
            (Some(drawn), _) => pack(captions, |n, t| drawn[n][t]),
            (None, Some(tape)) if self.config.compares_with_drawing() => {
                row_log_probabilities(captioner, tape.hidden(), captions)?
            }
            _ => Vec::new(),
        };
        // A part of the update, which counts it once.
        tally.add("update_secs", start.elapsed().as_secs_f64(), 0.0);
        tally_samples(tally, &rollout, &advantages, &scores);
        let trains = self.trains(&rollout, compared.rewards);
        let rewards = compared.rewards.to_vec();
        let word_values = match self.config.objective {
            SequenceObjective::AllAction => self.word_values(&rollout),
            _ => Vec::new(),
        };
        let unwanted = match &self.config.unlikelihood {
            Some(config) => {
                let words = captions.iter();
                let of_captions: Vec<Vec<bool>> = words
                    .map(|words| config.unwanted(words, vocabulary))
                    .collect();
                pack(captions, |n, t| of_captions[n][t])
            }
            None => Vec::new(),
        };
        Ok(Judged {
            rollout,
            rewards,
            advantages: advantages.rows,
            drawn,
            word_values,
            unwanted,
            trains,
        })
    }

    /// Which samples have a reward, and so does what they are compared with.
    ///
    /// # Errors
    /// [`TrainError::Reward`] where samples are compared with each other and one has no reward.
    fn have_rewards(
        &self,
        rollout: &Rollout,
        scores: &MixtureScores,
    ) -> Result<Vec<bool>, TrainError> {
        let samples = rollout.captions.len();
        let (own, greedy) = scores.applies.split_at(samples);
        let of_source = |n: usize| greedy.get(rollout.source_of_sequence[n]);
        let applies = |n: usize| own[n] && of_source(n).is_none_or(|applies| *applies);
        let applies: Vec<bool> = (0..samples).map(applies).collect();
        let compares = self.config.objective.compares_captions();
        match applies.iter().position(|applies| !applies) {
            Some(caption) if compares => {
                let image = rollout.image_of_sample().nth(caption).unwrap_or_default();
                let image = &self.rewards.references().images()[image].id;
                Err(TrainError::from(RewardError::NotApplicable {
                    reward: scores
                        .parts
                        .iter()
                        .map(|part| part.name.as_str())
                        .collect::<Vec<_>>()
                        .join(", "),
                    caption,
                    image: image.to_string(),
                }))
            }
            _ => Ok(applies),
        }
    }

    /// Which samples are not left out.
    fn trains(&self, rollout: &Rollout, rewards: &[f64]) -> Vec<bool> {
        let (config, has_reward) = (&self.config, &rollout.has_reward);
        let samples = config.samples_per_source;
        let groups = rewards.chunks(samples).zip(has_reward.chunks(samples));
        let of_sources = groups.flat_map(|(own, has)| {
            let mut rewarded = own.iter().zip(has).filter(|(_, has)| **has);
            let first = rewarded.next();
            let differ = first.is_some_and(|(first, _)| rewarded.any(|(r, _)| r != first));
            let trains = differ || !config.leave_out_equal_rewards;
            std::iter::repeat_n(trains, own.len())
        });
        let ends = |words: &Vec<u32>| words.ends_with(&[END]) || !config.leave_out_cut_off;
        let captions = rollout.captions.iter().zip(of_sources).zip(has_reward);
        captions
            .map(|((words, trains), has)| trains && *has && ends(words))
            .collect()
    }
}

impl Judged {
    /// Indices of the sources in the training set.
    pub(crate) fn images(&self) -> &[usize] {
        &self.rollout.batch.images
    }

    /// The sources as the samples were drawn for them, without given words.
    pub(crate) fn sources(&self) -> SourceBatch {
        SourceBatch {
            source: self.rollout.batch.source.clone(),
            images: self.images().to_vec(),
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
        let samples = captions.len() / batch.images.len().max(1);
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
            drawn: of_rows(&self.drawn, &kept_rows),
            word_values: of_rows(&self.word_values, &kept_rows),
            unwanted: of_rows(&self.unwanted, &kept_rows),
            trains: kept.iter().map(|&n| self.trains[n]).collect(),
            rollout: Rollout {
                batch: SourceBatch {
                    source: batch.source.select(sources),
                    images: sources.iter().map(|&k| batch.images[k]).collect(),
                    prefixes: kept
                        .iter()
                        .filter_map(|&n| batch.prefixes.get(n).cloned())
                        .collect(),
                },
                captions: own,
                source_of_sequence: repeat(sources.len(), samples),
                drawn: None,
                tape: None,
                greedy: Vec::new(),
                has_reward: kept.iter().map(|&n| self.rollout.has_reward[n]).collect(),
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

/// Standard deviation of the rewards of one image's samples.
fn deviation(rewards: &[f64]) -> f64 {
    let n = rewards.len() as f64;
    let mean = rewards.iter().sum::<f64>() / n;
    (rewards.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / n).sqrt()
}

/// Metrics of rewards, over the samples that count in them.
fn tally_samples(
    tally: &mut Tally,
    rollout: &Rollout,
    advantages: &Advantages,
    scores: &MixtureScores,
) {
    let sampled = &rollout.captions;
    let rewards = &scores.total[..sampled.len()];
    let is_chosen = rollout.chosen();
    let of_chosen = |values: &[f64]| -> Vec<f64> {
        let all = values.iter().zip(&is_chosen);
        all.filter(|(_, chosen)| **chosen)
            .map(|(value, _)| *value)
            .collect()
    };
    tally.add_all("reward", of_chosen(rewards));
    let samples = sampled.len() / rollout.batch.images.len().max(1);
    let of_images = (0..sampled.len()).step_by(samples.max(1)).map(|first| {
        let own = (first..first + samples).filter(|&n| is_chosen[n]);
        own.map(|n| rewards[n]).collect::<Vec<_>>()
    });
    let of_images = of_images.filter(|rewards| !rewards.is_empty());
    tally.add_all(
        "reward_spread",
        of_images.map(|rewards| deviation(&rewards)),
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
