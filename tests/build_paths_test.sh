#!/bin/bash
# No library holds the folder that it was built in: build_paths_test.sh FOLDER LIBRARY...
folder=$1
shift
[ $# -gt 0 ] || { echo "no libraries are given"; exit 1; }
status=0
for library; do
  # That file names are there at all shows that the search looks at the right place.
  grep -qaF "src/" "$library" || { echo "$library: names no file"; status=1; }
  if grep -qaF "$folder/" "$library"; then
    echo "$library: names $folder:"
    strings "$library" | grep -F "$folder/" | sort -u | head -5
    status=1
  fi
done
exit $status
