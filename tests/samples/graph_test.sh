#!/usr/bin/env bash
# Checks the output of sample 06_graph, and that the pictures in docs/images show its network. Argument: the program.
set -uo pipefail
cd "$(dirname "$0")/../.."
failed=0
log=$("$1") || { echo "FAILED: the sample fails"; failed=1; }
for says in "v̄3 = v̄5 ⊙ (v4 ⊙ (1 − v4))" "v̄1 = v̄2 ⊙ (v2 ⊙ (1 − v2))" "W̄2 = v2ᵀ @ v̄3" "W̄1 = Xᵀ @ v̄1" "main.cpp:" \
  "TraceNaN: [log] element (0, 0) is -inf; input 1 of shape (4, 2): finite"; do
  grep -qF -- "$says" <<<"$log" || { echo "FAILED: does not print: $says"; failed=1; }
done
"$1" latex | grep -qF '\bar{W}_{1} &= X^{\top} \, \bar{v}_{1}' || { echo "FAILED: the LaTeX lacks W1's gradient"; failed=1; }
for picture in "graph dot" "graph_gradients gradient-dot"; do
  read -r name what <<<"$picture"
  diff "docs/images/$name.dot" <("$1" "$what") ||
    { echo "FAILED: docs/images/$name.dot is not up to date: bash samples/06_graph/run.sh"; failed=1; }
  nodes=$(grep -c 'shape=' "docs/images/$name.dot")
  [ "$(grep -c 'class="node"' "docs/images/$name.svg")" -eq "$nodes" ] ||
    { echo "FAILED: docs/images/$name.svg does not show $nodes nodes"; failed=1; }
done
[ "$failed" -eq 0 ] && echo ok || printf '%s\n' "$log"
exit "$failed"
