//! The samples of one rollout, for as many updates as the stage takes on them.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::judged::Judged;
use crate::{
    config::ScstConfig,
    draws::{Purpose, generator},
    objective::batch::StepContext,
};

/// The updates on one rollout.
pub(crate) struct Updates {
    judged: Judged,
    left: usize,
    parts: Option<Parts>,
}

/// Sources in parts, of which each update has one. All sources are gone through, in an order that is drawn, before one
/// comes again.
struct Parts {
    sources_per_update: usize,
    order: Vec<usize>,
    /// How many of the order were gone through.
    done: usize,
    rng: ChaCha8Rng,
    part: Option<Judged>,
}

impl Updates {
    /// All updates that a stage takes on the samples.
    pub(crate) fn new(config: &ScstConfig, judged: Judged, context: StepContext) -> Self {
        let sources = judged.images().len();
        let per_update = config.sources_per_update.filter(|&some| some < sources);
        let parts = per_update.map(|sources_per_update| Parts {
            sources_per_update,
            order: (0..sources).collect(),
            done: sources,
            rng: generator(context.seed, Purpose::Updates, context.stage, context.step),
            part: None,
        });
        Self {
            judged,
            left: config.updates_per_rollout,
            parts,
        }
    }

    /// The samples of the next update; none after the last.
    pub(crate) fn next_samples(&mut self) -> Option<&mut Judged> {
        self.left = self.left.checked_sub(1)?;
        let Some(parts) = &mut self.parts else {
            return Some(&mut self.judged);
        };
        if parts.done + parts.sources_per_update > parts.order.len() {
            parts.order.shuffle(&mut parts.rng);
            parts.done = 0;
        }
        let own = &parts.order[parts.done..parts.done + parts.sources_per_update];
        parts.done += parts.sources_per_update;
        Some(parts.part.insert(self.judged.of_sources(own)))
    }
}
