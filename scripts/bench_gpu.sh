#!/usr/bin/env bash
# A GPU in less than 8 minutes: every kernel against the CPU, then times, launches and waits of a training step of four
# captioners with 10, 50 and 250 images, beside PyTorch where its program is given. Everything is left in DIRECTORY.
#
#   scripts/bench_gpu.sh PROGRAM DIRECTORY [TORCH_STEP.py PYTHON] [-- OPTIONS OF scst bench step]
set -euo pipefail

program="$1" out="$2"
shift 2
torch=() options=()
while [ $# -gt 0 ]; do
  if [ "$1" = -- ]; then
    shift
    options=("$@")
    break
  fi
  torch+=("$1")
  shift
done
mkdir -p "$out"
rm -f "$out/left-out.txt"

# What is not reached in time is left out, and said to be.
readonly budget=460
run() { # NAME COMMAND...
  local name="$1" left=$((budget - SECONDS))
  shift
  if [ "$left" -lt 10 ]; then
    echo "$name: no time left" | tee -a "$out/left-out.txt"
  elif ! timeout $((left < 60 ? left : 60)) "$@" >"$out/$name" 2>"$out/$name.err"; then
    echo "$name: $(grep -m 1 error: "$out/$name.err" || echo "no result in time")" | tee -a "$out/left-out.txt"
    rm -f "$out/$name"
  fi
}

run self-test.txt "$program" devices --self-test
cat "$out/self-test.txt" 2>/dev/null || true
for images in 50 10 250; do
  for model in fc att2in up_down transformer; do
    run "$model-$images.json" "$program" bench step --backend wgpu --model "$model" --images "$images" --vocab 2600 \
      --steps 5 --warmup 3 --threads 8 "${options[@]}"
    if [ "${#torch[@]}" = 2 ]; then
      for style in loop fused; do
        run "$model-$images-$style.json" "${torch[1]}" "${torch[0]}" --device cuda --model "$model" --images "$images" \
          --vocab 2600 --steps 5 --warmup 3 --style "$style"
      done
    fi
  done
done
find "$out" -name '*.err' -empty -delete
grep -H . "$out"/*.json || true
echo "$SECONDS s"
