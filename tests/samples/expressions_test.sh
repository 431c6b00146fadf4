#!/usr/bin/env bash
# Runs 23_expressions on the portrait of an astronaut and on files that are not what it expects:
# expressions_test.sh PROGRAM FOLDER
# Writes to FOLDER. Exits with 77 (skipped) if data are missing.
set -uo pipefail
cd "$(dirname "$0")/../.."
program=$1
folder=$2
portrait=build/data/astronaut/astronaut.png
for name in expression_weights astronaut; do
  [ -d "build/data/$name" ] || { echo "skipped: build/data/$name does not exist: run bash samples/fetch_data.sh $name"; exit 77; }
done
rm -rf "$folder"
mkdir -p "$folder"
failed=0

# ends_with STATUS TEXT ARGUMENTS... runs the program, which must exit with the status and print the text.
ends_with() {
  local status=$1 text=$2 got
  shift 2
  got=$("$program" "$@" 2>&1 </dev/null)
  local actual=$?
  if [ "$actual" -ne "$status" ] || ! grep -qF -- "$text" <<<"$got"; then
    printf '%s\nFAILED: %s: status %s, expected %s and "%s"\n' "$got" "$*" "$actual" "$status" "$text"
    failed=1
  fi
}

ends_with 0 "1: happy (" "$portrait"
ends_with 0 "Photographs are judged by weights that others trained on photographs" "$portrait"
ends_with 0 "written: $folder/out/astronaut_face1_explained.png" "$portrait" --out "$folder/out" --explain
for name in astronaut_annotated astronaut_face1_explained; do
  file "$folder/out/$name.png" | grep -q 'PNG image data' || { echo "FAILED: $name.png is no PNG file"; failed=1; }
done
"$program" "$portrait" --json >"$folder/faces.json" && python3 - "$folder/faces.json" <<'PYTHON' || failed=1
import json, sys
document = json.load(open(sys.argv[1]))
(picture,) = document["pictures"]
(face,) = picture["faces"]
p = face["probabilities"]
assert face["expression"] == "happy" == max(p, key=p.get), p
assert len(p) == 7 and abs(sum(p.values()) - 1) < 1e-5, p
box = face["box"]
assert box["x"] < 200 < 250 < box["x"] + box["width"] and box["y"] < 100 < 140 < box["y"] + box["height"], box
PYTHON

ends_with 1 "no-such.png" no-such.png
printf 'text' >"$folder/text.png"
ends_with 1 "is neither a PNG nor a JPEG image" "$folder/text.png"
head -c 20000 "$portrait" >"$folder/cut.png"
ends_with 1 "$folder/cut.png" "$folder/cut.png"
# A picture without a face; others are judged nevertheless.
cp docs/images/vae.png "$folder/none.png"
ends_with 3 "$folder/none.png: no face was found" "$folder/none.png"
ends_with 3 "1: happy (" "$folder/none.png" "$portrait"
# One bad picture does not take away the others.
ends_with 1 "1: happy (" "$folder/text.png" no-such.png "$portrait"
ends_with 1 "error: $folder/text.png: " "$folder/none.png" "$folder/text.png" "$portrait"
# A name that is not UTF-8 is no obstacle.
odd=$folder/$(printf 'odd\377\376.png')
cp "$portrait" "$odd"
ends_with 0 "1: happy (" "$odd"
"$program" "$folder/text.png" "$odd" "$folder/none.png" "$folder/cut.png" "$portrait" --json --out "$folder/several" \
  >"$folder/several.json" 2>"$folder/several.txt"
actual=$?
[ "$actual" -eq 1 ] || { echo "FAILED: status $actual with bad pictures among good ones, expected 1"; failed=1; }
[ "$(grep -c '^error: ' "$folder/several.txt")" -eq 2 ] || { echo "FAILED: expected two errors"; cat "$folder/several.txt"; failed=1; }
python3 - "$folder/several.json" <<'PYTHON' || failed=1
import json, os, sys
text, odd, none, cut, portrait = json.load(open(sys.argv[1], encoding="utf-8"))["pictures"]
for bad in text, cut:
    assert os.path.basename(bad["file"]) in bad["error"] and "faces" not in bad and bad["written"] == [], bad
assert odd["file"].endswith("odd\ufffd\ufffd.png") and odd["faces"] == portrait["faces"] and "error" not in odd, odd
assert none["faces"] == [] and portrait["faces"][0]["expression"] == "happy"
assert all(os.path.exists(name) for picture in (none, portrait) for name in picture["written"] or [""])
PYTHON
# An output that cannot be written is an error.
for arguments in "" --json; do
  "$program" "$portrait" $arguments 2>"$folder/full.txt" >/dev/full
  actual=$?
  "$program" "$portrait" $arguments 2>"$folder/closed.txt" >&-
  [ "$actual $?" = "1 1" ] && grep -q "^error: " "$folder/full.txt" && grep -q "^error: " "$folder/closed.txt" ||
    { echo "FAILED: an output that cannot be written is no error ($arguments)"; failed=1; }
done
mkdir -p "$folder/blocked/astronaut_annotated.png"
ends_with 1 "1: happy (" "$portrait" --out "$folder/blocked"
ends_with 1 "astronaut_annotated.png" "$portrait" --out "$folder/blocked"

# Nothing is written over another file of the same run, nor over a picture.
mkdir -p "$folder/a" "$folder/b"
cp "$portrait" "$folder/a/x.png"
cp "$portrait" "$folder/b/x.png"
ends_with 1 "$folder/a/x.png and $folder/b/x.png would both be written to $folder/same/x_annotated.png" \
  "$folder/a/x.png" "$folder/b/x.png" --out "$folder/same"
ends_with 1 "would both be written" "$folder/a/x.png" "$folder/a/x.png" --out "$folder/same"
[ ! -e "$folder/same" ] || { echo "FAILED: pictures of one name are refused too late"; failed=1; }
ends_with 0 "$folder/b/x.png: 1 face" "$folder/a/x.png" "$folder/b/x.png"  # without --out, nothing is in the way
for name in x_annotated x_face1_explained; do
  cp "$portrait" "$folder/b/$name.png"
  ends_with 1 "$folder/b/$name.png would be replaced by what is written for $folder/a/x.png" \
    "$folder/b/$name.png" "$folder/a/x.png" --out "$folder/a/../b" --explain
  cmp -s "$portrait" "$folder/b/$name.png" || { echo "FAILED: $name.png was overwritten"; failed=1; }
done
ln -s ../b/x_annotated.png "$folder/a/link.png"
ends_with 1 "$folder/a/link.png would be replaced" "$folder/a/link.png" "$folder/a/x.png" --out "$folder/b"
mkdir "$folder/c" && ln -s ../a/x.png "$folder/c/x_annotated.png"
ends_with 1 "$folder/a/x.png would be replaced" "$folder/a/x.png" --out "$folder/c"
ends_with 0 "written: $folder/b/x_annotated_annotated.png" "$folder/b/x_annotated.png" --out "$folder/b"

ends_with 1 "run bash samples/fetch_data.sh expression_weights" "$portrait" --data-folder "$folder"
# Weights with a number that is none: mini_xception.safetensors, with its last float replaced.
mkdir -p "$folder/data/expression_weights"
{ head -c -4 build/data/expression_weights/mini_xception.safetensors; printf '\000\000\300\177'; } \
  >"$folder/data/expression_weights/mini_xception.safetensors"
ends_with 1 "a probability is not a finite number" "$portrait" --data-folder "$folder/data"
ends_with 1 "cannot be read" --data "$folder/no-such.csv"
ends_with 1 "line 1: 'text': expected the header emotion,pixels,Usage" --data "$folder/text.png"
# Made-up rows, one of each usage, are trained on: that the program runs through, and nothing about photographs.
python3 - >"$folder/fer2013.csv" <<'PYTHON'
print("emotion,pixels,Usage")
for label, grey, usage in ((3, 40, "Training"), (6, 120, "PublicTest"), (0, 7, "PrivateTest")):
    print(label, " ".join(str((i * grey) % 256) for i in range(48 * 48)), usage, sep=",")
PYTHON
ends_with 0 "trained here: " --data "$folder/fer2013.csv" --out "$folder/fer2013"
[ -s "$folder/fer2013/report.html" ] && [ -s "$folder/fer2013/weights.npz" ] || { echo "FAILED: no run folder of --data"; failed=1; }
ends_with 2 "expected pictures, or one of --train, --finetune, --data and --onnx"
ends_with 2 "expected pictures, or one of" "$portrait" --train
ends_with 2 "--out" "$portrait" --explain
ends_with 2 "--smallest" "$portrait" --smallest 2
ends_with 1 "weights.npz does not exist: train with --train first" "$portrait" --drawings --run "$folder/no-run"

# The network for the page: in ONNX Runtime, it computes what TensorFlow.js computes.
if "$program" --onnx "$folder/faces.onnx" 2>&1 | grep -q "without the component onnx"; then
  echo "left out: the network as an ONNX file (the program was built without the component onnx)"
else
  grep -qF "angry,disgust,fear,happy,sad,surprise,neutral" "$folder/faces.onnx" || { echo "FAILED: no classes"; failed=1; }
  if command -v node >/dev/null 2>&1 && [ -d build/onnxruntime/node_modules/onnxruntime-node ]; then
    node tests/samples/expressions/run_onnx.mjs "$folder/faces.onnx" build/onnxruntime || failed=1
  else
    echo "left out: the ONNX file in ONNX Runtime (node or its runtime is missing: run bash tests/onnx/runtime/fetch.sh)"
  fi
fi
exit "$failed"
