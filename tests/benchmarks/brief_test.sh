#!/usr/bin/env bash
# Whether the engine's programs and the hand-written ones compute the same, and run at all; times are not looked at.
#   brief_test.sh OURS [HAND...]; a program named *_v3 is run where the processor has AVX2.
set -euo pipefail
programs=()
for program in "$@"; do
  [[ "$program" = *_v3 ]] && ! grep -qw avx2 /proc/cpuinfo && continue
  programs+=("$program")
done
works='^(mlp-(1|32)|chain|lstm-2|gmm-10|cnn|doubling)/'

# One line a number: MODEL NUMBER'S-NAME VALUE SCALE.
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
