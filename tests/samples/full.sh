#!/usr/bin/env bash
# Runs the samples in full and checks the figures in README's tables: bash tests/samples/full.sh [NAME...]
# Takes more than ten minutes; the tests use --brief. Names select samples, for example 09_mnist_cnn.
set -euo pipefail
cd "$(dirname "$0")/../.."
. samples/packages.sh
. samples/common/arguments.sh
chosen=("$@")
failed=0
ran=0

# selected NAME tests whether a sample is to be run.
selected() { [ "${#chosen[@]}" -eq 0 ] || [[ " ${chosen[*]} " == *" $1 "* ]]; }

# row DATA NAME TEXT RELATION BOUND [ARGUMENTS...] runs a sample; DATA is - if it needs none.
limit=()
row() {
  local data=$1 name=$2 text=$3 relation=$4 bound=$5
  shift 5
  selected "$name" || return 0
  ran=$((ran + 1))
  echo "== $name $*"
  [ "$data" = - ] || bash samples/fetch_data.sh "$data"
  build_program "$name" >/dev/null
  bash tests/samples/figure_test.sh "$text" "$relation" "$bound" "${limit[@]}" "$program" "$@" || failed=$((failed + 1))
}

need_packages "${build_packages[@]}" "${sample_packages[@]}" "${expressions_packages[@]}" libopencv-highgui-dev ffmpeg librsvg2-bin
mkdir -p build/vae
row mnist 01_mlp "test accuracy: " ">=" 97.5 --data mnist
row mnist 01_mlp "test accuracy: " ">=" 97 --data mnist --cost least-squares --rate 2
row - 07_custom_network "accuracy: " ">=" 99
limit=(timeout 300)  # for two idle cores
row mnist 09_mnist_cnn "test accuracy: " ">=" 99
limit=()
row fashion 10_fashion "test accuracy: " ">=" 91
row constitution 11_char_lstm "bits per character: " "<=" 1.8
row - 12_addition "all digits correct: " ">=" 99.5
row - 13_heat_equation "largest error: " "<=" 1e-5
row - 14_newton "gradient " "<=" 1e-15
row - 15_meta_learning "after " "<=" 0.6
row mnist 16_vae "test loss: " "<=" 143 build/vae/vae.pgm
row breast_cancer 17_breast_cancer "test accuracy: " ">=" 96
row tables 18_tables "balanced class weights: .*balanced accuracy " ">=" 73
row digits 19_two_inputs "both inputs: " ">=" 95
row declaration 20_sequences "test accuracy: " ">=" 88
row mnist 21_finetune "LoRA of rank 4: *" ">=" 72
row drawn_faces 23_expressions "heads never seen: .*all " ">=" 95 --train
if selected 24_expressions_live; then
  ran=$((ran + 1))
  echo "== 24_expressions_live"
  bash samples/fetch_data.sh drawn_faces expression_weights astronaut
  build_program 24_expressions_live >/dev/null
  build_program 23_expressions >/dev/null
  selected 23_expressions || "$program" --train  # which the row above has run
  bash tests/samples/expressions_live_test.sh "$(dirname "$program")" build/expressions/drawings 5000 || failed=$((failed + 1))
fi
[ "$ran" -gt 0 ] || { echo "error: no such sample: ${chosen[*]}" >&2; exit 2; }
echo "$((ran - failed)) as good as README says, $failed not"
[ "$failed" -eq 0 ]
