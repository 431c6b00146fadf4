#!/usr/bin/env bash
# Follows docs/guide/first-network.md exactly: runs its commands on its files, with the installed library.
# Arguments: the build folder, the compiler, its flags.
set -euo pipefail
# shellcheck source=tests/consumer/page.sh
. "$(dirname "$0")/page.sh"
follow docs/guide/first-network.md "$1" "$2" "$3" ring.hpp learn.cpp ask.cpp
accuracy=$(sed -n 's/^accuracy: //p' log)
awk -v a="${accuracy:-0}" 'BEGIN {exit !(a > 0.94)}' || { cat log; fail "an accuracy of '$accuracy'"; }
grep -q '^gradcheck: right' log || { cat log; fail "the gradient check"; }
mapfile -t answers < <(sed -n 's/^on the ring with probability //p' log)
awk -v on="${answers[0]:-0}" -v off="${answers[1]:-1}" 'BEGIN {exit !(on > 0.9 && off < 0.1)}' || { cat log; fail "the answers '${answers[*]}'"; }
status=0
./build/ask 2>log || status=$?
{ [ "$status" -eq 2 ] && grep -q '^usage: ask X Y' log; } || { cat log; fail "ask without arguments: status $status"; }
echo ok
