#!/bin/bash
# No library holds the folder that it was built in: build_paths_test.sh FOLDER LIBRARY...
folder=$1
shift
# That there are names of files at all shows that the search looks at the right thing.
grep -qaE 'src/[a-z_/]+\.cpp' "$@" || { echo "no library names a source"; exit 1; }
status=0
for library; do
  grep -qaF "$folder/" "$library" || continue
  echo "$library: names $folder:"
  strings "$library" | grep -F "$folder/" | sort -u | head -5
  status=1
done
exit $status
