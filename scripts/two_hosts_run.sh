#!/usr/bin/env bash
# Runs a command on two ranks, each in a network of its own (a network namespace stands for a machine), joined by a link of a rate:
#   scripts/two_hosts_run.sh 1gbit target/release/scst bench step --parts 2 --threads 1      (as root; built with `--features mpi`)
# The link costs the cores of this machine what a network adapter would do: times are above those of two machines.
set -euo pipefail
rate="$1"
shift
a="scst-$$-a" b="scst-$$-b"
agent="$(mktemp)"
end() {
  for ns in "$a" "$b"; do
    ip netns pids "$ns" 2>/dev/null | xargs -r kill -KILL 2>/dev/null || true
    ip netns delete "$ns" 2>/dev/null || true
  done
  rm -f "$agent"
}
trap end EXIT
ip netns add "$a"
ip netns add "$b"
ip link add joint netns "$a" type veth peer name joint netns "$b"
for host in "$a 10.77.0.1" "$b 10.77.0.2"; do
  read -r ns address <<<"$host"
  ip -n "$ns" link set lo up
  ip -n "$ns" addr add "$address/24" dev joint
  ip -n "$ns" link set joint up
  ip netns exec "$ns" tc qdisc add dev joint root tbf rate "$rate" burst 256kb latency 100ms
done

# In place of ssh: HOST COMMAND...
cat >"$agent" <<AGENT
#!/bin/bash
host=\$1
shift
case \$host in 10.77.0.2) ns=$b ;; *) ns=$a ;; esac
exec ip netns exec \$ns bash -c "\$*"
AGENT
chmod +x "$agent"

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# Ranks of two machines that are one would be bound to the same core.
ip netns exec "$a" mpirun --bind-to none --mca plm_rsh_agent "$agent" --mca btl tcp,self \
  --mca btl_tcp_if_include 10.77.0.0/24 --mca oob_tcp_if_include 10.77.0.0/24 \
  -H 10.77.0.1:1,10.77.0.2:1 -n 2 "$@" </dev/null
