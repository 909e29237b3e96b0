#!/usr/bin/env bash
# Trains on two ranks that reach one another over TCP, each in a network of its own (a network namespace stands for a machine):
# with the bits of one process over a slow link, and with an end when the link is cut.
#   scripts/two_hosts.sh target/release/scst [DELAY_MS...]          (as root; built with `--features mpi`)
set -euo pipefail
cd "$(dirname "$0")/.."
program="$(realpath "$1")"
shift
delays=("${@:-2}")
work="$(mktemp -d)"
a="scst-$$-a" b="scst-$$-b" timeout=4 link=

end() {
  for ns in "$a" "$b"; do
    ip netns pids "$ns" 2>/dev/null | xargs -r kill -KILL 2>/dev/null || true
    ip netns delete "$ns" 2>/dev/null || true
  done
  if [ -n "$link" ]; then wait "$link" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap end EXIT
if ! [ -c /dev/net/tun ] || ! ip netns add "$a" 2>/dev/null; then
  echo "SKIPPED: no network namespace, or no /dev/net/tun, can be had here: two hosts will not be tried" >&2
  exit 0
fi
ip netns add "$b"
for ns in "$a" "$b"; do
  ip -n "$ns" link set lo up
  # The ranks end by themselves; `mpirun` ends when the kernel gives up its connection, after a quarter of an hour if unset.
  ip netns exec "$ns" sysctl -q -w net.ipv4.tcp_retries2=5
done

join() { # DELAY_MS MBIT
  if [ -n "$link" ]; then
    kill "$link"
    wait "$link" 2>/dev/null || true
  fi
  scripts/slow_link.py "$a" "$b" "$@" &
  link=$!
  for end in "$a 10.77.0.1/24" "$b 10.77.0.2/24"; do
    read -r ns address <<<"$end"
    for _ in $(seq 50); do
      ip -n "$ns" link show slow >/dev/null 2>&1 && break
      sleep 0.1
    done
    ip -n "$ns" addr add "$address" dev slow
    ip -n "$ns" link set slow up
  done
}
round_trip() { # the time until a connection is refused
  ip netns exec "$a" python3 - <<'PYTHON'
import socket, time
def once():
    start = time.monotonic()
    socket.socket().connect_ex(("10.77.0.2", 9))
    return time.monotonic() - start
print(f"{1e3 * min(once() for _ in range(5)):.1f} ms there and back")
PYTHON
}

# In place of ssh: HOST COMMAND...
cat >"$work/agent" <<AGENT
#!/bin/bash
host=\$1
shift
case \$host in 10.77.0.2) ns=$b ;; *) ns=$a ;; esac
exec ip netns exec \$ns bash -c "\$*"
AGENT
chmod +x "$work/agent"

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
ranks() { # RUN ARGUMENTS...
  local run=$1
  shift
  ip netns exec "$a" mpirun --mca plm_rsh_agent "$work/agent" --mca btl tcp,self \
    --mca btl_tcp_if_include 10.77.0.0/24 --mca oob_tcp_if_include 10.77.0.0/24 \
    -H 10.77.0.1:1,10.77.0.2:1 -n 2 "${train[@]}" --out "$work/$run" --rank-timeout "$timeout" "$@" </dev/null
}
hashes() { grep '"kind":"hash"' "$work/$1/metrics.jsonl" | sed 's/"wall_secs":[^,]*,//'; }

train=("$program" -q train configs/quickstart.toml --show 0 --threads 1 --hash-every 20
  --set stages.0.epochs=1 --set stages.1.epochs=1 --set stages.0.parts=2 --set stages.1.parts=2)
"${train[@]}" --out "$work/one" >/dev/null 2>&1

for delay in "${delays[@]}"; do
  join "$delay" 200
  trip=$(round_trip)
  start=$SECONDS
  ranks "slow-$delay" >/dev/null 2>&1
  diff <(hashes one) <(hashes "slow-$delay")
  echo "two hosts, 200 Mbit/s, $trip: the bits of one process, after $((SECONDS - start)) s"
done

# Long enough for the link to be cut in the middle.
ranks cut --set stages.0.epochs=50 >"$work/said" 2>&1 &
job=$!
for _ in $(seq 1200); do
  [ -d "$work/cut/best" ] && break
  sleep 0.1
done
start=$SECONDS
ip -n "$b" link set slow down
code=0
for _ in $(seq 600); do
  kill -0 "$job" 2>/dev/null || break
  sleep 0.1
done
if kill -0 "$job" 2>/dev/null; then
  cat "$work/said"
  echo "the job goes on a minute after the link was cut" >&2
  exit 1
fi
wait "$job" || code=$?
cat "$work/said" | grep "^error: " || true
echo "two hosts, the link cut: code $code after $((SECONDS - start)) s"
[ "$code" != 0 ]
grep -q "found no answer of" "$work/said"
for _ in $(seq 300); do
  pgrep -f "out $work/cut" >/dev/null || break
  sleep 0.1
done
if pgrep -f "out $work/cut" >/dev/null; then
  echo "a rank is left on the other side of the cut" >&2
  exit 1
fi
"$program" -q eval "$work/cut" --split val >/dev/null
echo "two hosts, the link cut: the last checkpoint is whole"
