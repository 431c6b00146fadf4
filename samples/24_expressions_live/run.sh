#!/usr/bin/env bash
# Shows facial expressions in live video:
#   bash samples/24_expressions_live/run.sh [SOURCE] [ARGUMENTS...]
# SOURCE is the number of a camera (default 0), a video file, a fifo, - or the address of a stream. Installs missing
# packages, fetches the data, builds 24_expressions_live and runs it with the arguments (--help lists them).
set -euo pipefail
cd "$(dirname "$0")/../.."
. samples/packages.sh
. samples/common/arguments.sh
usage() { sed -n '2,/^set /s/^# \{0,1\}//p' samples/24_expressions_live/run.sh; }
if [ "$*" = -h ] || [ "$*" = --help ]; then
  usage
fi

# Standard output belongs to the program: --json - writes lines there.
{
  need_packages "${build_packages[@]}" "${sample_packages[@]}" "${expressions_packages[@]}" libopencv-highgui-dev
  if ! help_wanted "$@" && [ -z "$(value_of --weights "" "$@")" ]; then
    bash samples/fetch_data.sh expression_weights
  fi
  build_program 24_expressions_live
} >&2
exec "$program" "$@"
