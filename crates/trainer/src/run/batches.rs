//! Which training sources a step reads.

use scst_data::random_order;

use crate::{
    config::StageConfig,
    draws::{Purpose, generator},
};

/// The batches of a stage: those of an epoch are disjoint, in an order of its own.
pub(super) struct Batches {
    seed: u64,
    stage: usize,
    sources: u32,
    per_batch: usize,
    steps_per_epoch: u64,
    /// Of the epoch that was asked for last.
    order: Option<(u64, Vec<u32>)>,
}

impl Batches {
    /// Those of the stage at `index`, of so many training sources.
    pub(super) fn new(
        seed: u64,
        (index, stage): (usize, &StageConfig),
        sources: usize,
        steps_per_epoch: u64,
    ) -> Self {
        Self {
            seed,
            stage: index,
            sources: sources as u32,
            per_batch: stage.sources_per_batch,
            steps_per_epoch,
            order: None,
        }
    }

    /// The training sources of a step, by their indices.
    pub(super) fn of_step(&mut self, step: u64) -> Vec<usize> {
        let epoch = step / self.steps_per_epoch;
        let order = match &mut self.order {
            Some((of, order)) if *of == epoch => order,
            other => {
                let mut rng = generator(self.seed, Purpose::Order, self.stage, epoch);
                let order = random_order(&mut rng, self.sources);
                &mut other.insert((epoch, order)).1
            }
        };
        let first = (step % self.steps_per_epoch) as usize * self.per_batch;
        let batch = &order[first..first + self.per_batch];
        batch.iter().map(|&example| example as usize).collect()
    }
}
