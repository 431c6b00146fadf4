#!/usr/bin/env bash
# Installs missing packages, builds, runs every test: bash tests/run.sh [--clang | --shared | --sanitize | --threads]
#   (nothing)    g++, Release, in build/tests
#   --clang      clang 16, Release, in build/tests-clang
#   --shared     g++, Release, with shared libraries, in build/tests-shared
#   --sanitize   clang 16 with AddressSanitizer and UndefinedBehaviorSanitizer, in build/tests-sanitize
#   --threads    only the tests of threads, g++ with ThreadSanitizer, in build/tests-threads
set -euo pipefail
cd "$(dirname "$0")/.."
. samples/packages.sh

variant=tests
targets=all
only=. except=^$
case "${1:-}" in
  "") ;;
  --clang) variant=tests-clang ;;
  --shared) variant=tests-shared ;;
  # The statistics and long reports of the gradient checker and the exports in ONNX Runtime would take two fifths of the
  # time there, and touch the memory that other tests do.
  --sanitize)
    variant=tests-sanitize
    except='every fault injected|every op in the registry is right|no right op is called wrong|exports in ONNX Runtime|reports in GoogleTest'
    ;;
  --threads) variant=tests-threads targets=threads_test only='^threads:' ;;
  *)
    sed -n '2,7s/^# \{0,1\}//p' tests/run.sh
    exit 2
    ;;
esac

need_packages "${build_packages[@]}" "${sample_packages[@]}" doctest-dev libgtest-dev libbenchmark-dev libpng-dev libjpeg62-turbo-dev python3-numpy doxygen dpkg-dev file \
  libonnx-dev libprotobuf-dev protobuf-compiler libopencv-objdetect-dev libopencv-highgui-dev opencv-data ffmpeg \
  librsvg2-bin
# libclang-rt-16-dev contains the fuzzer; lld links sanitized programs in a fraction of the time.
case "$variant" in tests-clang | tests-sanitize) need_packages clang-16 libclang-rt-16-dev lld-16 ;; esac
# The report of a training and the samples' pages open in a browser; ONNX's conformance cases, and its checker for
# exported files.
[ "$variant" = tests ] && need_packages chromium graphviz libonnx-testdata python3-onnx
[ "$variant" = tests-sanitize ] && need_packages libonnx-testdata

echo "== data for the samples"
bash samples/fetch_data.sh digits breast_cancer constitution
bash samples/fetch_data.sh tables || echo "The test of 18_tables is skipped."  # which npm fetches
bash samples/fetch_data.sh declaration || echo "The test of 20_sequences is skipped."  # likewise
for name in drawn_faces expression_weights astronaut; do
  bash samples/fetch_data.sh $name || echo "Tests of 23_expressions and 24_expressions_live are skipped."  # likewise
done

if [ "$variant" = tests ]; then
  bash samples/fetch_data.sh mnist onnxruntime || echo "The test of 22_digit_page is skipped."  # likewise
  bash tests/onnx/runtime/fetch.sh || echo "The test of exports in ONNX Runtime is skipped."  # likewise
fi

echo "== configuring build/$variant"
# A build folder of another compiler is deleted: with the old compiler's cache, CMake would drop the preset's flags.
case "$variant" in tests-clang | tests-sanitize) compiler=clang++-16 ;; *) compiler=g++ ;; esac
cache=build/$variant/CMakeCache.txt
[ ! -e "$cache" ] || grep -q "^CMAKE_CXX_COMPILER:.*[/=]$compiler\$" "$cache" || rm -rf "build/$variant"
cmake --preset "$variant" -DCMAKE_MESSAGE_LOG_LEVEL=WARNING
echo "== building"
cmake --build "build/$variant" --target "$targets"
echo "== testing"
log="build/$variant/ctest.log"
status=0
export OMP_WAIT_POLICY=passive  # waiting threads of one test take no processor from other tests
ctest --test-dir "build/$variant" --parallel "$(nproc)" --output-on-failure --no-tests=error -R "$only" -E "$except" | tee "$log" || status=$?

# Quality of the gradient checker, and ONNX's conformance cases with the reasons of those that do not pass.
results="build/$variant/Testing/Temporary/LastTest.log"
sed -n 's/^.*MESSAGE: \(mutation score.*\|false alarms.*\)$/\1/p' "$results"
sed -n '/^ONNX conformance, /,/^=\{10,\}$/{/^=\{10,\}$/!p}' "$results"

# doctest's own count of test cases: one line per program.
passed=$(sed -n 's/^.*% tests passed, \([0-9]*\) tests failed out of \([0-9]*\).*$/\2 \1/p' "$log" | awk '{print $1 - $2}')
failed=$(sed -n 's/^.*% tests passed, \([0-9]*\) tests failed out of \([0-9]*\).*$/\1/p' "$log")
echo "${passed:-0} passed, ${failed:-1} failed"
exit "$status"
