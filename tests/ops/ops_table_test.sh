#!/usr/bin/env bash
# Checks that docs/ops.md matches the registry and the measured errors. Argument: the program ops_table.
set -euo pipefail
cd "$(dirname "$0")/../.."
diff -u docs/ops.md <("$1" tests/oracle) && echo ok ||
  { echo "FAILED: docs/ops.md is not up to date: bash tests/ops/update_op_reference.sh"; exit 1; }
