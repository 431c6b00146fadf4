#!/usr/bin/env bash
# Installs missing packages, builds the benchmarks, and compares them with libtorch and with hand-written code:
#   bash tests/benchmarks/run.sh [--rounds N] [--seconds S] [--only REGEX]
# Prints one line per figure: NAME ours OTHER ratio bar ok|SHORT. Writes build/benchmarks/report.md and report.json.
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
