//! What it costs ranks to work together.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use crate::{Group, GroupError, Meanwhile};

/// A group whose exchanges are timed, and what they send counted.
#[derive(Debug)]
pub struct Metered<'a> {
    group: &'a dyn Group,
    cost: Mutex<Cost>,
}

/// What exchanges have cost this rank.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// Seconds in which this rank did nothing else, those of waiting for other ranks among them.
    pub secs: f64,
    /// Bytes that were sent to other ranks.
    pub bytes: u64,
}

impl<'a> Metered<'a> {
    /// The same group, metered.
    pub fn new(group: &'a dyn Group) -> Self {
        Self {
            group,
            cost: Mutex::default(),
        }
    }

    /// The cost since the last call.
    pub fn take(&self) -> Cost {
        std::mem::take(&mut *self.cost())
    }

    fn cost(&self) -> MutexGuard<'_, Cost> {
        self.cost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn metered<T>(
        &self,
        bytes: usize,
        meanwhile: Meanwhile<'_>,
        exchange: impl FnOnce() -> T,
    ) -> T {
        let start = Instant::now();
        let found = exchange();
        let mut cost = self.cost();
        if let Some(idle) = meanwhile.idle_since(start) {
            cost.secs += idle.elapsed().as_secs_f64();
        }
        cost.bytes += bytes as u64;
        found
    }
}

impl Group for Metered<'_> {
    fn rank(&self) -> usize {
        self.group.rank()
    }

    fn size(&self) -> usize {
        self.group.size()
    }

    fn local_rank(&self) -> usize {
        self.group.local_rank()
    }

    fn gather_while(
        &self,
        own: &[u8],
        what: &str,
        meanwhile: Meanwhile<'_>,
    ) -> Result<Vec<Vec<u8>>, GroupError> {
        let bytes = own.len() * (self.size() - 1);
        self.metered(bytes, meanwhile, || {
            self.group.gather_while(own, what, meanwhile)
        })
    }

    fn exchange(
        &self,
        own: &[f32],
        counts: &[usize],
        expected: &[usize],
        meanwhile: Meanwhile<'_>,
    ) -> Result<Vec<f32>, GroupError> {
        let kept = counts.get(self.rank()).copied().unwrap_or(0);
        let bytes = size_of::<f32>() * (own.len() - kept);
        let exchange = || self.group.exchange(own, counts, expected, meanwhile);
        self.metered(bytes, meanwhile, exchange)
    }

    fn collect(
        &self,
        own: &[f32],
        counts: &[usize],
        meanwhile: Meanwhile<'_>,
    ) -> Result<Vec<f32>, GroupError> {
        let bytes = size_of_val(own) * (self.size() - 1);
        self.metered(bytes, meanwhile, || {
            self.group.collect(own, counts, meanwhile)
        })
    }

    fn waited(&self) -> Vec<f64> {
        self.group.waited()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Threads,
        sum::{Layout, sum},
    };

    #[test]
    fn a_sum_of_one_node_a_rank_sends_twice_all_but_a_share() {
        let (ranks, numbers) = (4, 1_000);
        let costs = Threads::run(ranks, |group| {
            let metered = Metered::new(group);
            let layout = Layout {
                parts: ranks,
                lengths: vec![numbers],
                present: vec![vec![true]; ranks],
            };
            let own = [vec![1.0; numbers]];
            sum(&metered, &layout, &own, Meanwhile::Idle).expect("threads reach one another");
            (metered.take(), metered.take())
        });
        for (cost, after) in costs {
            assert_eq!(cost.bytes, 2 * 4 * (numbers - numbers / ranks) as u64);
            assert_eq!(after, Cost::default());
        }
    }
}
