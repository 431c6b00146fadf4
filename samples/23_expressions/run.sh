#!/usr/bin/env bash
# Judges the expressions of faces in pictures, or trains networks that do:
#   bash samples/23_expressions/run.sh [PICTURE...] [ARGUMENTS...]
# Installs missing packages, fetches the data, builds 23_expressions and runs it with the arguments (--help lists them).
# Without any: writes the portrait of an astronaut, annotated and explained, to build/expressions.
set -euo pipefail
cd "$(dirname "$0")/../.."
. samples/packages.sh
. samples/common/arguments.sh
usage() { sed -n '2,/^set /s/^# \{0,1\}//p' samples/23_expressions/run.sh; }
if [ "$*" = -h ] || [ "$*" = --help ]; then
  usage
fi

need_packages "${build_packages[@]}" "${sample_packages[@]}" "${expressions_packages[@]}" libonnx-dev libprotobuf-dev \
  protobuf-compiler librsvg2-bin
if ! help_wanted "$@" && [ -z "$(value_of --data-folder "" "$@")" ]; then
  bash samples/fetch_data.sh expression_weights
  case " $* " in *" --train "* | *" --finetune "*) bash samples/fetch_data.sh drawn_faces ;; esac
fi
if [ "$#" -eq 0 ]; then
  bash samples/fetch_data.sh astronaut
  set -- build/data/astronaut/astronaut.png --out build/expressions --explain
fi
[ -n "${WENGERT_PROGRAMS:-}" ] || cmake --preset release -DCMAKE_MESSAGE_LOG_LEVEL=WARNING \
  "-DWENGERT_COMPONENTS=nn;optim;io;data;images;report;train;onnx"
build_program 23_expressions
exec "$program" "$@"
