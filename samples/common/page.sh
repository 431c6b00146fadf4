# Functions for pages that run networks in the browser; sourced by the samples' scripts from the root of the repository.

# make_page SAMPLE FOLDER copies the page of a sample, and ONNX Runtime, which it fetches, to the folder.
make_page() {
  bash samples/fetch_data.sh onnxruntime
  mkdir -p "$2/onnxruntime"
  cp "samples/$1/page/"* "$2/"
  cp build/data/onnxruntime/* "$2/onnxruntime/"
}

# serve FOLDER PORT serves a folder on this machine, in place of the script.
serve() { exec python3 -u -m http.server "$2" --bind 127.0.0.1 --directory "$1"; }
