#!/usr/bin/env bash
# Holds the sources against the rules of docs/design.md: the folders below include/wengert/ and src/ are the layers, an
# include points down their order, and no file is longer than 400 lines.
set -euo pipefail
cd "$(dirname "$0")/.."

# Lowest first. The umbrella headers and version.hpp, beside the folders, are included by programs alone.
layers=(base simd kernel tape reflect formula ops transform program inspect gradcheck nn optim io data images report train)

failed=0
fail() {
  echo "FAILED: $*"
  failed=1
}

rank() {  # of the folder that holds a file, by its path below include/wengert/ or src/; empty: the file is in no layer
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
      own=${#layers[@]}  # an umbrella
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
