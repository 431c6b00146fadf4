#!/usr/bin/env bash
# Builds and runs 16_vae and converts its map to PNG: bash samples/16_vae/run.sh [--brief] [PICTURE.png]
# The default picture is build/vae/vae.png. With --brief: trains on 8×8 digits.
set -euo pipefail
cd "$(dirname "$0")/../.."
. samples/packages.sh
. samples/common/arguments.sh
data=mnist
brief=()
if [ "${1:-}" = --brief ]; then
  data=digits
  brief=(--brief)
  shift
fi
picture=${1:-build/vae/vae.png}
if [ "$#" -gt 1 ] || [[ $picture != *.png ]]; then
  sed -n '2,/^set /s/^# \{0,1\}//p' samples/16_vae/run.sh
  exit 2
fi
need_packages "${build_packages[@]}" "${sample_packages[@]}"
bash samples/fetch_data.sh "$data"
build_program 16_vae
mkdir -p build/vae
"$program" "${brief[@]}" "${picture%.png}.pgm"
gnuplot -e "input='${picture%.png}.pgm'; output='$picture'" samples/16_vae/map.gnuplot
echo "the picture: $picture"
