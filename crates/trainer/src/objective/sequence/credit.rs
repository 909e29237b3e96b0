//! What single words are credited with: baselines of their own.

use scst_data::Vocabulary;
use scst_model::Captioner;
use scst_sampler::sample_continuations;

use super::{critic::SelfCritic, rollout::Rollout};
use crate::{
    TrainError,
    config::Credit,
    decode::step_model::Decoder,
    draws::Purpose,
    objective::batch::{StepContext, pack},
};

/// The baseline of every word, packed as a tape is; none where that of its caption holds.
pub(super) type WordBaselines = Vec<Option<f64>>;

impl SelfCritic {
    /// The baselines of single words, if the configuration wants any. `compared`: the part of every sample's reward that has
    /// a baseline.
    pub(super) fn word_baselines(
        &mut self,
        (captioner, vocabulary, max_length): (&Captioner, &Vocabulary, usize),
        rollout: &Rollout,
        compared: &[f64],
        context: StepContext,
    ) -> Result<WordBaselines, TrainError> {
        Ok(match self.actor.config.credit {
            Credit::Caption => Vec::new(),
            Credit::Prefix => self.of_prefixes(vocabulary, rollout, compared)?,
            Credit::Rollouts { every, samples } => {
                let from = Places { every, samples };
                let reads = (captioner, vocabulary, max_length);
                self.of_rollouts(reads, rollout, &from, context)?
            }
        })
    }

    /// `r(y_<t)`, and where there is a baseline the mean of `r(y') - r(y'_<t)` over the other samples of the source with a
    /// word there.
    fn of_prefixes(
        &mut self,
        vocabulary: &Vocabulary,
        rollout: &Rollout,
        compared: &[f64],
    ) -> Result<WordBaselines, TrainError> {
        let captions = &rollout.captions;
        let examples: Vec<usize> = rollout.example_of_sample().collect();
        let places = pack(captions, |n, t| (n, t));
        let prefixes: Vec<Vec<u32>> = places
            .iter()
            .map(|&(n, t)| captions[n][..t].to_vec())
            .collect();
        let rows = places.iter().zip(&prefixes);
        let rows: Vec<(usize, &Vec<u32>)> =
            rows.map(|(&(n, _), words)| (examples[n], words)).collect();
        let had = self.score(vocabulary, &rows)?.self_critical;
        if self.actor.config.baseline == scst_loss::Baseline::None {
            return Ok(had.into_iter().map(Some).collect());
        }
        // Sums over the samples of a source at a place, by both.
        let longest = captions.iter().map(Vec::len).max().unwrap_or(0);
        let samples = self.actor.config.samples_per_source;
        let group = |n: usize, t: usize| n / samples * longest + t;
        let mut sums = vec![(0.0, 0.0f64); captions.len().div_ceil(samples) * longest];
        let rows = places.iter().zip(&had);
        for (&(n, t), had) in rows.filter(|((n, _), _)| rollout.has_reward[*n]) {
            let (sum, count) = &mut sums[group(n, t)];
            *sum += compared[n] - had;
            *count += 1.0;
        }
        // Of a sample without a reward, nothing is asked.
        let baseline = |(&(n, t), had): (&(usize, usize), &f64)| {
            let (sum, count) = sums[group(n, t)];
            let others = sum - (compared[n] - had);
            Some(had + others / (count - 1.0).max(1.0))
        };
        Ok(places.iter().zip(&had).map(baseline).collect())
    }

    /// The mean reward of captions that begin as a sample does and are drawn to their ends, dropout off.
    fn of_rollouts(
        &mut self,
        (captioner, vocabulary, max_length): (&Captioner, &Vocabulary, usize),
        rollout: &Rollout,
        from: &Places,
        context: StepContext,
    ) -> Result<WordBaselines, TrainError> {
        let captions = &rollout.captions;
        // Where captions are drawn from does not depend on where the sample ends, which would bias the gradient.
        let of_caption = |n: usize| {
            let places = (from.every..captions[n].len()).step_by(from.every);
            places.map(move |t| (n, t))
        };
        let places: Vec<(usize, usize)> = (0..captions.len()).flat_map(of_caption).collect();
        if places.is_empty() {
            return Ok(pack(captions, |_, _| None));
        }
        let repeated = places
            .iter()
            .flat_map(|place| std::iter::repeat_n(*place, from.samples));
        let (mut sources, mut examples, mut prefixes) = (Vec::new(), Vec::new(), Vec::new());
        for (n, t) in repeated {
            let source = rollout.source_of_sequence[n];
            sources.push(source);
            examples.push(rollout.batch.examples[source]);
            prefixes.push(captions[n][..t].to_vec());
        }
        let state = captioner.start(rollout.batch.source.clone(), &sources)?;
        let mut decoder = Decoder::reading(captioner);
        let mut rng = context.generator(Purpose::Continuations);
        let drawn = sample_continuations(&mut decoder, state, &prefixes, max_length, &mut rng)?;
        let rows: Vec<(usize, &Vec<u32>)> = examples.into_iter().zip(&drawn).collect();
        let scores = self.score(vocabulary, &rows)?;
        let rewards = scores.self_critical.into_iter().zip(scores.applies);
        let rewards: Vec<(f64, bool)> = rewards.collect();
        let means = rewards.chunks(from.samples).map(mean);
        let mut of_places = vec![Vec::new(); captions.len()];
        for (&(n, _), mean) in places.iter().zip(means) {
            of_places[n].push(mean);
        }
        let last = |n: usize, t: usize| {
            let place = (t / from.every).checked_sub(1)?;
            of_places[n].get(place).copied().flatten()
        };
        Ok(pack(captions, last))
    }
}

/// The mean of the rewards that apply, if any does.
fn mean(rewards: &[(f64, bool)]) -> Option<f64> {
    let own = rewards.iter().filter(|(_, applies)| *applies);
    let (count, sum) = own.fold((0.0, 0.0), |(n, sum), (reward, _)| (n + 1.0, sum + reward));
    (count > 0.0).then_some(sum / count)
}

/// Where captions are drawn anew, and how many.
struct Places {
    every: usize,
    samples: usize,
}
