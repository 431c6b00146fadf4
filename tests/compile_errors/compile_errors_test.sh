#!/usr/bin/env bash
# Compiles each file of mistakes and holds the log against it. A mistake is announced by a comment `// says: …` and
# stands below, on a line marked `// here`: there must be an error there which says so, and none elsewhere. If the line
# is marked `// from here`, the error is in a function that was instantiated from it. A mistake takes at most 40 lines.
# Arguments: the compiler, its flags …, the file.
set -uo pipefail
file=${*: -1}
name=$(basename "$file")
log=$("${@:1:$#-1}" -fsyntax-only "$file" 2>&1) && { echo "FAILED: $file compiles"; exit 1; }
errors=$(grep 'error:' <<<"${log//[‘’]/\'}")
mapfile -t says < <(sed -n 's|^// says: ||p' "$file")
mapfile -t lines < <(grep -nE '// (from )?here$' "$file" | cut -d: -f1)
failed=0
fail() { echo "FAILED: $1"; failed=1; }

[ "${#says[@]}" -gt 0 ] && [ "${#says[@]}" -eq "${#lines[@]}" ] || fail "${#says[@]} comments for ${#lines[@]} lines"
for i in "${!lines[@]}"; do
  line=${lines[$i]}
  if grep -q '// from here$' "$file"; then
    grep -qE "$name:$line:.*(required from|requested here)" <<<"$log" || fail "the log does not lead to line $line"
    said=$(head -1 <<<"$errors")
  else
    said=$(grep "$name:$line:" <<<"$errors") || fail "there is no error on line $line"
    errors=$(grep -v "$name:$line:" <<<"$errors")
  fi
  grep -qF -- "${says[$i]}" <<<"$said" || fail "the error of line $line does not say: ${says[$i]}"
done
grep -q '// from here$' "$file" || [ -z "$errors" ] || fail "there are errors elsewhere: $errors"
count=$(wc -l <<<"$log")
most=$((40 * ${#lines[@]}))
grep -q '// from here$' "$file" && most=60  # with the way there
[ "$count" -le "$most" ] || fail "$count lines of log: more than $most"
[ "$failed" -eq 0 ] && echo "ok, $count lines" || printf '%s\n' "$log" | cut -c1-300
exit "$failed"
