#!/usr/bin/env bash
# Draws the graphs of the sample's network with Graphviz: docs/images/graph.svg and graph_gradients.svg.
# Writes the .dot sources next to them. Argument: the folder of the sample programs (default build/release/samples).
set -euo pipefail
cd "$(dirname "$0")/../.."
. samples/packages.sh
need_packages graphviz
programs=${1:-build/release/samples}
for picture in "graph dot" "graph_gradients gradient-dot"; do
  read -r name what <<<"$picture"
  "$programs/06_graph" "$what" >"docs/images/$name.dot"
  dot -Tsvg "docs/images/$name.dot" -o "docs/images/$name.svg"
done
