#!/usr/bin/env bash
# Serves a page that labels the facial expression before the camera, until Ctrl-C, and prints its address:
#   bash samples/24_expressions_live/page.sh [--port N] [--out FOLDER]
# Builds 23_expressions and exports the network with the foreign weights, unless FOLDER (default build/expressions_page)
# has it already, and fetches the weights and ONNX Runtime for the browser. FOLDER is the whole page, which any web
# server can serve; browsers give the camera only to pages from https:// or from http://localhost. The default port is
# 8000; 0 is any that is free.
set -euo pipefail
cd "$(dirname "$0")/../.."
. samples/packages.sh
. samples/common/arguments.sh
. samples/common/page.sh
usage() { sed -n '2,/^set /s/^# \{0,1\}//p' samples/24_expressions_live/page.sh; }
if help_wanted "$@"; then
  usage
  exit 0
fi
port=8000
folder=build/expressions_page
while [ "$#" -gt 0 ]; do
  case $1 in
    --port) port=${2:-} && shift ;;
    --out) folder=${2:-} && shift ;;
    *) usage >&2 && exit 2 ;;
  esac
  shift || { usage >&2 && exit 2; }
done

need_packages python3
make_page 24_expressions_live "$folder"
[ -s "$folder/expressions.onnx" ] || bash samples/23_expressions/run.sh --onnx "$folder/expressions.onnx"
serve "$folder" "$port"
