//! How this process was started: alone, or as one of several.

use std::{env, fmt};

/// A program that starts several processes of one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Launched {
    /// Its name.
    pub by: &'static str,
    /// How many processes it says there are.
    pub processes: usize,
    /// The number of this process, from 0.
    pub rank: usize,
    /// The environment variable in which it says so.
    pub variable: &'static str,
}

impl Launched {
    /// What is to be done where the processes are not meant to work together, as the end of a sentence.
    pub fn or_unset(&self) -> String {
        format!(
            "; where they are to know nothing of one another, unset `{}`",
            self.variable
        )
    }

    /// Whether `srun` has started the processes and told them nothing by which an MPI could know the others.
    pub fn is_without_mpi(&self) -> bool {
        let told = ["PMIX_RANK", "PMI_RANK", "PMI_FD", "PALS_RANKID"];
        self.variable == SRUN && told.iter().all(|name| env::var_os(name).is_none())
    }
}

impl fmt::Display for Launched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { by, processes, .. } = self;
        write!(f, "{processes} processes, started by {by}")
    }
}

/// How `srun` says how many processes there are.
const SRUN: &str = "SLURM_STEP_NUM_TASKS";

/// What each of them tells its processes: how many they are, and something that only its own processes have. An `mpirun` may
/// itself have been started by `srun`, once on each machine: the inner one comes first.
const LAUNCHERS: [(&str, &str, &str); 5] = [
    (
        "mpirun of Open MPI",
        "OMPI_COMM_WORLD_SIZE",
        "OMPI_COMM_WORLD_RANK",
    ),
    ("mpirun of MPICH or srun --mpi=pmi2", "PMI_SIZE", "PMI_RANK"),
    (
        "mpirun of MVAPICH",
        "MV2_COMM_WORLD_SIZE",
        "MV2_COMM_WORLD_RANK",
    ),
    // `SLURM_NTASKS` is also told to the script of a job, which is one process.
    ("srun", SRUN, "SLURM_PROCID"),
    ("torchrun", "WORLD_SIZE", "LOCAL_RANK"),
];

/// Who has started this process as one of several, if that is so.
pub fn launched() -> Option<Launched> {
    launched_as(|name| env::var(name).ok())
}

fn launched_as(variable: impl Fn(&str) -> Option<String>) -> Option<Launched> {
    let mut found = LAUNCHERS.iter().filter_map(|&(by, size, rank)| {
        let processes = variable(size)?.parse().ok()?;
        let rank = variable(rank)?.parse().ok()?;
        Some(Launched {
            by,
            processes,
            rank,
            variable: size,
        })
    });
    found.next().filter(|found| found.processes > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launchers_are_known_by_what_they_tell_their_processes() {
        let of = |variables: &'static [(&str, &str)]| {
            launched_as(|name| {
                let found = variables.iter().find(|(own, _)| *own == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(of(&[]), None);
        let open_mpi = of(&[("OMPI_COMM_WORLD_SIZE", "4"), ("OMPI_COMM_WORLD_RANK", "0")]);
        assert_eq!(open_mpi.map(|found| found.processes), Some(4));
        assert_eq!(
            of(&[("OMPI_COMM_WORLD_SIZE", "1"), ("OMPI_COMM_WORLD_RANK", "0")]),
            None
        );
        // Left over in an environment, or told to the script of a job.
        assert_eq!(of(&[("WORLD_SIZE", "8")]), None);
        assert_eq!(of(&[("SLURM_NTASKS", "8"), ("SLURM_PROCID", "0")]), None);
        let slurm = of(&[("SLURM_STEP_NUM_TASKS", "2"), ("SLURM_PROCID", "1")]);
        assert_eq!(
            slurm.map(|found| (found.by, found.processes)),
            Some(("srun", 2))
        );
        // One rank of `mpirun`, which `srun` has started on two machines.
        assert_eq!(
            of(&[
                ("OMPI_COMM_WORLD_SIZE", "1"),
                ("OMPI_COMM_WORLD_RANK", "0"),
                ("SLURM_STEP_NUM_TASKS", "2"),
                ("SLURM_PROCID", "0"),
            ]),
            None
        );
    }
}
