#!/usr/bin/env bash
# Exports the ops of the registry, recurrent layers and steps of training, checks the files with python3-onnx, runs them
# with ONNX Runtime, and compares the results: export_runtime_test.sh PROGRAM
#
# PROGRAM is onnx_test. Exit status: 0 all is well, 77 ONNX Runtime or python3-onnx is missing and the rest is well.
set -uo pipefail
program=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
runtime=$here/../../build/onnxruntime
WENGERT_ONNX_EXPORTS=$(mktemp -d)
export WENGERT_ONNX_EXPORTS
trap 'rm -rf "$WENGERT_ONNX_EXPORTS"' EXIT
status=0

# doctest's filters take a comma as a separator.
"$program" --test-case="every op of the registry is exported to ONNX*" || exit 1
"$program" --test-case="recurrent layers are saved as one node each*" || exit 1
"$program" --no-skip --test-case="steps of training are exported with their batches and losses" || exit 1

if /usr/bin/python3 -c "import onnx" 2>/dev/null; then
  /usr/bin/python3 "$here/check.py" "$WENGERT_ONNX_EXPORTS" || exit 1
else
  echo "skipped: the files are not checked, because python3-onnx is missing"
  status=77
fi

if command -v node >/dev/null 2>&1 && [ -d "$runtime/node_modules/onnxruntime-node" ]; then
  node "$here/runtime/run_models.mjs" "$WENGERT_ONNX_EXPORTS" "$runtime"
  [ $? -le 1 ] || exit 1  # 1: some models did not run; the comparison tells why
  "$program" --no-skip --test-case="ONNX Runtime computes what the exported ops compute" || exit 1
  node "$here/runtime/run_models.mjs" "$WENGERT_ONNX_EXPORTS/recurrent" "$runtime"
  [ $? -le 1 ] || exit 1  # 1: as above
  "$program" --no-skip --test-case="ONNX Runtime computes what saved recurrent layers compute" || exit 1
  node "$here/runtime/run_steps.mjs" "$WENGERT_ONNX_EXPORTS" "$runtime"
  [ $? -le 1 ] || exit 1  # 1: as above
  "$program" --no-skip --test-case="a hundred exported steps in ONNX Runtime have the losses*" || exit 1
else
  echo "skipped: ONNX Runtime is not fetched: run bash tests/onnx/runtime/fetch.sh"
  status=77
fi
exit "$status"
