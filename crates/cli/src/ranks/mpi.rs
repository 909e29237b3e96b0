//! The processes that MPI has started.

use std::{fmt::Display, fs, sync::OnceLock, thread, time::Duration};

use scst_group::{Group, GroupError, Mpi, launch::Launched};

use crate::{failure::Failure, output};

/// The exit code of a rank that panics, as without MPI.
const PANICKED: i32 = 101;

/// The number of this process, and of all.
static RANK: OnceLock<(usize, usize)> = OnceLock::new();

/// The ranks of a job.
pub(super) struct Job {
    mpi: Mpi,
}

impl Job {
    pub(super) fn join(launched: Launched, wait_secs: u64) -> Result<Self, Failure> {
        let refused = |known: &str| {
            Failure::Mistake(format!(
                "found {launched}, where MPI knows of {known}, expected all of them: start them with the `mpirun` of the MPI that \
                 this program was built with, {}, or with `srun --mpi=pmix` for Open MPI, `srun --mpi=pmi2` for MPICH{}",
                Mpi::library(),
                launched.or_unset(),
            ))
        };
        if Mpi::would_refuse(&launched) {
            return Err(refused("none"));
        }
        let give_up = |error: &GroupError| {
            wait_for_first();
            output::error(&on_rank(error));
        };
        let mpi = Mpi::join(Duration::from_secs(wait_secs), give_up)
            .map_err(|error| Failure::failed(&error))?;
        let (rank, size) = (mpi.group().rank(), mpi.group().size());
        if size != launched.processes {
            return Err(refused(&size.to_string()));
        }
        RANK.get_or_init(|| (rank, size));
        if rank > 0 {
            output::set_mute();
        }
        Ok(Self { mpi })
    }

    pub(super) fn group(&self) -> &dyn Group {
        self.mpi.group()
    }

    pub(super) fn threads(&self) -> Option<usize> {
        let own = thread::available_parallelism().ok()?.get();
        let all = cores().unwrap_or(own);
        // Ranks that are bound to cores see these alone.
        let is_bound = own < all;
        Some(if is_bound {
            own
        } else {
            (all / self.mpi.ranks_of_machine()).max(1)
        })
    }

    /// A rank that panics would let the others wait for ever.
    pub(super) fn end_after_panic(&self) -> ! {
        output::error(&on_rank(&"a rank has failed"));
        self.mpi.abort(PANICKED)
    }

    pub(super) fn fail(&self, failure: &Failure) -> ! {
        wait_for_first();
        output::error(&on_rank(failure));
        self.mpi.abort(i32::from(failure.code()))
    }
}

/// What all ranks find is said by the first, which has ended the others when it is their turn.
fn wait_for_first() {
    let (rank, _) = rank();
    if rank > 0 {
        let millis = 2_000 + 250 * rank.min(20) as u64;
        thread::sleep(Duration::from_millis(millis));
    }
}

/// The number of this process, and of all.
fn rank() -> (usize, usize) {
    RANK.get().copied().unwrap_or((0, 1))
}

/// A message of this rank.
fn on_rank(message: &dyn Display) -> String {
    let (rank, size) = rank();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{message} (rank {rank} of {size}, on {})", host.trim())
}

/// Cores of the machine, where Linux tells.
fn cores() -> Option<usize> {
    let online = fs::read_to_string("/sys/devices/system/cpu/online").ok()?;
    let of_range = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(last.parse::<usize>().ok()? + 1 - first.parse::<usize>().ok()?)
    };
    online.trim().split(',').map(of_range).sum()
}
