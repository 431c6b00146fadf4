#!/usr/bin/env bash
# Runs a sample and compares the last figure after TEXT with a bound: figure_test.sh TEXT '<='|'>=' BOUND PROGRAM...
# Exit status: 0 the figure is within the bound, 1 it is not or there is none, 77 the data set is not fetched.
set -uo pipefail
text=$1
relation=$2
bound=$3
shift 3
log=$("$@" 2>&1)
status=$?
if [ "$status" -eq 1 ] && grep -q 'does not exist: run bash samples/fetch_data.sh' <<<"$log"; then
  echo "skipped: $log"
  exit 77
fi
figure=$(sed -n "s/^.*$text\([-+0-9.e]*\).*/\1/p" <<<"$log" | tail -n 1)
if [ "$status" -ne 0 ] || ! awk -v f="$figure" -v b="$bound" "BEGIN { exit !(f != \"\" && f + 0 $relation b + 0) }"; then
  printf '%s\nFAILED (status %s): %s%s, expected %s %s\n' "$log" "$status" "$text" "$figure" "$relation" "$bound"
  exit 1
fi
echo "ok: $text$figure $relation $bound"
