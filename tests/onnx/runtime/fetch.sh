#!/usr/bin/env bash
# Fetches ONNX Runtime for run_models.mjs into a folder and verifies it: bash tests/onnx/runtime/fetch.sh [FOLDER]
#
# The default folder is build/onnxruntime. The files are from the npm packages onnxruntime-node 1.30.0 and
# onnxruntime-common 1.30.0 (MIT licence; needs npm): their programs, and the libraries for this machine.
#
# Runs no code of the packages. Keeps what is already there; the folder is put in place only when complete.
# Exit status: 0 available, 1 it could not be fetched, 2 wrong usage, 3 a program is missing.
set -euo pipefail

version=1.30.0
sums="6e3390d6b783e7be946fad629292799da28d0b42f84856e50d2c1b0383291e75  onnxruntime-node-$version.tgz
7906c439e0d3e0f4048caa23b64cdfadc0f455c377f579ce1ab2a4b778f07d5f  onnxruntime-common-$version.tgz"

usage() { sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

fail() {
  echo "error: $1" >&2
  exit "${2:-1}"
}

case "${1:-}" in
  -h | --help)
    usage
    exit 0
    ;;
  -*) fail "unknown option '$1': expected a folder (--help shows more)" 2 ;;
esac
[ $# -le 1 ] || fail "$# arguments: expected a folder (--help shows more)" 2
folder=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)/build/onnxruntime}
complete=$folder/node_modules/onnxruntime-node/.complete-$version

if [ -e "$complete" ]; then
  echo "onnxruntime-node $version: already available in $folder"
  exit 0
fi
for program in npm node tar sha256sum; do
  command -v "$program" >/dev/null 2>&1 ||
    fail "ONNX Runtime needs $program: install it with 'apt-get install nodejs npm tar coreutils'" 3
done
case $(uname -sm) in
  "Linux x86_64") platform=linux/x64 ;;
  "Linux aarch64") platform=linux/arm64 ;;
  *) fail "there is no ONNX Runtime for $(uname -sm): expected Linux on x86_64 or aarch64" ;;
esac

mkdir -p "$folder" || fail "$folder cannot be created"
work=$(mktemp -d "$folder/.fetch.XXXXXX")  # on the same file system as the target, so that moving is renaming
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

echo "onnxruntime-node $version: fetching"
for package in onnxruntime-node onnxruntime-common; do
  # A separate cache leaves nothing in the home folder.
  env -C "$work" npm pack "$package@$version" --ignore-scripts --cache "$work/npm-cache" --loglevel error \
    >"$work/log" 2>&1 ||
    fail "npm could not fetch $package: $(grep -m 1 -E '^npm (error|ERR!)' "$work/log" || tail -n 1 "$work/log")"
done
(cd "$work" && echo "$sums" | sha256sum --check --status) ||
  fail "the packages are not the expected ones: their SHA-256 sums differ"

mkdir -p "$work/node_modules/onnxruntime-node" "$work/node_modules/onnxruntime-common"
tar --no-same-owner --strip-components 1 -xzf "$work/onnxruntime-common-$version.tgz" \
  -C "$work/node_modules/onnxruntime-common"
tar --no-same-owner --strip-components 1 -xzf "$work/onnxruntime-node-$version.tgz" \
  -C "$work/node_modules/onnxruntime-node" package/package.json package/README.md package/dist \
  "package/bin/napi-v6/$platform"
touch "$work/node_modules/onnxruntime-node/.complete-$version"
(cd "$work" && node -e "require('onnxruntime-node')") || fail "node $(node --version) cannot load onnxruntime-node"
rm -rf "$folder/node_modules"
mv "$work/node_modules" "$folder/"
echo "onnxruntime-node $version: verified in $folder"
