//! Threads that encode one image each.

use std::{
    iter,
    num::NonZeroUsize,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::EncoderError;

/// Threads with an image of their own each, and nobody to share a matrix product with: an image on every core leaves
/// none idle, and bits do not depend on the number of threads.
pub(super) struct Workers(Vec<ThreadPool>);

impl Workers {
    /// Starts so many.
    ///
    /// # Errors
    /// The operating system gives none.
    pub(super) fn start(threads: NonZeroUsize) -> Result<Self, EncoderError> {
        let pools = iter::repeat_with(|| ThreadPoolBuilder::new().num_threads(1).build());
        let pools = pools.take(threads.get()).collect::<Result<_, _>>();
        Ok(Self(pools.map_err(EncoderError::Threads)?))
    }

    /// Does `count` pieces of work by their numbers; the results are in that order.
    pub(super) fn map<T: Send>(
        &self,
        count: usize,
        work: &(dyn Fn(usize) -> T + Sync),
        done: &mut dyn FnMut(),
    ) -> Vec<T> {
        let next = AtomicUsize::new(0);
        let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&number| number < count);
        let (sender, receiver) = mpsc::channel();
        let work = |sender: mpsc::Sender<_>| {
            while let Some(number) = take() {
                if sender.send((number, work(number))).is_err() {
                    break;
                }
            }
        };
        thread::scope(|scope| {
            for pool in &self.0 {
                let (sender, work) = (sender.clone(), &work);
                scope.spawn(move || pool.install(|| work(sender)));
            }
            drop(sender);
            let mut results: Vec<_> = receiver.iter().inspect(|_| done()).collect();
            results.sort_unstable_by_key(|&(number, _)| number);
            results.into_iter().map(|(_, result)| result).collect()
        })
    }
}
