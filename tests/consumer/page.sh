# Follows a page of the documentation to the letter; sourced by the tests of pages.
#   follow PAGE BUILD COMPILER FLAGS FILE...   writes the files of the page to a new folder, $work, changes to it and runs the
#   commands of the page there, with the library installed from the build folder. Checks that the page has these files.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

follow() {
  local page build=$2 file
  page=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/$1
  # Prints the code blocks of a language. A comment with a file name starts a new file.
  blocks() { awk -v fence="\`\`\`$1" '$0 == fence {on = 1; next} $0 == "```" {on = 0} on' "$page"; }
  blocks cmake >"$work/CMakeLists.txt"
  blocks cpp | awk -v folder="$work/" '/^\/\/ [a-z]+\.[ch]pp$/ {file = folder $2} {print >file}'
  export HOME=$work CXX=$3 CXXFLAGS=$4
  shift 4
  for file in "$@"; do [ -s "$work/$file" ] || fail "the page lacks $file"; done
  cmake --install "$build" --prefix ~/wengert >/dev/null
  cd "$work"
  blocks sh >commands.sh
  sed -i 's/-DCMAKE_BUILD_TYPE=Release/-DCMAKE_BUILD_TYPE=None/' commands.sh  # uses the given flags instead
  bash -e commands.sh >log 2>&1 || { cat log; fail "the page's commands"; }
}
