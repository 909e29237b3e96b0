//! Threads that compute parts of a batch, several parts at a time.

use std::{
    iter,
    panic::resume_unwind,
    thread::{self, ScopedJoinHandle},
};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::TrainError;

/// Who computes the parts of a batch that are this process's: bits do not depend on it, as parts are computed apart and added
/// in their order.
#[derive(Debug)]
pub(crate) struct Workers {
    /// Threads for every part that is computed at a time; none where it is one part, on all threads.
    pools: Vec<ThreadPool>,
    /// How many parts may be held in memory at a time.
    held: usize,
}

/// One part at a time.
pub(super) static ONE_AT_A_TIME: Workers = Workers {
    pools: Vec::new(),
    held: 1,
};

impl Workers {
    /// The threads of the process, for `parts` of a batch; `held` of them may be in memory at a time, where it is said, and are
    /// computed at a time if there are threads for them. `apart`: whether parts can be computed at the same time at all.
    ///
    /// # Errors
    /// [`TrainError::Threads`] when the operating system gives none.
    pub(crate) fn start(
        parts: usize,
        held: Option<usize>,
        apart: bool,
    ) -> Result<Self, TrainError> {
        let threads = rayon::current_num_threads();
        let at_once = if apart {
            threads.min(parts).min(held.unwrap_or(threads))
        } else {
            1
        };
        let of_pool = |pool: usize| threads / at_once + usize::from(pool < threads % at_once);
        let pools = (0..at_once).filter(|_| at_once > 1);
        let pools = pools.map(|pool| ThreadPoolBuilder::new().num_threads(of_pool(pool)).build());
        Ok(Self {
            pools: pools
                .collect::<Result<_, _>>()
                .map_err(TrainError::Threads)?,
            held: held.unwrap_or(at_once).max(at_once),
        })
    }

    /// Whether several parts are computed at a time.
    pub(crate) fn is_parallel(&self) -> bool {
        !self.pools.is_empty()
    }

    /// Whether so many parts may be held in memory at a time.
    pub(crate) fn hold(&self, parts: usize) -> bool {
        parts <= self.held
    }

    /// Computes something of every part, and takes the results in the order of parts. No more parts are begun once one has failed.
    ///
    /// # Errors
    /// That of the first part that fails.
    pub(crate) fn each<T: Send, R: Send>(
        &self,
        parts: impl IntoIterator<Item = T>,
        compute: impl Fn(T) -> Result<R, TrainError> + Sync,
        mut take: impl FnMut(R),
    ) -> Result<(), TrainError> {
        let mut parts = parts.into_iter();
        loop {
            let mut some: Vec<T> = parts.by_ref().take(self.pools.len().max(1)).collect();
            // One alone has all threads.
            if some.len() <= 1 {
                let Some(part) = some.pop() else {
                    return Ok(());
                };
                take(compute(part)?);
                continue;
            }
            let compute = &compute;
            let results: Vec<Result<R, TrainError>> = thread::scope(|scope| {
                let begun: Vec<_> = iter::zip(some, &self.pools)
                    .map(|(part, pool)| scope.spawn(move || pool.install(|| compute(part))))
                    .collect();
                let ended = begun.into_iter().map(ScopedJoinHandle::join);
                ended
                    .map(|ended| ended.unwrap_or_else(|panic| resume_unwind(panic)))
                    .collect()
            });
            for result in results {
                take(result?);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;
    use crate::backend::BackendError;

    fn workers(at_once: usize) -> Workers {
        let pools = iter::repeat_with(|| ThreadPoolBuilder::new().num_threads(1).build());
        Workers {
            pools: pools.take(at_once).collect::<Result<_, _>>().unwrap(),
            held: at_once,
        }
    }

    fn failure(part: usize) -> TrainError {
        let found = part.to_string();
        BackendError::Unknown { found }.into()
    }

    #[test]
    fn parts_are_computed_at_a_time_and_taken_in_order() {
        // Each waits for another: one after the other would wait for ever.
        let both = Barrier::new(2);
        let mut taken = Vec::new();
        let compute = |part: usize| {
            both.wait();
            Ok(part * part)
        };
        let done = workers(2).each(0..6, compute, |result| taken.push(result));
        done.unwrap();
        assert_eq!(taken, [0, 1, 4, 9, 16, 25]);
    }

    #[test]
    fn as_many_at_a_time_as_there_are() {
        for at_once in 0..5 {
            for parts in 0..7 {
                let mut taken = Vec::new();
                let done = workers(at_once).each(0..parts, Ok, |part| taken.push(part));
                done.unwrap();
                assert_eq!(taken, (0..parts).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn first_failure_in_the_order_of_parts_is_told_and_ends_the_work() {
        for at_once in [0, 2, 3] {
            let mut taken = Vec::new();
            let compute = |part| match part {
                1 | 2 => Err(failure(part)),
                _ => Ok(part),
            };
            let done = workers(at_once).each(0..9, compute, |part| taken.push(part));
            assert_eq!(done.unwrap_err().to_string(), failure(1).to_string());
            assert_eq!(taken, [0]);
        }
    }

    #[test]
    fn parts_share_the_threads() {
        let threads = rayon::current_num_threads();
        let one = Workers::start(4, Some(1), true).unwrap();
        assert!(one.pools.is_empty() && one.hold(1) && !one.hold(2));
        let not_apart = Workers::start(4, Some(3), false).unwrap();
        assert!(not_apart.pools.is_empty() && not_apart.hold(3) && !not_apart.hold(4));
        let all = Workers::start(4, Some(4), true).unwrap();
        assert!(all.hold(4));
        if threads > 1 {
            let of_pools = all.pools.iter().map(ThreadPool::current_num_threads);
            assert_eq!(of_pools.sum::<usize>(), threads);
            assert_eq!(all.pools.len(), threads.min(4));
        }
    }
}
