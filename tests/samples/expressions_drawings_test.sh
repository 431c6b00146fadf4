#!/usr/bin/env bash
# Trains networks for drawings briefly, and tests what was trained: expressions_drawings_test.sh PROGRAM TESTS FOLDER
#
# PROGRAM is 23_expressions, TESTS is expressions_test. Writes to FOLDER. Exits with 77 (skipped) if data are missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$1
tests=$2
folder=$3
for name in drawn_faces expression_weights; do
  [ -d "build/data/$name" ] || { echo "skipped: build/data/$name does not exist: run bash samples/fetch_data.sh $name"; exit 77; }
done
rm -rf "$folder"
mkdir -p "$folder"

# at_least FIGURE TEXT BOUND compares the number in a log after TEXT.
at_least() {
  local figure
  figure=$(sed -n "s/^.*$2 *\([0-9.]*\)%.*/\1/p" "$1" | tail -n 1)
  awk -v f="$figure" -v b="$3" 'BEGIN { exit !(f != "" && f + 0 >= b) }' ||
    { cat "$1"; echo "FAILED: $2 $figure, expected at least $3"; exit 1; }
}

"$program" --train --brief --run "$folder/run" >"$folder/train.log" 2>&1
at_least "$folder/train.log" "heads never seen:.* all" 80
WENGERT_DRAWINGS_RUN=$folder/run "$tests" --no-skip --test-case="what the network of drawings looks at in drawings*"

# A drawing, which the test has named after its class, is judged by the network of drawings.
drawing=$(ls "$folder"/run/*.png)
class=$(basename "$drawing" .png)
"$program" "$drawing" --drawings --run "$folder/run" --out "$folder" --explain >"$folder/judged.log"
grep -q '^Drawings are judged by the network trained on drawings' "$folder/judged.log"
grep -qF "1: $class (64×64 at 0, 0)" "$folder/judged.log"
[ -s "$folder/${class}_annotated.png" ] && [ -s "$folder/${class}_face1_explained.png" ]

"$program" --finetune --brief >"$folder/finetune.log" 2>&1
at_least "$folder/finetune.log" "the same weights, after a tenth of the drawings:" 45
grep -h '%' "$folder/train.log" "$folder/finetune.log" | grep -v 'samples/s'
