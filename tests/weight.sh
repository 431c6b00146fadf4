#!/usr/bin/env bash
# Measures the cost of building and using the project against its goals:
#   bash tests/weight.sh                 builds the quickstart from scratch; about five minutes on two cores
#   bash tests/weight.sh --tests         also builds and runs the tests with g++ from scratch; about twenty minutes
#   bash tests/weight.sh --check BUILD   compares what does not depend on the machine's speed with tests/weight/reference.txt,
#                                        given a build folder of the preset `tests`; fails above 103 %
#   bash tests/weight.sh --record BUILD  writes tests/weight/reference.txt
# Processor times differ between machines and vary by several percent: compare them within one run, or as ratios to the
# time of including xtensor. What --check compares repeats exactly with one version of g++: the memory that g++ allocates
# for a source, which grows with what it parses and instantiates, lines, and bytes of code.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=measure tests= build=
case "${1:-}" in
  "") ;;
  --tests) tests=on ;;
  --check | --record) mode=${1#--} build=${2:?a build folder is missing} ;;
  *)
    sed -n '2,7s/^# \{0,1\}//p' tests/weight.sh
    exit 2
    ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags=(-std=c++20 -Iinclude $(pkg-config --cflags openblas))
umbrellas=(wengert nn optim io data report train)
lines_of_headers() { find include -name '*.hpp' -print0 | xargs -0 cat | wc -l; }

# stripped_program FOLDER prints the size of the program of 40 lines, given its object and a folder of archives.
stripped_program() {
  g++ "$work/program.o" -L"$1" -lwengert_nn -lwengert_optim -lwengert -lfmt -lopenblas -llapacke -lsleef -ldnnl -lgomp -o "$work/program"
  strip "$work/program"
  stat -c %s "$work/program"
}

# figures FOLDER prints lines `NAME VALUE` of what repeats exactly.
figures() {
  megabytes() { g++ "${flags[@]}" -ftime-report "$@" 2>&1 | awk '/^ TOTAL/ {sub(/M$/, "", $NF); print $NF}'; }
  for name in "${umbrellas[@]}"; do
    echo "megabytes_of_${name}.hpp $(megabytes -fsyntax-only -include "wengert/$name.hpp" -x c++ /dev/null)"
  done
  echo "megabytes_of_the_program $(megabytes -O2 -c tests/weight/program.cpp -o "$work/program.o")"
  echo "lines_of_headers $(lines_of_headers)"
  local archive
  for archive in "$1"/libwengert*.a; do
    echo "code_of_$(basename "$archive" .a) $(size -t "$archive" | tail -n 1 | awk '{print $1}')"
  done
  echo "stripped_program $(stripped_program "$1")"
}

if [ "$mode" != measure ]; then
  reference=tests/weight/reference.txt
  { echo "g++ $(g++ -dumpfullversion)" && figures "$build"; } >"$work/figures"
  [ "$mode" = check ] || { cp "$work/figures" "$reference" && cat "$reference" && exit 0; }
  [ "$(head -n 1 "$work/figures")" = "$(head -n 1 "$reference")" ] || { echo "the reference is of another g++: $(head -n 1 "$reference")" && exit 77; }
  awk 'NR == FNR {reference[$1] = $2; next}
       FNR == 1 {next}
       !($1 in reference) {print $1 ": not in the reference"; bad = 1; next}
       {
         ratio = $2 / reference[$1]
         printf "%-32s %10d %10d %6.1f %%%s\n", $1, $2, reference[$1], 100 * ratio, (ratio > 1.03 ? "  TOO MUCH" : "")
         if (ratio > 1.03) bad = 1
         delete reference[$1]
       }
       END {
         delete reference["g++"]
         for (name in reference) {print name ": not measured"; bad = 1}
         if (bad) print "Reduce it, or run bash tests/weight.sh --record and say in the commit what it pays for."
         exit bad
       }' "$reference" "$work/figures"
  exit
fi

export WEIGHT_LOG=$work/log
unset CMAKE_CXX_COMPILER_LAUNCHER CMAKE_C_COMPILER_LAUNCHER

row() { printf '%-52s %12s %12s\n' "$@"; }

# user_seconds COMMAND... prints the shortest processor time of five runs.
user_seconds() {
  local TIMEFORMAT=%U
  for _ in 1 2 3 4 5; do
    { time "$@" >/dev/null 2>&1; } 2>&1
  done | sort -n | head -n 1
}

# weigh_build NAME PRESET GOAL_WALL GOAL_TOTAL TARGETS... builds from scratch and prints processor seconds by target and
# the slowest files.
weigh_build() {
  local name=$1 preset=$2 goal_wall=$3 goal_total=$4 begin wall total
  shift 4
  : >"$WEIGHT_LOG"
  cmake --preset "$preset" -B "$work/$name" -DCMAKE_CXX_COMPILER_LAUNCHER="$PWD/tests/weight/time_compiler.sh" \
    -DCMAKE_MESSAGE_LOG_LEVEL=WARNING >/dev/null
  begin=$SECONDS
  cmake --build "$work/$name" --target "$@" >"$work/$name.log" || { tail -n 40 "$work/$name.log" && return 1; }
  wall=$((SECONDS - begin))
  total=$(awk '{s += $1 + $2} END {printf "%.0f", s}' "$WEIGHT_LOG")
  row "$name, wall clock on $(nproc) processors" "$wall s" "$goal_wall"
  row "$name, processor time" "$total s" "$goal_total"
  awk '{n = $3; sub(/.*CMakeFiles\//, "", n); sub(/\.dir\/.*/, "", n); s[n] += $1 + $2}
       END {for (n in s) printf "  %-50s %10.0f s\n", n, s[n]}' "$WEIGHT_LOG" | sort -k2 -rn | head -n 12
  echo "  the heaviest files:"
  awk '{n = $3; sub(/.*\.dir\//, "", n); sub(/\.o$/, "", n); printf "  %-50s %10.1f s\n", n, $1 + $2}' "$WEIGHT_LOG" |
    sort -k2 -rn | head -n 10
}

row "" measured goal
weigh_build quickstart release "" "400 s" 01_mlp

header() { user_seconds g++ "${flags[@]}" -fsyntax-only -include "$1" -x c++ /dev/null; }
ratio() { awk "BEGIN {printf \"%.2f\", $1 / $2}"; }
xtensor=$(header xtensor/xarray.hpp)
for name in "${umbrellas[@]}"; do
  goal=
  [ "$name" != wengert ] || goal=1.7
  row "including wengert/$name.hpp / xtensor/xarray.hpp" "$(ratio "$(header "wengert/$name.hpp")" "$xtensor")" "$goal"
done
program=$(user_seconds g++ "${flags[@]}" -O2 -c tests/weight/program.cpp -o "$work/program.o")
row "a program of 40 lines at -O2, processor time" "$program s" "4.5 s"
row "the same / including xtensor/xarray.hpp" "$(ratio "$program" "$xtensor")" ""
row "lines of public headers" "$(lines_of_headers)" "10000"

install=$work/install
if [ -n "$tests" ]; then
  install=$work/tests
  weigh_build tests tests "" "1320 s" all
  begin=$SECONDS
  ctest --test-dir "$install" --parallel "$(nproc)" >/dev/null || echo "  some tests failed"
  row "tests, wall clock of running them" "$((SECONDS - begin)) s" ""
else
  cmake --preset install -B "$install" -DCMAKE_MESSAGE_LOG_LEVEL=WARNING >/dev/null
  cmake --build "$install" >/dev/null
fi
libraries=$(find "$install" -maxdepth 1 -name 'libwengert*.a' -printf '%s\n' | awk '{s += $1} END {print s}')
megabytes() { awk "BEGIN {printf \"%.1f MB\", $1 / 1e6}"; }
row "archives with all instruction sets" "$(megabytes "$libraries")" ""
row "the program, stripped, with all instruction sets" "$(megabytes "$(stripped_program "$install")")" "6 MB"
