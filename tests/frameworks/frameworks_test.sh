#!/usr/bin/env bash
# Runs a program of this folder: its right tests must pass; its wrong ones must fail and print the report's table.
# Arguments: the program, how it selects the right tests, how it selects the wrong ones.
set -uo pipefail
failed=0
"$1" "$2" >/dev/null || { echo "FAILED: a right test fails"; failed=1; }
log=$("$1" "$3") && { echo "FAILED: the wrong tests pass"; failed=1; }
for says in "gradcheck: wrong: of 16 derivatives 4 disagree" "op wrong_cube (" "is 0.333333 times the right one" \
  "1 (0, 1)                       1               3 "; do
  grep -qF -- "$says" <<<"$log" || { echo "FAILED: does not print: $says"; failed=1; }
done
[ "$failed" -eq 0 ] && echo ok || printf '%s\n' "$log"
exit "$failed"
