#!/usr/bin/env bash
# Holds the sources against the rules of docs/design.md: an include may only point down the layers
#   samples → train → nn, optim, data, io → transforms, program, gradcheck → ops → tape → tensor
# and no file is longer than 400 lines.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

layer() {  # of a header or source, by its path below include/wengert/ or src/
  case "$1" in
    error.hpp | error.cpp | located.hpp | sanitizers.hpp | line_of.hpp | grow.hpp | listing.hpp | tensor.* | axes.* | layout.* | pool.* | parameter.* | fwd.hpp | version.hpp | threads.* | kernel/isa.* | kernel/vector_math* | \
      kernel/lane.* | kernel/fast_exp.* | kernel/text.* | kernel/fold.* | kernel/gemm.* | kernel/gemm_thin.* | kernel/scratch.* | kernel/softmax.* | kernel/parallel.* | kernel/workers.* | kernel/process.* | kernel/rows.*) echo 0 ;;
    tape.* | ancestors.hpp | live_tapes.* | leaf.cpp | index_var.hpp | op.* | elementwise.hpp | elementwise_options.hpp | pullback_formula.hpp | formula.hpp | structural.hpp | tree.hpp | parameters.* | converted.hpp | var.* | record.cpp | kernel/*) echo 1 ;;
    ops/*) echo 2 ;;
    transforms.* | data_parallel.* | graph.* | explain.* | gradcheck.* | gradcheck_arguments.hpp | gradcheck_op.* | gradcheck/* | program* | compiled.hpp) echo 3 ;;
    nn/* | optim/* | data/* | io/* | images/* | nn.hpp | optim.hpp | data.hpp | io.hpp | images.hpp) echo 4 ;;
    train/* | train.hpp) echo 5 ;;
    wengert.hpp) echo 6 ;;
    *) echo "unknown" ;;
  esac
}

for file in $(cd include/wengert && find . -name '*.hpp' | sed 's|^\./||') $(cd src && find . -name '*.?pp' | sed 's|^\./||'); do
  path=include/wengert/$file
  [ -e "$path" ] || path=src/$file
  own=$(layer "$file")
  if [ "$own" = unknown ]; then
    echo "FAILED: $path belongs to no layer"
    failed=1
    continue
  fi
  # The engine's own sources record ordinary ops (sums of cotangents, broadcasts), so these may name ops.
  case "$path" in src/tape.cpp | src/record.cpp | src/leaf.cpp | src/op.cpp) own=2 ;; esac
  while read -r included; do
    [ -n "$included" ] || continue
    theirs=$(layer "$included")
    if [ "$theirs" != unknown ] && [ "$theirs" -gt "$own" ]; then
      echo "FAILED: $path (layer $own) includes $included (layer $theirs)"
      failed=1
    fi
  done < <(sed -n 's|^#include <wengert/\(.*\)>.*|\1|p; s|^#include "\(.*\)".*|\1|p' "$path")
done

while read -r lines path; do
  if [ "$path" != total ] && [ "$lines" -gt 400 ]; then
    echo "FAILED: $path has $lines lines: more than 400"
    failed=1
  fi
done < <(find include src samples tests -name '*.?pp' -print0 | xargs -0 wc -l)

[ "$failed" -eq 0 ] && echo "ok"
exit "$failed"
