#!/usr/bin/env bash
# Serves the page of 22_digit_page and uses it in headless Chromium: digit_page_test.sh FOLDER-OF-PROGRAMS FOLDER
# Writes the page and screenshots to FOLDER. Exits with 77 (skipped) if Chromium, Node.js, MNIST or ONNX Runtime is
# missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/samples/server.sh
folder=$2
skip() {
  echo "skipped: $1"
  exit 77
}
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || skip "no Chromium"
command -v node >/dev/null || skip "no Node.js"
for name in mnist onnxruntime; do
  [ -d "build/data/$name" ] || skip "build/data/$name does not exist: run bash samples/fetch_data.sh $name"
done

rm -rf "$folder"
mkdir -p "$folder"
WENGERT_PROGRAMS=$1 bash samples/22_digit_page/run.sh --brief --port 0 --out "$folder/page" >"$folder/log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
wait_for_address "$server" "$folder/log"
grep '^test accuracy' "$folder/log" || true
node tests/samples/digit_page/drive.mjs "$browser" "$address" "$folder"
