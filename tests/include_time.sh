#!/usr/bin/env bash
# How long `#include <wengert/wengert.hpp>` takes to compile: the median of 5 runs, in seconds; fails at 2 or more.
set -euo pipefail
cd "$(dirname "$0")/.."
compiler=${CXX:-g++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '#include <wengert/wengert.hpp>\nint main() {}\n' >"$work/main.cpp"
for _ in 1 2 3 4 5; do
  start=$(date +%s%N)
  "$compiler" -std=c++20 -O2 -Iinclude -c "$work/main.cpp" -o "$work/main.o"
  echo $((($(date +%s%N) - start) / 1000000))
done | sort -n | sed -n 3p | awk -v compiler="$compiler" '{ printf "#include <wengert/wengert.hpp>: %.2f s with %s\n", $1 / 1000, compiler; exit !($1 < 2000) }'
