//! What it costs ranks to work together.

use std::{cell::Cell, time::Instant};

use crate::{Group, GroupError};

/// A group whose exchanges are timed, and what they send counted.
#[derive(Debug)]
pub struct Metered<'a> {
    group: &'a dyn Group,
    cost: Cell<Cost>,
}

/// What exchanges have cost this rank.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// Seconds, those of waiting for other ranks among them.
    pub secs: f64,
    /// Bytes that were sent to other ranks.
    pub bytes: u64,
}

impl<'a> Metered<'a> {
    /// The same group, metered.
    pub fn new(group: &'a dyn Group) -> Self {
        Self {
            group,
            cost: Cell::default(),
        }
    }

    /// The cost since the last call.
    pub fn take(&self) -> Cost {
        self.cost.take()
    }

    fn metered<T>(&self, bytes: usize, exchange: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let found = exchange();
        let Cost { secs, bytes: sent } = self.cost.get();
        self.cost.set(Cost {
            secs: secs + start.elapsed().as_secs_f64(),
            bytes: sent + bytes as u64,
        });
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

    fn gather(&self, own: &[u8], what: &str) -> Result<Vec<Vec<u8>>, GroupError> {
        let bytes = own.len() * (self.size() - 1);
        self.metered(bytes, || self.group.gather(own, what))
    }

    fn exchange(
        &self,
        own: &[f32],
        counts: &[usize],
        expected: &[usize],
    ) -> Result<Vec<f32>, GroupError> {
        let kept = counts.get(self.rank()).copied().unwrap_or(0);
        let bytes = size_of::<f32>() * (own.len() - kept);
        self.metered(bytes, || self.group.exchange(own, counts, expected))
    }

    fn collect(&self, own: &[f32], counts: &[usize]) -> Result<Vec<f32>, GroupError> {
        let bytes = size_of_val(own) * (self.size() - 1);
        self.metered(bytes, || self.group.collect(own, counts))
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
            sum(&metered, &layout, &[vec![1.0; numbers]]).expect("threads reach one another");
            (metered.take(), metered.take())
        });
        for (cost, after) in costs {
            assert_eq!(cost.bytes, 2 * 4 * (numbers - numbers / ranks) as u64);
            assert_eq!(after, Cost::default());
        }
    }
}
