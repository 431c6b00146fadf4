#!/usr/bin/env bash
# Runs sample programs as users do: samples_test.sh FOLDER-OF-PROGRAMS FOLDER-OF-DATA mlp|descent|arguments
set -uo pipefail
bin=$1
data=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

check() {  # check WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then echo "ok: $what"; else echo "FAILED: $what"; failed=1; fi
}

# refused WHAT TEXT STATUS ARGUMENTS... checks that 01_mlp exits with the status and prints one error line with the text.
refused() {
  local what=$1 text=$2 status=$3 said=0
  shift 3
  "$bin/01_mlp" --data-folder "$data" "$@" >"$work/out" 2>"$work/err" || said=$?
  if [ "$said" -eq "$status" ] && [ "$(wc -l <"$work/err")" -eq 1 ] && grep -qF -- "$text" "$work/err" && [ ! -s "$work/out" ]; then
    echo "ok: refused: $what"
  else
    echo "FAILED: refused: $what (status $said)"
    cat "$work/out" "$work/err"
    failed=1
  fi
}

accuracy() { sed -n 's/^test accuracy: \([0-9.]*\)%$/\1/p'; }
at_least() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a >= b) }'; }

mlp() {
  local digits="--data digits --data-folder $data" reached
  # shellcheck disable=SC2086
  reached=$("$bin/01_mlp" $digits --epochs 40 --weights "$work/a.npz" --curve "$work/a.csv" --quiet)
  check "the last line is the accuracy: $reached" at_least "$(echo "$reached" | accuracy)" 95
  check "one line a epoch in the curve" [ "$(wc -l <"$work/a.csv")" -eq 41 ]
  # shellcheck disable=SC2086
  "$bin/01_mlp" $digits --epochs 40 --weights "$work/b.npz" --curve "$work/b.csv" >"$work/log" 2>"$work/lines"
  check "a seed gives the same weights bit for bit" cmp "$work/a.npz" "$work/b.npz"
  check "and the same losses" diff <(cut -d, -f3 --complement "$work/a.csv") <(cut -d, -f3 --complement "$work/b.csv")
  check "all but the time is compared" [ "$(head -n 1 "$work/a.csv" | cut -d, -f3)" = seconds ]
  check "no progress bar where output is piped" bash -c "! grep -q \$'\r' '$work/log' '$work/lines'"
  check "a line an epoch while it runs" [ "$(grep -c '^epoch [0-9]*/40 ' "$work/lines")" -eq 40 ]
  check "a table of the epochs" [ "$(grep -cE '^ +[0-9]+ +[0-9.]+ +[0-9.]+ +[0-9.]+% +[0-9.]+$' "$work/log")" -eq 40 ]
  check "a confusion matrix at the end" grep -q "confusion matrix" "$work/log"
  # shellcheck disable=SC2086
  "$bin/01_mlp" $digits --epochs 40 --seed 2 --weights "$work/c.npz" --quiet >/dev/null
  check "another seed gives other weights" bash -c "! cmp -s '$work/a.npz' '$work/c.npz'"
  # shellcheck disable=SC2086
  check "least squares learns" at_least "$("$bin/01_mlp" $digits --epochs 40 --cost least-squares --rate 2 --quiet | accuracy)" 93
  # shellcheck disable=SC2086
  check "stochastic descent learns" at_least "$("$bin/01_mlp" $digits --epochs 5 --method stochastic --rate 0.1 --quiet | accuracy)" 93
  # shellcheck disable=SC2086
  check "full-batch descent learns" at_least "$("$bin/01_mlp" $digits --epochs 300 --method full --rate 2 --quiet | accuracy)" 90
  # shellcheck disable=SC2086
  check "two hidden layers, relu, binary loss" at_least "$("$bin/01_mlp" $digits --hidden 32,16 --activation relu --cost binary --rate 0.1 --epochs 30 --quiet | accuracy)" 93
  check "--help explains" bash -c "'$bin/01_mlp' --help | grep -q 'learning rate'"

  printf 'a,b,kind\n' >"$work/table.csv"
  for i in $(seq 50); do echo "$i,1,0"; echo "-$i,2,1"; done >>"$work/table.csv"
  check "a user's CSV file" at_least "$("$bin/01_mlp" --data csv --csv "$work/table.csv" --scale 0.1 --hidden 4 --epochs 30 --quiet | accuracy)" 90
  printf '\0\0\10\3\0\0\0\2\0\0\0\1\0\0\0\2\1\2\3\4' >"$work/images"
  printf '\0\0\10\1\0\0\0\2\0\1' >"$work/labels"
  check "a user's IDX files" at_least "$("$bin/01_mlp" --data idx --images "$work/images" --labels "$work/labels" --test-images "$work/images" --test-labels "$work/labels" --hidden 0 --epochs 500 --quiet | accuracy)" 50

  local interrupted=0
  touch "$work/i.npz.partial"  # a leftover of a killed run
  : >"$work/err"
  set -m  # otherwise background processes ignore SIGINT
  # shellcheck disable=SC2086
  "$bin/01_mlp" $digits --epochs 1000000 --weights "$work/i.npz" >"$work/out" 2>"$work/err" &
  set +m
  for _ in $(seq 600); do [ "$(wc -l <"$work/err")" -lt 3 ] || break; sleep 0.1; done  # waits for the third epoch
  kill -INT %%
  wait %% || interrupted=$?
  check "Ctrl-C ends the training" [ "$interrupted" -eq 130 ]
  check "what was trained is saved" [ -s "$work/i.npz" -a "$(accuracy <"$work/out")" != "" ]
  # shellcheck disable=SC2086
  check "--seconds ends the training" at_least "$(timeout 30 "$bin/01_mlp" $digits --epochs 1000000 --seconds 4 --quiet | accuracy)" 90

  refused "an unknown option" "--nonsense" 2 --nonsense
  refused "a negative rate" "--rate" 2 --rate -1
  refused "no epochs" "--epochs" 2 --epochs 0
  refused "an unknown data set" "--data" 2 --data letters
  refused "an empty layer" "--hidden" 2 --hidden 16,0
  refused "csv without a file" "needs --csv" 2 --data csv
  refused "a folder without data" "samples/fetch_data.sh mnist" 1 --data mnist --data-folder "$work"
  refused "a missing file" "no such file" 1 --data csv --csv "$work/none.csv"
  refused "a folder for the weights that is not there" "there is no folder" 1 --data digits --weights "$work/none/w.npz"
  head -c 15 "$work/images" >"$work/short"
  refused "a truncated file" "ends within its header" 1 --data idx --images "$work/short" --labels "$work/labels"
  head -c 19 "$work/images" >"$work/short"
  refused "missing pixels" "claims 4 elements, but it holds 3" 1 --data idx --images "$work/short" --labels "$work/labels"
  printf '\0\0\10\1\0\0\0\3\0\1\1' >"$work/three"
  refused "labels of another number" "3 labels for the 2 samples" 1 --data idx --images "$work/images" --labels "$work/three"
  printf '1,2,0\n3,,1\n' >"$work/bad.csv"
  refused "a missing value" "bad.csv:2: column 2: the value is missing" 1 --data csv --csv "$work/bad.csv"
  printf '1,2,0\n3,x,1\n' >"$work/bad.csv"
  refused "a word for a number" "bad.csv:2: column 2: 'x' is not a number" 1 --data csv --csv "$work/bad.csv"
  refused "a rate that diverges" "the training diverged; a smaller --rate may help" 1 --data digits --rate 1e30 --activation relu --quiet --weights "$work/diverged.npz"
  check "nothing half-written is left" bash -c "! ls '$work' | grep -E 'partial|diverged'"
}

# The stochastic loss falls faster than the mini-batch loss at first, and the full-batch loss falls slowest. The stochastic
# curve fluctuates; the full-batch curve falls monotonically.
descent() {
  "$bin/02_descent" --data digits --data-folder "$data" --epochs 20 --curves "$work/curves.csv" >"$work/log"
  check "three methods" [ "$(cut -d, -f1 "$work/curves.csv" | sort -u | grep -vc method)" -eq 3 ]
  loss_at() { awk -F, -v m="$1" -v e="$2" '$1 == m && $2 <= e { c = $4 } END { print c == "" ? 2.303 : c }' "$work/curves.csv"; }
  rises() { awk -F, -v m="$1" '$1 == m { if (n++ && $4 > c) r++; c = $4 } END { print r / n }' "$work/curves.csv"; }
  less() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a < b) }'; }
  check "stochastic falls first: $(loss_at stochastic 0.3) < $(loss_at mini-batch 0.3)" less "$(loss_at stochastic 0.3)" "$(loss_at mini-batch 0.3)"
  check "mini-batch before full: $(loss_at mini-batch 1) < $(loss_at full 1)" less "$(loss_at mini-batch 1)" "$(loss_at full 1)"
  check "full falls slowest: $(loss_at mini-batch 20) < $(loss_at full 20)" less "$(loss_at mini-batch 20)" "$(loss_at full 20)"
  check "stochastic fluctuates: $(rises stochastic) > $(rises mini-batch)" less "$(rises mini-batch)" "$(rises stochastic)"
  check "full falls smoothly" [ "$(rises full)" = 0 ]
}

# ends_with STATUS TEXT PROGRAM ARGUMENTS... runs a program in a folder without data; checks its status and one error line.
ends_with() {
  local status=$1 text=$2 program=$3 said=0
  shift 3
  (cd "$work" && "$bin/$program" "$@") >"$work/out" 2>"$work/err" || said=$?
  check "$program $*: $text" [ "$said" -eq "$status" -a ! -s "$work/out" -a "$(grep -cF -- "$text" "$work/err")" -eq 1 -a "$(wc -l <"$work/err")" -eq 1 ]
}

# Samples 07 to 22 exit at once on unknown arguments and missing files.
arguments() {
  local program
  for program in 07_custom_network 09_mnist_cnn 10_fashion 11_char_lstm 12_addition 13_heat_equation 15_meta_learning 16_vae 19_two_inputs 20_sequences 21_finetune; do
    ends_with 2 "[--brief]" "$program" --bref
    check "$program --help" bash -c "'$bin/$program' --help | grep -q '^usage: '"
  done
  ends_with 2 "[--brief]" 13_heat_equation --brief file
  for program in 09_mnist_cnn:mnist 10_fashion:fashion 11_char_lstm:constitution 17_breast_cancer:breast_cancer 18_tables:tables 19_two_inputs:digits 20_sequences:declaration 21_finetune:mnist; do
    ends_with 1 "bash samples/fetch_data.sh ${program#*:}" "${program%:*}"
  done
  if [ -x "$bin/22_digit_page" ]; then  # built with the component onnx
    ends_with 2 "--help lists the arguments" 22_digit_page --bref
    ends_with 1 "bash samples/fetch_data.sh mnist" 22_digit_page
  fi
  ends_with 1 "bash samples/fetch_data.sh digits" 16_vae --brief vae.pgm
  ends_with 1 "there is no folder" 16_vae --brief none/vae.pgm
  ends_with 1 "none.txt: cannot be read" 11_char_lstm --brief none.txt
  : >"$work/empty.txt"
  ends_with 1 "too short" 11_char_lstm empty.txt
}

"$3"
exit "$failed"
