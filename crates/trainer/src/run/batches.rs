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

#[cfg(test)]
mod tests {
    use super::*;

    fn batches() -> Batches {
        let stage = StageConfig {
            sources_per_batch: 3,
            ..StageConfig::default()
        };
        Batches::new(7, (1, &stage), 11, 3)
    }

    #[test]
    fn batches_of_an_epoch_are_disjoint_and_epochs_differ() {
        let mut all = batches();
        let mut epoch = |first: u64| -> Vec<usize> {
            let mut sources: Vec<usize> = (first..first + 3)
                .flat_map(|step| all.of_step(step))
                .collect();
            assert!(sources.iter().all(|&source| source < 11));
            let found = sources.clone();
            sources.sort_unstable();
            sources.dedup();
            assert_eq!(sources.len(), 9);
            found
        };
        assert_ne!(epoch(0), epoch(3));
    }

    #[test]
    fn a_batch_is_the_same_whatever_was_asked_for_before() {
        let mut ahead = batches();
        for step in 0..7 {
            let now = ahead.of_step(step);
            let next = ahead.of_step(step + 1);
            assert_eq!(now, batches().of_step(step));
            assert_eq!(next, batches().of_step(step + 1));
        }
    }
}
