#!/bin/bash
# Checks that no library contains the path of its build folder: build_paths_test.sh FOLDER LIBRARY...
folder=$1
shift
# Names of sources in the libraries prove that the search can find paths.
grep -qaE 'src/[a-z_/]+\.cpp' "$@" || { echo "no library names a source"; exit 1; }
status=0
for library; do
  grep -qaF "$folder/" "$library" || continue
  echo "$library: names $folder:"
  strings "$library" | grep -F "$folder/" | sort -u | head -5
  status=1
done
exit $status
