//! The processes that run a command together: one, or those that MPI has started.

use std::process::ExitCode;

use scst_group::{
    Alone, Group,
    launch::{Launched, launched},
};

use crate::{failure::Failure, output};

/// This process among those that run the command together.
pub(crate) struct Ranks {
    #[cfg(feature = "mpi")]
    mpi: Option<scst_group::Mpi>,
}

impl Ranks {
    /// One process.
    pub(crate) fn alone() -> Self {
        Self {
            #[cfg(feature = "mpi")]
            mpi: None,
        }
    }

    /// Joins those that were started together, if this process was started as one of several; nobody waits longer than
    /// `wait_secs` for another. All ranks but the first print nothing from now on, but for what ends them.
    ///
    /// # Errors
    /// A [`Failure::Mistake`] when the processes cannot find one another.
    pub(crate) fn join(wait_secs: u64) -> Result<Self, Failure> {
        match launched() {
            None => Ok(Self::alone()),
            Some(launched) => Self::joined(launched, wait_secs),
        }
    }

    #[cfg(not(feature = "mpi"))]
    fn joined(launched: Launched, _wait_secs: u64) -> Result<Self, Failure> {
        Err(Failure::Mistake(format!(
            "found {}, expected one process: this program was built without MPI, and they would all do the same; build it with \
             `cargo build --release --features mpi`{}",
            started(launched),
            or_unset(launched),
        )))
    }

    #[cfg(feature = "mpi")]
    fn joined(launched: Launched, wait_secs: u64) -> Result<Self, Failure> {
        use std::{process, time::Duration};

        let give_up = |error: &scst_group::GroupError| {
            wait_for_first();
            output::error(&on_rank(error));
        };
        let mpi = scst_group::Mpi::join(Duration::from_secs(wait_secs), give_up)
            .map_err(|error| Failure::failed(&error))?;
        if mpi.size() != launched.processes {
            return Err(Failure::Mistake(format!(
                "found {}, where MPI knows of {}, expected all of them: start them with the `mpirun` of the MPI that this program \
                 was built with, or with `srun --mpi=pmix`{}",
                started(launched),
                mpi.size(),
                or_unset(launched),
            )));
        }
        // A rank that panics would hang the others for ever.
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            tell(panic);
            output::error(&on_rank(&"a rank has failed"));
            process::exit(101);
        }));
        let rank = mpi.rank();
        RANK.with(|own| own.set((rank, mpi.size())));
        if rank > 0 {
            output::set_mute();
        }
        Ok(Self { mpi: Some(mpi) })
    }

    /// All of them.
    pub(crate) fn group(&self) -> &dyn Group {
        #[cfg(feature = "mpi")]
        if let Some(mpi) = &self.mpi {
            return mpi;
        }
        &Alone
    }

    /// How many threads this process has to itself, where nothing is said of them and it is one of several on its machine.
    pub(crate) fn threads(&self) -> Option<usize> {
        #[cfg(feature = "mpi")]
        if let Some(mpi) = &self.mpi {
            let local = mpi.ranks_of_machine();
            let own = std::thread::available_parallelism().ok()?.get();
            // Ranks that are bound to cores see these alone.
            let all = cores().unwrap_or(own);
            return Some(if own < all { own } else { (all / local).max(1) });
        }
        None
    }

    /// Says why the command has failed, and ends it on all ranks.
    pub(crate) fn fail(&self, failure: &Failure) -> ExitCode {
        #[cfg(feature = "mpi")]
        if let Some(mpi) = &self.mpi {
            wait_for_first();
            output::error(&on_rank(failure));
            mpi.abort(i32::from(failure.code()));
        }
        output::error(failure);
        ExitCode::from(failure.code())
    }

    /// Says, of all processes in the first, why they cannot work together.
    pub(crate) fn refuse(failure: &Failure) -> ExitCode {
        if launched().is_none_or(|launched| launched.rank == 0) {
            output::error(failure);
        }
        ExitCode::from(failure.code())
    }
}

/// Which processes were found.
fn started(Launched { by, processes, .. }: Launched) -> String {
    format!("{processes} processes, started by {by}")
}

/// What to do where processes are not meant to work together.
fn or_unset(launched: Launched) -> String {
    format!(
        "; where they are to know nothing of one another, unset `{}`",
        launched.variable
    )
}

#[cfg(feature = "mpi")]
thread_local! {
    static RANK: std::cell::Cell<(usize, usize)> = const { std::cell::Cell::new((0, 1)) };
}

/// What all ranks find is said by the first, which has ended the others when it is their turn.
#[cfg(feature = "mpi")]
fn wait_for_first() {
    let (rank, _) = RANK.with(std::cell::Cell::get);
    if rank > 0 {
        let millis = 2_000 + 250 * rank.min(20) as u64;
        std::thread::sleep(std::time::Duration::from_millis(millis));
    }
}

/// A message of this rank.
#[cfg(feature = "mpi")]
fn on_rank(message: &dyn std::fmt::Display) -> String {
    let (rank, size) = RANK.with(std::cell::Cell::get);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{message} (rank {rank} of {size}, on {})", host.trim())
}

/// Cores of the machine, where Linux tells.
#[cfg(feature = "mpi")]
fn cores() -> Option<usize> {
    let online = std::fs::read_to_string("/sys/devices/system/cpu/online").ok()?;
    let of_range = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(last.parse::<usize>().ok()? + 1 - first.parse::<usize>().ok()?)
    };
    online.trim().split(',').map(of_range).sum()
}
