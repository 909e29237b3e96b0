//! The samples of one rollout, for as many updates as the stage takes on them.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::judged::Judged;
use crate::{
    config::ScstConfig, draws::Purpose, objective::batch::StepContext, optimise::division::Division,
};

/// The updates on one rollout.
pub(crate) struct Updates<'a> {
    /// This rank's parts of the batch.
    judged: Vec<Judged>,
    division: Division<'a>,
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

impl<'a> Updates<'a> {
    /// All updates that a stage takes on the samples of a batch of `sources`.
    pub(crate) fn new(
        config: &ScstConfig,
        judged: Vec<Judged>,
        (division, sources): (Division<'a>, usize),
        context: StepContext,
    ) -> Self {
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
            division,
            left: config.updates_per_rollout,
            few,
        }
    }

    /// This rank's samples of the next update, those of the same part of the batch together; none after the last.
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
        for part in &self.judged {
            let own = self.division.range(few.order.len(), part.part());
            let chosen = chosen.iter().filter(|source| own.contains(*source));
            let chosen: Vec<usize> = chosen.map(|source| source - own.start).collect();
            if !chosen.is_empty() {
                few.judged.push(part.of_sources(&chosen));
            }
        }
        Some(&mut few.judged)
    }
}
