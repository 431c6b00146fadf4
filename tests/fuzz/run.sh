#!/usr/bin/env bash
# Fuzzes every reader of a file format: bash tests/fuzz/run.sh [--seconds N] [TARGET...]
# Runs each target for N seconds (default 20), on all processors, and prints one line per target. Keeps the corpora in
# build/fuzz/corpus for the next run; writes inputs that fail to build/fuzz/found.
set -euo pipefail
cd "$(dirname "$0")/../.."
. samples/packages.sh

seconds=20
if [ "${1:-}" = --seconds ]; then
  seconds=$2
  shift 2
fi
need_packages "${build_packages[@]}" clang-16 libclang-rt-16-dev lld-16 libpng-dev libjpeg62-turbo-dev libonnx-dev libprotobuf-dev

build=build/fuzz
cmake -S tests/fuzz -B "$build" -G Ninja -DCMAKE_CXX_COMPILER=clang++-16 -DCMAKE_BUILD_TYPE=None -DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld -DCMAKE_MESSAGE_LOG_LEVEL=WARNING
cmake --build "$build" >"$build/build.log" || { cat "$build/build.log"; exit 1; }
"$build/seeds" "$build/seeds_of"
mkdir -p "$build/found"
targets=("$@")
[ "${#targets[@]}" -gt 0 ] || for file in tests/fuzz/*_fuzz.cpp; do targets+=("$(basename "$file" _fuzz.cpp)"); done

# Short runs need only a small quarantine of freed memory; stack frames stay on the stack.
export ASAN_OPTIONS=quarantine_size_mb=4:detect_stack_use_after_return=0
# Inputs are small, so readers may allocate only little: deflate expands data at most about a thousandfold.
fuzz() {
  local target=$1 log=build/fuzz/$1.log
  mkdir -p "build/fuzz/corpus/$target"
  if ! "build/fuzz/${target}_fuzz" -max_total_time="$2" -max_len=8192 -timeout=10 -malloc_limit_mb=64 -rss_limit_mb=1024 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/found/$target-" "build/fuzz/corpus/$target" "build/fuzz/seeds_of/$target" >"$log" 2>&1; then
    tail -n 60 "$log"
    echo "FAILED: $target"
    return 1
  fi
  echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions, nothing found"
}
export -f fuzz
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I{} bash -c 'fuzz {} '"$seconds"
