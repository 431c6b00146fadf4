#!/usr/bin/env bash
# Measures the errors of all ops and writes error_bounds.csv and derivative_bounds.csv in tests/oracle, and docs/ops.md.
# The errors are the largest over the instruction sets of this machine. Argument: a build folder, by default
# build/tests.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build/tests}
cmake --build "$build" --target oracle_test ops_table
bounds=$(mktemp) derivatives=$(mktemp)
trap 'rm -f "$bounds" "$derivatives"' EXIT
for isa in baseline v3 v4; do
  WENGERT_ISA=$isa WENGERT_ERROR_BOUNDS=$bounds WENGERT_DERIVATIVE_BOUNDS=$derivatives "$build/tests/oracle_test" --minimal
done
cp "$bounds" tests/oracle/error_bounds.csv
cp "$derivatives" tests/oracle/derivative_bounds.csv
"$build/tests/ops_table" tests/oracle >docs/ops.md
