//! Ranks that are threads of one process.

use std::{
    sync::{Arc, Barrier, Mutex, PoisonError},
    thread,
};

use crate::{Group, GroupError};

/// One of several ranks within this process, each a thread.
#[derive(Debug, Clone)]
pub struct Threads {
    rank: usize,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    barrier: Barrier,
    /// What every rank shows to the others.
    shown: Mutex<Vec<Vec<u8>>>,
}

impl Threads {
    /// Runs `work` on `size` ranks at once, and returns what each of them gives.
    ///
    /// # Panics
    /// When `work` does.
    pub fn run<T: Send>(size: usize, work: impl Fn(&Self) -> T + Sync) -> Vec<T> {
        let shared = Arc::new(Shared {
            barrier: Barrier::new(size),
            shown: Mutex::new(vec![Vec::new(); size]),
        });
        let rank = |rank| Self {
            rank,
            shared: Arc::clone(&shared),
        };
        let work = &work;
        thread::scope(|scope| {
            let ranks = (0..size).map(rank);
            let running: Vec<_> = ranks
                .map(|group| scope.spawn(move || work(&group)))
                .collect();
            let results = running.into_iter().map(thread::ScopedJoinHandle::join);
            results
                .map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        })
    }

    fn show<T>(&self, own: Vec<u8>, look: impl FnOnce(&[Vec<u8>]) -> T) -> T {
        let shown = || {
            self.shared
                .shown
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        shown()[self.rank] = own;
        self.shared.barrier.wait();
        let found = look(&shown());
        self.shared.barrier.wait();
        found
    }
}

impl Group for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        let shown = self.shared.shown.lock();
        shown.unwrap_or_else(PoisonError::into_inner).len()
    }

    fn local_rank(&self) -> usize {
        self.rank
    }

    fn gather(&self, own: &[u8], _what: &str) -> Result<Vec<Vec<u8>>, GroupError> {
        Ok(self.show(own.to_vec(), <[Vec<u8>]>::to_vec))
    }

    fn exchange(
        &self,
        own: &[f32],
        counts: &[usize],
        expected: &[usize],
    ) -> Result<Vec<f32>, GroupError> {
        // Before the numbers of every rank stands how many come before those for each of the others.
        let mut message = Vec::new();
        let mut first = 0u64;
        for &count in counts {
            message.extend(first.to_le_bytes());
            first += count as u64;
        }
        message.extend(own.iter().flat_map(|value| value.to_le_bytes()));
        let (rank, size) = (self.rank, self.size());
        Ok(self.show(message, |all| {
            let from = all.iter().zip(expected);
            from.flat_map(|(message, &count)| {
                let (table, values) = message.split_at(8 * size);
                let first = table[8 * rank..][..8]
                    .try_into()
                    .map_or(0, u64::from_le_bytes);
                numbers(&values[4 * first as usize..][..4 * count])
            })
            .collect()
        }))
    }

    fn collect(&self, own: &[f32], _counts: &[usize]) -> Result<Vec<f32>, GroupError> {
        let message = own.iter().flat_map(|value| value.to_le_bytes()).collect();
        let all = |all: &[Vec<u8>]| all.iter().flat_map(|message| numbers(message)).collect();
        Ok(self.show(message, all))
    }

    fn waited(&self) -> Vec<f64> {
        vec![0.0; self.size()]
    }
}

fn numbers(bytes: &[u8]) -> Vec<f32> {
    let chunks = bytes.as_chunks::<4>().0.iter();
    chunks.map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rank_gets_what_was_meant_for_it() {
        let found = Threads::run(3, |group| {
            let rank = group.rank() as f32;
            // Rank r sends r + s numbers to rank s.
            let counts: Vec<usize> = (0..3).map(|s| group.rank() + s).collect();
            let own: Vec<f32> = (0..3)
                .flat_map(|s| vec![10.0 * rank + s as f32; group.rank() + s])
                .collect();
            let expected: Vec<usize> = (0..3).map(|r| r + group.rank()).collect();
            let exchanged = group
                .exchange(&own, &counts, &expected)
                .expect("threads reach one another");
            let gathered = group
                .gather(&[group.rank() as u8], "ranks")
                .expect("threads reach one another");
            let collected = group
                .collect(&vec![rank; group.rank()], &[0, 1, 2])
                .expect("threads reach one another");
            (exchanged, gathered, collected)
        });
        assert_eq!(found[0].0, [10.0, 20.0, 20.0]);
        assert_eq!(
            found[2].0,
            [2.0, 2.0, 12.0, 12.0, 12.0, 22.0, 22.0, 22.0, 22.0]
        );
        for (_, gathered, collected) in &found {
            assert_eq!(*gathered, [[0], [1], [2]]);
            assert_eq!(*collected, [1.0, 2.0, 2.0]);
        }
    }
}
