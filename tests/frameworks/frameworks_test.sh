#!/usr/bin/env bash
# Runs a program of this folder: the right tests must pass; the wrong tests must fail and print the table of the report.
# Arguments: the program, its option that selects the right tests, its option that selects the wrong tests.
set -uo pipefail
failed=0
"$1" "$2" >/dev/null || { echo "FAILED: a right test fails"; failed=1; }
log=$("$1" "$3") && { echo "FAILED: the wrong tests pass"; failed=1; }
for says in "gradcheck: wrong: of 16 derivatives 4 disagree" "op wrong_cube (" "is 0.333333 times the correct one" \
  "1 (0, 1)                       1               3 "; do
  grep -qF -- "$says" <<<"$log" || { echo "FAILED: does not print: $says"; failed=1; }
done
[ "$failed" -eq 0 ] && echo ok || printf '%s\n' "$log"
exit "$failed"
