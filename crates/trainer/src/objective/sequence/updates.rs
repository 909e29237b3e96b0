//! The samples of one rollout, for as many updates as the stage takes on them.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::judged::Judged;
use crate::{config::ScstConfig, draws::Purpose, objective::batch::StepContext};

/// The updates on one rollout.
pub(crate) struct Updates {
    /// The parts of the batch.
    judged: Vec<Judged>,
    left: usize,
    few: Option<Few>,
}

/// A few sources for each update. All sources are gone through, in an order that is drawn, before one comes again.
struct Few {
    sources_per_update: usize,
    order: Vec<usize>,
    /// How many of the order were gone through.
    done: usize,
    rng: ChaCha8Rng,
    judged: Vec<Judged>,
}

impl Updates {
    /// All updates that a stage takes on the samples.
    pub(crate) fn new(config: &ScstConfig, judged: Vec<Judged>, context: StepContext) -> Self {
        let sources: usize = judged.iter().map(|part| part.images().len()).sum();
        let per_update = config.sources_per_update.filter(|&some| some < sources);
        let few = per_update.map(|sources_per_update| Few {
            sources_per_update,
            order: (0..sources).collect(),
            done: sources,
            rng: context.generator(Purpose::Updates),
            judged: Vec::new(),
        });
        Self {
            judged,
            left: config.updates_per_rollout,
            few,
        }
    }

    /// The samples of the next update, those of the same part of the batch together; none after the last.
    pub(crate) fn next_samples(&mut self) -> Option<&mut [Judged]> {
        self.left = self.left.checked_sub(1)?;
        let Some(few) = &mut self.few else {
            return Some(&mut self.judged);
        };
        if few.done + few.sources_per_update > few.order.len() {
            few.order.shuffle(&mut few.rng);
            few.done = 0;
        }
        let chosen = &few.order[few.done..few.done + few.sources_per_update];
        few.done += few.sources_per_update;
        few.judged.clear();
        let mut first = 0;
        for part in &self.judged {
            let own = first..first + part.images().len();
            let chosen = chosen.iter().filter(|source| own.contains(*source));
            let chosen: Vec<usize> = chosen.map(|source| source - first).collect();
            if !chosen.is_empty() {
                few.judged.push(part.of_sources(&chosen));
            }
            first = own.end;
        }
        Some(&mut few.judged)
    }
}
