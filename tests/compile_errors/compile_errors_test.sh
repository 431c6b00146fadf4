#!/usr/bin/env bash
# Compiles each mistake of this folder and holds the log against it: the first error is on the line marked `// here`
# and says what the comment `// says:` announces, in at most 40 lines. Arguments: the compiler, its flags …, the file.
set -uo pipefail
file=${*: -1}
log=$("${@:1:$#-1}" -fsyntax-only "$file" 2>&1) && { echo "FAILED: $file compiles"; exit 1; }
line=$(grep -n '// here$' "$file" | cut -d: -f1)
says=$(sed -n 's|^// says: ||p' "$file")
first=$(grep -m 1 'error:' <<<"$log")
lines=$(wc -l <<<"$log")
failed=0
grep -q "$(basename "$file"):$line:.*error:" <<<"$first" || { echo "FAILED: the first error is not on line $line"; failed=1; }
grep -qF -- "$says" <<<"${first//[‘’]/\'}" || { echo "FAILED: the first error does not say: $says"; failed=1; }
[ "$lines" -le 40 ] || { echo "FAILED: $lines lines of log: more than 40"; failed=1; }
[ "$failed" -eq 0 ] && echo "ok, $lines lines" || printf '%s\n' "$log" | cut -c1-300
exit "$failed"
