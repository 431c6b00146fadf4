#!/usr/bin/env bash
# Builds and runs the program of this folder in every way in which a project can use Wengert.
#
# Does not compile the library again: installs it from the build folder or, for projects that add the sources, links to
# the built libraries. Arguments: the build folder, the version, the compiler, its flags.
set -euo pipefail
build=$1 version=$2 compiler=$3 flags=$4
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf '== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; fail "$*"; }; }
configure() {  # FOLDER WAY [more options]
  local folder=$1 way=$2
  shift 2
  quietly cmake -S "$source/tests/consumer" -B "$work/$folder" -G Ninja -DWAY="$way" -DEXPECTED_VERSION="$version" \
    -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_CXX_FLAGS="$flags" -DCMAKE_BUILD_TYPE=None "$@"
}
run() { "$1" "$work/weights.npz" >"$work/out" || { cat "$work/out"; fail "the program of $1"; }; }

say "cmake --install"
cmake --install "$build" --prefix "$work/installed" >/dev/null
stray=$(find "$work/installed" -type f ! -name '*.hpp' ! -name '*.a' ! -name '*.so*' ! -name '*.cmake' ! -name '*.pc' ! -name copyright)
[ -z "$stray" ] || fail "installed what does not belong: $stray"
! grep -rIlE "$source|$build" "$work/installed" --include='*.cmake' --include='*.pc' || fail "names the folder it was built in"

say "find_package"
mapfile -t components < <(sed -n 's/^set(wengert_installed \(.*\))$/\1/p' "$work"/installed/lib*/cmake/wengert/wengert-config.cmake | tr '; ' '\n\n')
[ "${#components[@]}" -ge 6 ] || fail "installed are only ${components[*]}"
configure found find_package -DCMAKE_PREFIX_PATH="$work/installed" -DCOMPONENTS="$(IFS=';' && echo "${components[*]}")"
quietly cmake --build "$work/found"
run "$work/found/consumer"
for component in "${components[@]}"; do run "$work/found/uses_$component/uses_$component"; done

say "find_package explains what is missing"
missing() {  # COMPONENTS MESSAGE
  mkdir -p "$work/missing"
  printf 'cmake_minimum_required(VERSION 3.25)\nproject(missing LANGUAGES CXX)\nfind_package(wengert CONFIG %s)\n' "$1" >"$work/missing/CMakeLists.txt"
  cmake -S "$work/missing" -B "$work/missing/build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$work/installed" >"$work/out" 2>&1 && status=0 || status=$?
  tr '\n' ' ' <"$work/out" | tr -s ' ' | grep -qF -- "$2" || { cat "$work/out"; fail "does not say: $2"; }
  return "$status"
}
! missing "REQUIRED COMPONENTS pictures" "there is no component 'pictures' of wengert; there are core, nn," || fail "an unknown component is found"
cp -a "$work/installed" "$work/complete"
rm "$work/installed"/lib*/cmake/wengert/wengert-io*.cmake
sed -i 's/^set(wengert_installed .*/set(wengert_installed core nn)/' "$work/installed"/lib*/cmake/wengert/wengert-config.cmake
! missing "REQUIRED COMPONENTS io" "the component 'io' of wengert is not installed; $work/installed/lib/cmake/wengert has core, nn" || fail "a missing component is found"
missing "REQUIRED COMPONENTS core OPTIONAL_COMPONENTS io" "the component 'io' of wengert is not installed" || fail "a missing optional component is an error"

say "pkg-config"
export PKG_CONFIG_PATH=$work/complete/lib/pkgconfig
[ "$(pkg-config --modversion wengert)" = "$version" ] || fail "pkg-config knows another version"
# shellcheck disable=SC2046,SC2086
"$compiler" -std=c++20 $flags $(pkg-config --cflags wengert) -c "$source/tests/consumer/components/core.cpp" -o "$work/core.o"
for component in "${components[@]}"; do
  module=wengert-$component object=$work/found/uses_$component/CMakeFiles/uses_$component.dir/$component.cpp.o
  [ "$component" != core ] || module=wengert object=$work/core.o
  # shellcheck disable=SC2046,SC2086
  "$compiler" $flags "$object" $(pkg-config --libs "$module") -o "$work/by_pkg_config"
  LD_LIBRARY_PATH=$work/complete/lib run "$work/by_pkg_config"
done

# A project that adds the sources would compile the library. Here, only the program is compiled, and its link command is
# run with the built libraries.
shared=OFF
[ ! -e "$build/libwengert.so" ] || shared=ON
say "add_subdirectory"
configure added add_subdirectory -DWENGERT_SOURCE_DIR="$source" -DWENGERT_COMPONENTS=io -DBUILD_SHARED_LIBS="$shared"
quietly cmake --build "$work/added" --target CMakeFiles/consumer.dir/main.cpp.o
cp -a "$build"/libwengert*.* "$work/added/wengert/"
(cd "$work/added" && eval "$(ninja -t commands consumer | tail -n 1)")
run "$work/added/consumer"
! cmake --install "$work/added" --prefix "$work/nothing" | grep -q Installing || fail "a project that adds Wengert installs it"
say "FetchContent"
configure fetched FetchContent -DWENGERT_SOURCE_DIR="$source" -DWENGERT_COMPONENTS=io -DBUILD_SHARED_LIBS="$shared"
[ "$(ninja -C "$work/fetched" -t commands consumer | tail -n 1 | sed "s|$work/fetched|$work/added|g")" = "$(ninja -C "$work/added" -t commands consumer | tail -n 1)" ] ||
  fail "FetchContent links otherwise than add_subdirectory"

say "cpack"
(cd "$work" && cpack --config "$build/CPackConfig.cmake" -G DEB -B "$work/packages" >/dev/null)
for package in "$work"/packages/*.deb; do dpkg-deb -x "$package" "$work/system"; done
development=$(echo "$work"/packages/libwengert-dev_"$version"_*.deb)
depends=$(dpkg-deb -f "$development" Depends)
for needed in libxtensor-dev libsleef-dev; do
  grep -qw -- "$needed" <<<"$depends" || fail "the package does not depend on $needed but on: $depends"
done
if [ -e "$build/libwengert.so" ]; then
  runtime=$(echo "$work"/packages/libwengert0*.deb)
  dpkg-deb -f "$runtime" Depends | grep -qE 'libdnnl2.*libstdc\+\+6' || fail "the package of the shared library depends on: $(dpkg-deb -f "$runtime" Depends)"
  ! dpkg-deb -c "$runtime" | grep -qE '\.hpp|\.cmake' || fail "the package of the shared library has headers"
fi
# The packages hold the same files as the installation.
diff <(cd "$work/complete" && find . ! -type d | sort) <(cd "$work/system/usr" && find . ! -type d | sort) || fail "the packages hold other files"
configure packaged find_package -DCMAKE_PREFIX_PATH="$work/system/usr"
quietly cmake --build "$work/packaged"
run "$work/packaged/consumer"

say "what the library alone takes"
quietly cmake -S "$source" --preset install -B "$work/alone" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_INSTALL_INCLUDEDIR=headers -DWENGERT_SAMPLES=ON \
  -DCMAKE_DISABLE_FIND_PACKAGE_CLI11=ON -DCMAKE_DISABLE_FIND_PACKAGE_doctest=ON -DCMAKE_DISABLE_FIND_PACKAGE_GTest=ON
grep -qF 'no samples 01_mlp, 02_descent and 22_digit_page' "$work/log" || fail "does not say which samples need CLI11"
ninja -C "$work/alone" -t targets all >"$work/targets"
{ grep -q '^17_breast_cancer:' "$work/targets" && ! grep -q '^01_mlp:' "$work/targets"; } || fail "the samples without CLI11 are others"
find "$work/alone/CMakeFiles/Export" -name wengert-core-targets.cmake -exec cat {} + | grep -qF '${_IMPORT_PREFIX}/headers"' || fail "targets name another folder of headers"
echo ok
