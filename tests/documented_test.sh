#!/usr/bin/env bash
# Checks with Doxygen that every public name has a comment. Argument: the doxygen program.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{
  cat docs/Doxyfile
  echo "INPUT = include/wengert"
  echo "USE_MDFILE_AS_MAINPAGE ="
  echo "GENERATE_HTML = NO"
  echo "OUTPUT_DIRECTORY = $work"
} | "$1" - >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
if grep -F '.hpp:' "$work/log" | sed "s|$PWD/||"; then
  echo "FAILED: the warnings above; a member's comment follows it as ///<, one for several stands before ///@{ … ///@}"
  exit 1
fi
echo ok
