#!/usr/bin/env bash
# Counts the lines of code of each recipe in C++ and in PyTorch, and fails if one in C++ has more than 4/3 of the lines, or if the
# table in docs/recipes/README.md has other figures:
#   bash tests/recipes/count_lines.sh
# Not counted, in either language: blank lines, comments, and imports (in C++, includes and aliases of namespaces). No line may
# have more than 120 columns.
set -euo pipefail
cd "$(dirname "$0")"

code() {
  grep -Ev '^\s*$|^\s*(//|#)|^(import|from) |^namespace \w+ = [a-z:]+;$' "$1"
}
status=0
for program in *.cpp; do
  name=${program%.cpp}
  ours=$(code "$program" | wc -l)
  theirs=$(code "$name.py" | wc -l)
  echo "$name $ours $theirs"
  if [ $((3 * ours)) -gt $((4 * theirs)) ]; then
    echo "FAILED: $program has $ours lines of code, more than 4/3 of the $theirs of $name.py" && status=1
  fi
  if ! grep -qF "[$name.py](../../tests/recipes/$name.py) | $ours / $theirs |" ../../docs/recipes/README.md; then
    echo "FAILED: docs/recipes/README.md does not say $ours / $theirs for $name" && status=1
  fi
done
if LC_ALL=C.UTF-8 grep -nE '^.{121,}' -- *.cpp *.py; then
  echo "FAILED: more than 120 columns" && status=1
fi
exit $status
