#!/usr/bin/env bash
# Holds docs/ops.md against what the registry says now. Argument: the program ops_table.
set -euo pipefail
diff -u "$(dirname "$0")/../docs/ops.md" <("$1") && echo ok ||
  { echo "FAILED: docs/ops.md is not up to date: ops_table > docs/ops.md"; exit 1; }
