#!/usr/bin/env bash
# Checks the sources against the rules of docs/design.md: the folders in include/wengert/ and src/ are the layers,
# includes point to the same or a lower layer, and no file exceeds 400 lines.
set -euo pipefail
cd "$(dirname "$0")/.."

# Lowest first. Only programs include the umbrella headers and version.hpp, which lie beside the folders.
layers=(base simd kernel tape reflect formula ops transform program inspect gradcheck nn optim io data images report train onnx)

failed=0
fail() {
  echo "FAILED: $*"
  failed=1
}

# rank FILE prints the index of the layer of a file, given relative to include/wengert/ or src/, or nothing if there is
# none.
rank() {
  local i
  for i in "${!layers[@]}"; do
    if [ "${layers[i]}" = "${1%%/*}" ]; then
      echo "$i"
      return
    fi
  done
}

for root in include/wengert src; do
  while read -r file; do
    path=$root/$file
    own=$(rank "$file")
    if [[ $file != */* ]]; then
      [ "$root" = include/wengert ] || fail "$path lies in no layer's folder"
      own=${#layers[@]}  # an umbrella header
    elif [ -z "$own" ]; then
      fail "$path: '${file%%/*}' is no layer"
      continue
    fi
    while read -r included; do
      theirs=$(rank "$included")
      if [[ $included == */* && -z $theirs ]]; then
        fail "$path includes $included, which is in no layer"
      elif [[ $included != */* ]]; then
        fail "$path includes $included: only programs include an umbrella"
      elif [ "$theirs" -gt "$own" ]; then
        fail "$path includes $included, of a higher layer"
      fi
    done < <(sed -n 's|^#include <wengert/\(.*\)>.*|\1|p; s|^#include "\(.*\)".*|\1|p' "$path")
  done < <(cd "$root" && find . -name '*.?pp' | sed 's|^\./||' | sort)
done

while read -r lines path; do
  if [ "$path" != total ] && [ "$lines" -gt 400 ]; then
    fail "$path has $lines lines: more than 400"
  fi
done < <(find include src samples tests -name '*.?pp' -print0 | xargs -0 wc -l)

[ "$failed" -eq 0 ] && echo "ok"
exit "$failed"
