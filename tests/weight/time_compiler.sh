#!/usr/bin/env bash
# Compiler launcher that appends the processor time and the output file of a compilation to $WEIGHT_LOG:
#   time_compiler.sh COMPILER ARGUMENTS...
TIMEFORMAT='%U %S'
exec 3>&1 4>&2
seconds=$({ time "$@" 1>&3 2>&4; } 2>&1)
status=$?
output=
previous=
for argument in "$@"; do
  [ "$previous" = -o ] && output=$argument
  previous=$argument
done
echo "$seconds $output" >>"$WEIGHT_LOG"
exit "$status"
