//! The processes that run a command together: one, or those that MPI has started.

#[cfg(feature = "mpi")]
mod mpi;
#[cfg(not(feature = "mpi"))]
mod without_mpi;

use std::{
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
};

use scst_group::{Alone, Group, launch::launched};

use crate::{failure::Failure, output};
#[cfg(feature = "mpi")]
use mpi::Job;
#[cfg(not(feature = "mpi"))]
use without_mpi::Job;

/// This process among those that run the command together.
pub(crate) struct Ranks {
    /// The others, if there are any.
    job: Option<Job>,
}

impl Ranks {
    /// One process.
    pub(crate) fn alone() -> Self {
        Self { job: None }
    }

    /// Joins those that were started together, if this process was started as one of several; nobody waits longer than
    /// `wait_secs` for another. All ranks but the first print nothing from now on, but for what ends them.
    ///
    /// # Errors
    /// A [`Failure::Mistake`] when the processes cannot find one another.
    pub(crate) fn join(wait_secs: u64) -> Result<Self, Failure> {
        let job = launched().map(|launched| Job::join(launched, wait_secs));
        Ok(Self {
            job: job.transpose()?,
        })
    }

    /// All of them.
    pub(crate) fn group(&self) -> &dyn Group {
        match &self.job {
            Some(job) => job.group(),
            None => &Alone,
        }
    }

    /// Whether this process is the first of them, which alone writes and prints.
    pub(crate) fn is_first(&self) -> bool {
        self.group().rank() == 0
    }

    /// How many threads this process has to itself, where nothing is said of them and it is one of several on its machine.
    pub(crate) fn threads(&self) -> Option<usize> {
        self.job.as_ref().and_then(Job::threads)
    }

    /// Says why the command has failed, and ends it on all ranks.
    pub(crate) fn fail(&self, failure: &Failure) -> ExitCode {
        if let Some(job) = &self.job {
            job.fail(failure);
        }
        output::error(failure);
        ExitCode::from(failure.code())
    }

    /// Runs the command; a panic in it ends it on all ranks.
    pub(crate) fn guard<T>(&self, command: impl FnOnce() -> T) -> T {
        let outcome = panic::catch_unwind(AssertUnwindSafe(command));
        outcome.unwrap_or_else(|panic| {
            if let Some(job) = &self.job {
                job.end_after_panic();
            }
            panic::resume_unwind(panic)
        })
    }

    /// Says, of all processes in the first, why they cannot work together.
    pub(crate) fn refuse(failure: &Failure) -> ExitCode {
        if launched().is_none_or(|launched| launched.rank == 0) {
            output::error(failure);
        }
        ExitCode::from(failure.code())
    }
}
