#!/usr/bin/env bash
# Writes the lists of ops in docs/onnx.md. Argument: a build folder, by default build/tests.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build/tests}
cmake --build "$build" --target onnx_test
page=$(mktemp)
trap 'rm -f "$page" "$page.log"' EXIT
# The test fails where it finds an old page, and writes the new one all the same.
WENGERT_ONNX_PAGE=$page "$build/tests/onnx_test" --test-case="the page about ONNX lists the imported ops*" >"$page.log" || true
[ -s "$page" ] || { cat "$page.log"; exit 1; }
cp "$page" docs/onnx.md
