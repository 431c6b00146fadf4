#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: bash tests/run.sh [--clang | --sanitize]
#   (nothing)    g++, Release, in build/tests
#   --clang      clang 16, Release, in build/tests-clang
#   --sanitize   g++ with AddressSanitizer and UndefinedBehaviorSanitizer, in build/tests-sanitize
set -euo pipefail
cd "$(dirname "$0")/.."
. samples/packages.sh

variant=tests
case "${1:-}" in
  "") ;;
  --clang) variant=tests-clang ;;
  --sanitize) variant=tests-sanitize ;;
  *)
    sed -n '2,5s/^# \{0,1\}//p' tests/run.sh
    exit 2
    ;;
esac

need_packages "${build_packages[@]}" "${sample_packages[@]}" doctest-dev libbenchmark-dev python3
[ "$variant" = tests-clang ] && need_packages clang-16

echo "== data for the samples"
bash samples/fetch_data.sh digits

echo "== configuring build/$variant"
cmake --preset "$variant" -DCMAKE_MESSAGE_LOG_LEVEL=WARNING
echo "== building"
cmake --build "build/$variant"
echo "== testing"
log="build/$variant/ctest.log"
status=0
ctest --test-dir "build/$variant" --output-on-failure --no-tests=error | tee "$log" || status=$?

# doctest's own count of test cases: one line a program.
passed=$(sed -n 's/^.*% tests passed, \([0-9]*\) tests failed out of \([0-9]*\).*$/\2 \1/p' "$log" | awk '{print $1 - $2}')
failed=$(sed -n 's/^.*% tests passed, \([0-9]*\) tests failed out of \([0-9]*\).*$/\1/p' "$log")
echo "${passed:-0} passed, ${failed:-1} failed"
exit "$status"
