#!/usr/bin/env bash
# How long `#include <wengert/wengert.hpp>` takes to compile: processor seconds, the least of 5 runs, the one that a busy
# machine disturbed least; fails at LIMIT or more: bash tests/include_time.sh [LIMIT], which is 2. The compiler is $CXX, or g++.
set -euo pipefail
cd "$(dirname "$0")/.."
compiler=${CXX:-g++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '#include <wengert/wengert.hpp>\nint main() {}\n' >"$work/main.cpp"
TIMEFORMAT='%U %S'
for _ in 1 2 3 4 5; do
  { time "$compiler" -std=c++20 -O2 -Iinclude -c "$work/main.cpp" -o "$work/main.o"; } 2>>"$work/times"
done
awk -v compiler="$compiler" -v limit="${1:-2}" '{ seconds = $1 + $2; if (NR == 1 || seconds < least) least = seconds }
  END { printf "#include <wengert/wengert.hpp>: %.2f s with %s\n", least, compiler; exit !(NR == 5 && least > 0 && least < limit) }' "$work/times"
