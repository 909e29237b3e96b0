#!/bin/sh
# Starts a program on several ranks of this machine, more of them than it has cores if need be, as root if need be:
#   scripts/ranks.sh 4 target/release/scst train configs/quickstart.toml
# `MPIRUN` is another program that starts them, such as `mpirun.mpich`.
set -eu
ranks=$1
shift
# Open MPI; other implementations do not look at these.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
# Ranks of one machine read one another's memory, which containers often forbid: through shared memory instead.
export OMPI_MCA_btl_vader_single_copy_mechanism="${OMPI_MCA_btl_vader_single_copy_mechanism:-none}"
exec "${MPIRUN:-mpirun}" -n "$ranks" "$@" </dev/null
