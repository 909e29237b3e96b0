//! Processes that work together on one run.
//!
//! A [`Group`] carries bytes and numbers between its members, its ranks; it adds nothing itself. Sums are those of
//! [`sum`](sum::sum): parts are added in one fixed binary tree ([`tree`]), whoever computed them, so that the result has the same
//! bits on any number of ranks. [`Alone`] is the group of one process, [`Threads`] has its ranks within one process,
//! and with the feature `mpi` there is `Mpi`.

#![deny(missing_docs)]

mod alone;
mod error;
pub mod launch;
mod metered;
#[cfg(feature = "mpi")]
mod mpi;
pub mod sum;
mod threads;
pub mod tree;

use std::{fmt::Debug, ops::Range, sync::OnceLock, time::Instant};

pub use alone::Alone;
pub use error::GroupError;
pub use metered::{Cost, Metered};
#[cfg(feature = "mpi")]
pub use mpi::{Mpi, SILENT};
pub use threads::Threads;

/// What a rank does while it waits for others.
#[derive(Debug, Clone, Copy)]
pub enum Meanwhile<'a> {
    /// Nothing else: it looks after what is on its way all the time, as that moves only then.
    Idle,
    /// Its cores compute until a moment that is told here when it has come, and it looks now and then. Until then no time is
    /// lost by it, and none is counted as [waited](Group::waited).
    ComputesUntil(&'a OnceLock<Instant>),
}

impl Meanwhile<'_> {
    /// Since when it does nothing else, if it does nothing else, of what began at `start`.
    pub(crate) fn idle_since(self, start: Instant) -> Option<Instant> {
        match self {
            Self::Idle => Some(start),
            Self::ComputesUntil(end) => end.get().map(|end| start.max(*end)),
        }
    }
}

/// The ranks of a run, seen from one of them.
///
/// Every rank makes the same calls in the same order, one at a time, on whichever of its threads.
pub trait Group: Debug + Sync {
    /// The number of this process among all, from 0.
    fn rank(&self) -> usize;

    /// How many processes there are, 1 or more.
    fn size(&self) -> usize;

    /// The number of this process among those of its machine, from 0.
    fn local_rank(&self) -> usize;

    /// What every rank gives, in the order of ranks, waited for by a rank that does nothing else. `what` it is, for messages.
    ///
    /// # Errors
    /// [`GroupError`] when another rank cannot be reached.
    fn gather(&self, own: &[u8], what: &str) -> Result<Vec<Vec<u8>>, GroupError> {
        self.gather_while(own, what, Meanwhile::Idle)
    }

    /// As [`gather`](Self::gather), while something else is done.
    ///
    /// # Errors
    /// Those of [`gather`](Self::gather).
    fn gather_while(
        &self,
        own: &[u8],
        what: &str,
        meanwhile: Meanwhile<'_>,
    ) -> Result<Vec<Vec<u8>>, GroupError>;

    /// Sends numbers to every rank: `own` holds those for the first rank, then those for the second, `counts` of each. Returns
    /// what the ranks have sent here, in their order; `expected` of each.
    ///
    /// # Errors
    /// [`GroupError`] when another rank cannot be reached, or there are more numbers than a message holds.
    fn exchange(
        &self,
        own: &[f32],
        counts: &[usize],
        expected: &[usize],
        meanwhile: Meanwhile<'_>,
    ) -> Result<Vec<f32>, GroupError>;

    /// The numbers of all ranks, in their order; `counts` of each.
    ///
    /// # Errors
    /// As [`exchange`](Self::exchange).
    fn collect(
        &self,
        own: &[f32],
        counts: &[usize],
        meanwhile: Meanwhile<'_>,
    ) -> Result<Vec<f32>, GroupError>;

    /// For how many seconds this rank has waited for each of the ranks, because it was the last to come.
    fn waited(&self) -> Vec<f64>;
}

/// The part of `0..count` that a rank of `size` takes, of equal parts as nearly as can be.
pub fn share(count: usize, size: usize, rank: usize) -> Range<usize> {
    count * rank / size..count * (rank + 1) / size
}
