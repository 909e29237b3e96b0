//! What steps read of a run, from several threads.

use burn::tensor::Device;
use scst_data::Example;
use scst_model::{Captioner, HandOut};

use crate::{
    TrainError,
    corpus::Corpus,
    objective::{
        batch::{SourceBatch, StepContext},
        sequence::{Judged, Replay},
        word::Xe,
    },
    optimise::{early_sums::groups, reduce::Contribution},
};

/// The mean reward of the captions that are trained on again.
pub(super) const REPLAY_REWARD: &str = "replay_reward";

/// What steps read of a run, from several threads.
pub(super) struct Reads<'a> {
    pub(super) captioner: &'a Captioner,
    pub(super) corpus: &'a Corpus,
    /// The training sources.
    pub(super) train: &'a [Example],
    pub(super) device: &'a Device,
    /// What the regions of a step are compared with.
    pub(super) location_baseline: f64,
}

impl Reads<'_> {
    /// What gradients are summed by: how many groups are handed out early, and the device.
    pub(super) fn summed_on(&self) -> (usize, &Device) {
        (groups(self.captioner), self.device)
    }

    /// Training sources by their indices.
    pub(super) fn sources(&self, examples: &[usize]) -> Result<SourceBatch, TrainError> {
        let read: Vec<&Example> = examples
            .iter()
            .map(|&example| &self.train[example])
            .collect();
        Ok(SourceBatch {
            source: self.corpus.source(&read, self.device)?,
            examples: examples.to_vec(),
            prefixes: Vec::new(),
        })
    }

    /// The gold captions of training sources.
    pub(super) fn gold(&self, examples: &[usize]) -> Vec<Vec<Vec<u32>>> {
        let examples = examples.iter().map(|&example| &self.train[example]);
        examples
            .map(|example| example.captions().map(<[u32]>::to_vec).collect())
            .collect()
    }

    /// What gold captions of the sources contribute.
    pub(super) fn cross_entropy(
        &self,
        xe: &Xe,
        batch: SourceBatch,
        step: (StepContext, HandOut<'_>),
    ) -> Result<Contribution, TrainError> {
        let gold = self.gold(&batch.examples);
        let gold: Vec<&[Vec<u32>]> = gold.iter().map(Vec::as_slice).collect();
        self.contribution(xe, batch, &gold, step)
    }

    /// What the best samples so far of these sources contribute, with their mean reward; nothing where none has one.
    pub(super) fn replayed(
        &self,
        (xe, replay): (&Xe, &Replay),
        samples: &Judged,
        step: (StepContext, HandOut<'_>),
    ) -> Result<Option<Contribution>, TrainError> {
        let (places, best, reward) = replay.captions(samples.examples());
        if places.is_empty() {
            return Ok(None);
        }
        let all = samples.sources();
        let batch = SourceBatch {
            source: all.source.select(&places),
            examples: places.iter().map(|&place| all.examples[place]).collect(),
            prefixes: Vec::new(),
        };
        let best: Vec<&[Vec<u32>]> = best.iter().map(std::slice::from_ref).collect();
        let mut part = self.contribution(xe, batch, &best, step)?;
        part.tally.add(REPLAY_REWARD, reward, 1.0);
        Ok(Some(part))
    }

    fn contribution(
        &self,
        xe: &Xe,
        batch: SourceBatch,
        gold: &[&[Vec<u32>]],
        step: (StepContext, HandOut<'_>),
    ) -> Result<Contribution, TrainError> {
        let (length, baseline) = (self.corpus.max_length(), self.location_baseline);
        xe.contribution(self.captioner, batch, gold, length, baseline, step)
    }
}
