#!/usr/bin/env bash
# Compiles a file of mistakes and checks the error messages in the compiler's log.
#
# A comment `// says: …` states the expected message of a mistake on a later line, marked `// here`; this line must cause
# an error with the message, and other lines none. `// from here` marks a line that instantiates the function with the
# error. The log may have 40 lines per mistake. Arguments: the compiler, its flags …, the file.
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
grep -q '// from here$' "$file" && most=60  # includes the notes that lead to the line
[ "$count" -le "$most" ] || fail "$count lines of log: more than $most"
[ "$failed" -eq 0 ] && echo "ok, $count lines" || printf '%s\n' "$log" | cut -c1-300
exit "$failed"
