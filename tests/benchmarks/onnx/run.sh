#!/usr/bin/env bash
# Installs missing packages, builds the programs, and compares the inference of ONNX files with ONNX Runtime's:
#   bash tests/benchmarks/onnx/run.sh [--rounds N] [--seconds S] [--only REGEX]
# Prints one line per network and batch. Writes build/benchmarks/onnx/report.md, report.json and, for each missed bar,
# NAME-BATCH/profile.txt.
set -euo pipefail
cd "$(dirname "$0")/../../.."
. samples/packages.sh

need_packages "${build_packages[@]}" libbenchmark-dev libonnx-dev libprotobuf-dev protobuf-compiler nodejs npm python3
bash tests/onnx/runtime/fetch.sh

echo "== configuring build/benchmarks"
cmake --preset benchmarks -DCMAKE_MESSAGE_LOG_LEVEL=WARNING -DWENGERT_LIBTORCH=OFF \
  "-DWENGERT_COMPONENTS=nn;optim;io;data;images;report;train;onnx"
echo "== building"
cmake --build build/benchmarks --target onnx_models onnx_inference
python3 tests/benchmarks/onnx/measure_onnx.py --programs build/benchmarks/tests/benchmarks \
  --runtime build/onnxruntime --out build/benchmarks/onnx "$@"
