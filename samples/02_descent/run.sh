#!/usr/bin/env bash
# Builds and runs 02_descent and plots its curves in build/descent/descent.svg.
# Arguments are passed on to the program, for example --data digits --epochs 40. With --curves FILE.csv, the plot is written
# next to that file.
set -euo pipefail
cd "$(dirname "$0")/../.."
. samples/packages.sh
. samples/common/arguments.sh
if help_wanted "$@"; then
  sed -n '2,/^set /s/^# \{0,1\}//p' samples/02_descent/run.sh
  exit 0
fi
need_packages "${build_packages[@]}" "${sample_packages[@]}"
choose_data "$@"
build_program 02_descent
curves=$(value_of --curves build/descent/descent.csv "$@")
picture=${curves%.csv}.svg
mkdir -p build/descent
[ -n "$(value_of --data "" "$@")" ] || set -- "$@" --data "$data"
[ -n "$(value_of --curves "" "$@")" ] || set -- "$@" --curves "$curves"
"$program" "$@"
gnuplot -e "input='$curves'; output='$picture'" samples/02_descent/descent.gnuplot
echo "the picture: $picture"
