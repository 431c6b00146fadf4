#!/usr/bin/env bash
# Measures the cost of building and using the project against its goals:
#   bash tests/weight.sh            builds the targets of the quickstart from scratch; about five minutes on two cores
#   bash tests/weight.sh --tests    also builds and runs the tests with g++ from scratch; about twenty minutes
# Processor times differ between machines: compare them within one run, or as ratios to the first line.
set -euo pipefail
cd "$(dirname "$0")/.."
tests=
for argument in "$@"; do
  case "$argument" in
    --tests) tests=on ;;
    *)
      sed -n '2,5s/^# \{0,1\}//p' tests/weight.sh
      exit 2
      ;;
  esac
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export WEIGHT_LOG=$work/log
unset CMAKE_CXX_COMPILER_LAUNCHER CMAKE_C_COMPILER_LAUNCHER

row() { printf '%-52s %12s %12s\n' "$@"; }

# user_seconds COMMAND... prints the shortest processor time of three runs.
user_seconds() {
  local TIMEFORMAT=%U
  for _ in 1 2 3; do
    { time "$@" >/dev/null 2>&1; } 2>&1
  done | sort -n | head -n 1
}

# weigh_build NAME PRESET TARGETS... builds from scratch and prints processor seconds by target and the slowest files.
weigh_build() {
  local name=$1 preset=$2 begin wall total
  shift 2
  : >"$WEIGHT_LOG"
  cmake --preset "$preset" -B "$work/$name" -DCMAKE_CXX_COMPILER_LAUNCHER="$PWD/tests/weight/time_compiler.sh" \
    -DCMAKE_MESSAGE_LOG_LEVEL=WARNING >/dev/null
  begin=$SECONDS
  cmake --build "$work/$name" --target "$@" >"$work/$name.log" || { tail -n 40 "$work/$name.log" && return 1; }
  wall=$((SECONDS - begin))
  total=$(awk '{s += $1 + $2} END {printf "%.0f", s}' "$WEIGHT_LOG")
  row "$name, wall clock on $(nproc) processors" "$wall s" "${goal_wall:-}"
  row "$name, processor time" "$total s" "${goal_total:-}"
  awk '{n = $3; sub(/.*CMakeFiles\//, "", n); sub(/\.dir\/.*/, "", n); s[n] += $1 + $2}
       END {for (n in s) printf "  %-50s %10.0f s\n", n, s[n]}' "$WEIGHT_LOG" | sort -k2 -rn | head -n 12
  echo "  the heaviest files:"
  awk '{n = $3; sub(/.*\.dir\//, "", n); sub(/\.o$/, "", n); printf "  %-50s %10.1f s\n", n, $1 + $2}' "$WEIGHT_LOG" |
    sort -k2 -rn | head -n 10
}

row "" measured goal
goal_wall= goal_total="400 s" weigh_build quickstart release 01_mlp

flags=(-std=c++20 -Iinclude $(pkg-config --cflags openblas))
header() { user_seconds g++ "${flags[@]}" -fsyntax-only -include "$1" -x c++ /dev/null; }
xtensor=$(header xtensor/xarray.hpp)
ratio() { awk "BEGIN {printf \"%.2f\", $1 / $2}"; }
engine=$(ratio "$(header wengert/wengert.hpp)" "$xtensor")
row "including wengert/wengert.hpp / xtensor/xarray.hpp" "$engine" 1.7
for name in nn optim data train; do
  row "including wengert/$name.hpp / xtensor/xarray.hpp" "$(ratio "$(header "wengert/$name.hpp")" "$xtensor")" ""
done
program=$(user_seconds g++ "${flags[@]}" -O2 -c tests/weight/program.cpp -o "$work/program.o")
row "a program of 40 lines at -O2, processor time" "$program s" "4.5 s"
program=$(ratio "$program" "$xtensor")
row "the same / including xtensor/xarray.hpp" "$program" ""
lines=$(find include -name '*.hpp' -print0 | xargs -0 cat | wc -l)
row "lines of public headers" "$lines" "10000"

if [ -n "$tests" ]; then
  goal_wall= goal_total="1320 s" weigh_build tests tests all
  begin=$SECONDS
  ctest --test-dir "$work/tests" --parallel "$(nproc)" >/dev/null || echo "  some tests failed"
  row "tests, wall clock of running them" "$((SECONDS - begin)) s" ""
fi
install=$work/tests
[ -n "$tests" ] || {
  install=$work/install
  cmake --preset install -B "$install" -DCMAKE_MESSAGE_LOG_LEVEL=WARNING >/dev/null
  cmake --build "$install" >/dev/null
}
libraries=$(find "$install" -maxdepth 1 -name 'libwengert*.a' -printf '%s\n' | awk '{s += $1} END {print s}')
row "archives with all instruction sets" "$(awk "BEGIN {printf \"%.1f MB\", $libraries / 1e6}")" ""
g++ "$work/program.o" -L"$install" -lwengert_nn -lwengert_optim -lwengert -lfmt -lopenblas -llapacke -lsleef -ldnnl -lgomp \
  -o "$work/program"
strip "$work/program"
stripped=$(stat -c %s "$work/program")
row "the program, stripped, with all instruction sets" "$(awk "BEGIN {printf \"%.1f MB\", $stripped / 1e6}")" "6 MB"
