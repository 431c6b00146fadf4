# Functions for tests with a web server; sourced.

# wait_for_address PROCESS LOG waits until Python's server has written its address to the log, and sets `address`. Fails
# if the process ends before.
wait_for_address() {
  address=
  while [ -z "$address" ]; do
    kill -0 "$1" 2>/dev/null || { cat "$2"; echo "FAILED: the server has ended"; return 1; }
    sleep 0.2
    address=$(sed -n 's/^Serving HTTP on .*(\(http:[^)]*\)).*/\1/p' "$2")
  done
}
