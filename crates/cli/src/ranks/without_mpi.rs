//! A program that was built without MPI is one process.

use scst_group::{Group, launch::Launched};

use crate::failure::Failure;

/// There is none.
pub(super) enum Job {}

impl Job {
    /// Several processes would all do the same.
    pub(super) fn join(launched: Launched, _wait_secs: u64) -> Result<Self, Failure> {
        Err(Failure::Mistake(format!(
            "found {}, expected one process: this program was built without MPI, and they would all do the same; build it with \
             `cargo build --release --features mpi`{}",
            launched,
            launched.or_unset(),
        )))
    }

    pub(super) fn group(&self) -> &dyn Group {
        match *self {}
    }

    pub(super) fn threads(&self) -> Option<usize> {
        match *self {}
    }

    pub(super) fn end_after_panic(&self) -> ! {
        match *self {}
    }

    pub(super) fn fail(&self, _failure: &Failure) -> ! {
        match *self {}
    }
}
