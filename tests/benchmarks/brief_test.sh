#!/usr/bin/env bash
# Checks that Wengert's benchmark program and the hand-written ones run and compute the same results; ignores times.
#   brief_test.sh OURS [HAND...]; programs named *_v3 run only if the processor has AVX2.
set -euo pipefail
programs=()
for program in "$@"; do
  [[ "$program" = *_v3 ]] && ! grep -qw avx2 /proc/cpuinfo && continue
  programs+=("$program")
done
works='^(mlp-(1|32)|inference-(1|256)|chain|lstm-2|gmm-10|cnn|doubling|slices-1000|rnn-200)/'

# Prints one line per number: MODEL VARIANT NAME VALUE SCALE.
digests() {
  for program in "$@"; do "$program" --check "$works"; done |
    sed -E 's/^\{"name": "([^/]*)\/([^"]*)", "value": ([^,]*), "arrays": \{(.*)\}\}$/\1 \2 \3 \4/' |
    awk '{
      print $1, $2, "value", $3, ($3 < 0 ? -$3 : $3)
      rest = $0
      while (match(rest, /"[^"]*": \[[^]]*\]/)) {
        array = substr(rest, RSTART, RLENGTH); rest = substr(rest, RSTART + RLENGTH)
        split(array, part, /[":\[\], ]+/)
        print $1, $2, part[2] ".norm", part[4], part[4]
        print $1, $2, part[2] ".projection", part[5], part[4]
      }
    }'
}

digests "${programs[@]}" | awk -v tolerance=2e-3 '
  { key = $1 " " $3 }
  !(key in first) { first[key] = $4; of[key] = $2; next }
  { difference = $4 - first[key]; if (difference < 0) difference = -difference; ++compared
    if (!(difference <= tolerance * $5)) { print $1 ": " $3 " is " $4 " in " $2 ", " first[key] " in " of[key]; ++wrong } }
  END { print compared " numbers compared, " wrong + 0 " differ"; exit wrong > 0 || compared < 20 }'

for program in "${programs[@]}"; do
  "$program" --benchmark_filter="$works" --benchmark_min_time=0.001
done
