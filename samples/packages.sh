# Installs missing Debian packages; sourced by the scripts.
#   need_packages NAME...   installs the packages that are missing, with sudo if needed.

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"
  elif command -v sudo >/dev/null 2>&1; then sudo "$@"
  else
    echo "error: '$*' needs root: run this script as root or install sudo" >&2
    return 1
  fi
}

need_packages() {
  local missing=() name
  for name in "$@"; do
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing+=("$name")
  done
  [ "${#missing[@]}" -eq 0 ] && return 0
  echo "== installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Packages required to build the library, the compiler included.
build_packages=(g++ cmake ninja-build pkg-config libxtensor-dev xtl-dev libfmt-dev libdnnl-dev libopenblas-dev
  liblapacke-dev libsleef-dev zlib1g-dev libzip-dev nlohmann-json3-dev)
sample_packages=(libcli11-dev gnuplot-nox)
# Further ones of 23_expressions; 24_expressions_live also needs libopencv-highgui-dev.
expressions_packages=(libpng-dev libjpeg62-turbo-dev libopencv-core-dev libopencv-imgproc-dev libopencv-objdetect-dev opencv-data)
