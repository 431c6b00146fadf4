#!/usr/bin/env bash
# Serves a page that reads and learns handwritten digits on this machine, until Ctrl-C, and prints its address:
#   bash samples/22_digit_page/run.sh [--port N] [--out FOLDER] [--brief]
# Builds 22_digit_page and trains and exports its network, unless FOLDER (default build/digit_page) has it already, and
# fetches ONNX Runtime for the browser. FOLDER is the whole page, which any web server can serve. The default port is
# 8000; 0 is any that is free. With --brief: a training of a few seconds.
set -euo pipefail
cd "$(dirname "$0")/../.."
. samples/packages.sh
. samples/common/arguments.sh
. samples/common/page.sh
usage() { sed -n '2,/^set /s/^# \{0,1\}//p' samples/22_digit_page/run.sh; }
if help_wanted "$@"; then
  usage
  exit 0
fi
port=8000
folder=build/digit_page
brief=()
while [ "$#" -gt 0 ]; do
  case $1 in
    --port) port=${2:-} && shift ;;
    --out) folder=${2:-} && shift ;;
    --brief) brief=(--brief) ;;
    *) usage >&2 && exit 2 ;;
  esac
  shift || { usage >&2 && exit 2; }
done

need_packages "${build_packages[@]}" "${sample_packages[@]}" libonnx-dev libprotobuf-dev protobuf-compiler python3
make_page 22_digit_page "$folder"
if ! [ -s "$folder/digits.onnx" ] || ! [ -s "$folder/step.onnx" ]; then
  bash samples/fetch_data.sh mnist
  [ -n "${WENGERT_PROGRAMS:-}" ] || cmake --preset release -DCMAKE_MESSAGE_LOG_LEVEL=WARNING \
    "-DWENGERT_COMPONENTS=nn;optim;io;data;images;report;train;onnx"
  build_program 22_digit_page
  "$program" "${brief[@]}" --out "$folder"
fi
serve "$folder" "$port"
