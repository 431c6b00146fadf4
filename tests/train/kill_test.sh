#!/usr/bin/env bash
# Kills a training with SIGKILL at 50 random moments, resumes it each time, and compares the results: kill_test.sh PROGRAM
# The final files must equal those of an uninterrupted training, byte by byte.
set -euo pipefail
program=$1
kills=50
work=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)  # in memory, so that the disk does not matter
trap 'rm -rf "$work"' EXIT

begin=$(date +%s%N)
"$program" "$work/whole"
milliseconds=$((($(date +%s%N) - begin) / 1000000 + 1))

# Runs the training to its end and compares its files, without the column of times. Checkpoints must always be valid.
compare() {
  "$program" "$work/killed"
  cmp "$work/whole/weights.npz" "$work/killed/weights.npz"
  diff <(cut -d, -f1-2,4- "$work/whole/history.csv") <(cut -d, -f1-2,4- "$work/killed/history.csv")
  rm -rf "$work/killed"
}

done_kills=0
completed=0
moved_on=0  # kills that left a new checkpoint
before=none
seed=${KILL_SEED:-$RANDOM}
echo "seed $seed"
RANDOM=$seed
while [ "$done_kills" -lt "$kills" ]; do
  "$program" "$work/killed" &
  child=$!
  moment=$((RANDOM % milliseconds))
  sleep "$((moment / 1000)).$(printf '%03d' $((moment % 1000)))"
  if kill -KILL "$child" 2>/dev/null; then done_kills=$((done_kills + 1)); fi
  status=0
  wait "$child" 2>/dev/null || status=$?
  case $status in
    137)
      after=$(cksum "$work/killed/checkpoint" 2>/dev/null || echo none)
      if [ "$after" != "$before" ]; then moved_on=$((moved_on + 1)); fi
      before=$after
      ;;
    0)
      compare
      completed=$((completed + 1))
      ;;
    *)
      echo "FAILED: a resumed training ended with status $status"
      exit 1
      ;;
  esac
done
compare
echo "killed $done_kills times, $moved_on of them after a new checkpoint; $((completed + 1)) trainings ended alike"
[ "$moved_on" -ge 10 ] || { echo "FAILED: the training hardly went on between the kills"; exit 1; }
