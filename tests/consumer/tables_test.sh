#!/usr/bin/env bash
# Follows docs/recipes/tables.md exactly: makes its tables, learns from one and predicts the other, with the installed
# library. Arguments: the build folder, the compiler, its flags.
set -euo pipefail
# shellcheck source=tests/consumer/page.sh
. "$(dirname "$0")/page.sh"
follow docs/recipes/tables.md "$1" "$2" "$3" network.hpp learn.cpp predict.cpp
accuracy=$(sed -n 's/^accuracy: \([0-9.]*\), balanced: .*/\1/p' log)
awk -v a="${accuracy:-0}" 'BEGIN {exit !(a > 0.9)}' || { cat log; fail "an accuracy of '$accuracy'"; }
grep -q '^comment  *ignored ' log || { cat log; fail "the free text is not ignored"; }
[ "$(cut -d, -f1,2 predictions.csv | tr '\n' ' ')" = 'id,outcome "5001","exchanged" "5002","sent back" "5003","kept" ' ] ||
  { cat predictions.csv; fail "the predictions"; }
# What the page says about errors.
refused() {  # TEXT COMMAND...
  local text=$1 status=0
  shift
  "$@" >out 2>&1 || status=$?
  { [ "$status" -eq 1 ] && grep -qE -- "$text" out; } || { cat out; fail "$*: status $status, expected: $text"; }
}
printf 'id,days,price,channel\n1,2,3,web\n' >less.csv
refused "product" ./build/predict less.csv
printf 'id,days,price,channel,product\n1,soon,3,web,shoes\n' >text.csv
refused "text.csv:2: column 2 \('days'\): 'soon' is not" ./build/predict text.csv
printf 'id,days,price,channel,product\n1,2,3,fax,shoes\n' >fax.csv
refused "fax.csv:2: column 4 \('channel'\)" ./build/predict fax.csv
sed -i '/schema\["price"\]/d' learn.cpp
cmake --build build >log 2>&1 || { cat log; fail "the build without the rule"; }
refused "orders.csv:[0-9]+: column 4 \('price'\): the value is missing" ./build/learn
echo ok
