#!/usr/bin/env bash
# Serves the page of 24_expressions_live and uses it in headless Chromium, whose camera shows a clip:
#   expressions_page_test.sh FOLDER-OF-PROGRAMS FOLDER-OF-TEST-PROGRAMS FOLDER
# Writes the page, the clip and screenshots to FOLDER. Exits with 77 (skipped) if Chromium, Node.js, ffmpeg, the
# weights, the photograph or ONNX Runtime is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/samples/server.sh
folder=$3
skip() {
  echo "skipped: $1"
  exit 77
}
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || skip "no Chromium"
for name in node ffmpeg; do
  command -v "$name" >/dev/null || skip "no $name"
done
for name in astronaut expression_weights onnxruntime; do
  [ -d "build/data/$name" ] || skip "build/data/$name does not exist: run bash samples/fetch_data.sh $name"
done

rm -rf "$folder"
mkdir -p "$folder"
WENGERT_PROGRAMS=$1 bash samples/24_expressions_live/page.sh --port 0 --out "$folder/page" >"$folder/log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
wait_for_address "$server" "$folder/log"
node tests/samples/expressions_page/drive.mjs "$browser" "$address" "$folder" build/data/astronaut/astronaut.png \
  "$2/expressions_answers"
