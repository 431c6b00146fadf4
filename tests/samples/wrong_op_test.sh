#!/usr/bin/env bash
# Checks that sample 08_wrong_op prints op, line, input and mistake of each wrong op. Argument: the program.
set -uo pipefail
log=$("$1") || { echo "FAILED: the sample fails"; exit 1; }
failed=0
for says in "op bell (main.cpp:[0-9]*): the gradient of input 1 has the opposite sign" \
  "op harmonic (main.cpp:[0-9]*): the gradient of input 1 is 0.5 times the correct one" \
  "op project (main.cpp:[0-9]*): the gradient of input 2 is transposed" "wrong ops found: 3 of 3"; do
  grep -q -- "$says" <<<"$log" || { echo "FAILED: does not print: $says"; failed=1; }
done
[ "$failed" -eq 0 ] && echo ok || printf '%s\n' "$log"
exit "$failed"
