#!/usr/bin/env bash
# Installs what is missing, builds the benchmarks, and runs them against libtorch and against code written by hand:
#   bash tests/benchmarks/run.sh [--rounds N] [--seconds S] [--only REGEX]
# One line a figure: NAME ours OTHER ratio bar ok|SHORT. Leaves build/benchmarks/report.md and report.json.
set -euo pipefail
cd "$(dirname "$0")/../.."
. samples/packages.sh

need_packages "${build_packages[@]}" libbenchmark-dev libtorch-dev python3

echo "== configuring build/benchmarks"
cmake --preset benchmarks -DCMAKE_MESSAGE_LOG_LEVEL=WARNING
echo "== building"
cmake --build build/benchmarks
python3 tests/benchmarks/measure.py --programs build/benchmarks/tests/benchmarks --out build/benchmarks \
  --library build/benchmarks/libwengert.a --include include "$@"
