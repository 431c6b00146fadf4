#!/usr/bin/env bash
# Builds and runs 16_vae and makes a PNG of its picture: build/vae/vae.png. With --brief: of 8×8 digits.
set -euo pipefail
cd "$(dirname "$0")/../.."
. samples/packages.sh
need_packages "${build_packages[@]}" "${sample_packages[@]}"
data=mnist
[ "${1:-}" = --brief ] && data=digits
bash samples/fetch_data.sh "$data"
cmake --preset release -DCMAKE_MESSAGE_LOG_LEVEL=WARNING
cmake --build build/release --target 16_vae
mkdir -p build/vae
build/release/samples/16_vae "$@" build/vae/vae.pgm
gnuplot -e "input='build/vae/vae.pgm'; output='build/vae/vae.png'" samples/16_vae/map.gnuplot
echo "the picture: build/vae/vae.png"
