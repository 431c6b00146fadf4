#!/usr/bin/env bash
# Follows docs/guide/first-network.md exactly: runs its commands on its files, with the installed library.
# Arguments: the build folder, the compiler, its flags.
set -euo pipefail
build=$1 compiler=$2 flags=$3
page=$(cd "$(dirname "$0")/../.." && pwd)/docs/guide/first-network.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# Prints the code blocks of a language. A comment with a file name starts a new file.
blocks() { awk -v fence="\`\`\`$1" '$0 == fence {on = 1; next} $0 == "```" {on = 0} on' "$page"; }
blocks cmake >"$work/CMakeLists.txt"
blocks cpp | awk -v folder="$work/" '/^\/\/ [a-z]+\.[ch]pp$/ {file = folder $2} {print >file}'
for file in ring.hpp learn.cpp ask.cpp; do [ -s "$work/$file" ] || fail "the page lacks $file"; done

export HOME=$work CXX=$compiler CXXFLAGS=$flags
cmake --install "$build" --prefix ~/wengert >/dev/null
cd "$work"
blocks sh >commands.sh
sed -i 's/-DCMAKE_BUILD_TYPE=Release/-DCMAKE_BUILD_TYPE=None/' commands.sh  # uses the given flags instead
bash -e commands.sh >log 2>&1 || { cat log; fail "the page's commands"; }
accuracy=$(sed -n 's/^accuracy: //p' log)
awk -v a="${accuracy:-0}" 'BEGIN {exit !(a > 0.94)}' || { cat log; fail "an accuracy of '$accuracy'"; }
grep -q '^gradcheck: right' log || { cat log; fail "the gradient check"; }
mapfile -t answers < <(sed -n 's/^on the ring with probability //p' log)
awk -v on="${answers[0]:-0}" -v off="${answers[1]:-1}" 'BEGIN {exit !(on > 0.9 && off < 0.1)}' || { cat log; fail "the answers '${answers[*]}'"; }
status=0
./build/ask 2>log || status=$?
{ [ "$status" -eq 2 ] && grep -q '^usage: ask X Y' log; } || { cat log; fail "ask without arguments: status $status"; }
echo ok
