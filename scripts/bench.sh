#!/usr/bin/env bash
# Measures what the issues promise, and prints one table. `make bench` builds everything and calls this.
#
#   scripts/bench.sh [edge|worker|sqlite|postgres|journey|behavior-sqlite|behavior-postgres|analytics-sqlite|analytics-postgres|
#                     customers-sqlite|customers-postgres|funnel-sqlite|funnel-postgres|recommend]
#                    all figures but the last nine, which need Python's libraries or store a million sessions first, or
#                    those of one part
#
# FOOTFALL_BENCH_MINUTES (1) is how long touchpoints come, FOOTFALL_BENCH_RATE (1667) how many a second,
# FOOTFALL_BENCH_SESSIONS (1000000) how many sessions are analysed, FOOTFALL_BENCH_CUSTOMERS (1000000) how many customers
# are created.
#
# Nothing is written into the repository: the measured processes get directories of their own.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here"
: "${FOOTFALL_BIN:?is set by make: run make bench}"
: "${FOOTFALL_EDGE_COMPONENT:?is set by make: run make bench}"
target=${CARGO_TARGET_DIR:-$here/target}
export FOOTFALL_EDGE_WORKER=${FOOTFALL_EDGE_WORKER:-$here/edge/cloudflare/build}
FOOTFALL_WORKERD=$(compgen -G "$here/edge/cloudflare/node_modules/@cloudflare/workerd-*/bin/workerd" | head -n 1)
export FOOTFALL_WORKERD
part=${1:-}

echo "· building the benchmarks"
cargo build --quiet --release -p footfall-benches
(cd benches/reducer && cargo build --quiet --release --target wasm32-unknown-unknown --locked --target-dir "$target/reducer")
export FOOTFALL_REDUCER_WASM=$target/reducer/wasm32-unknown-unknown/release/reducer.wasm

if [[ -z $part || $part == *postgres ]]; then
  # One that syncs to disk: what is measured is durable intake.
  export FOOTFALL_POSTGRES_SYNC=on
  scripts/postgres-test.sh stop
  trap 'scripts/postgres-test.sh stop' EXIT
  FOOTFALL_BENCH_POSTGRES=$(scripts/postgres-test.sh start)
  export FOOTFALL_BENCH_POSTGRES
fi

if [[ $part == behavior-* ]]; then
  python=$target/bench-python
  [[ -x $python/bin/python ]] || python3 -m venv "$python"
  "$python/bin/pip" install --quiet --disable-pip-version-check --requirement benches/behavior/requirements.txt
  export FOOTFALL_BENCH_PYTHON=$python/bin/python
fi

# Beside Python's implicit, with the settings that its tuning found (benches/recommend/tuned.json).
if [[ $part == recommend ]]; then
  python=$target/bench-recommend
  [[ -x $python/bin/python ]] || python3 -m venv "$python"
  "$python/bin/pip" install --quiet --disable-pip-version-check --requirement benches/recommend/requirements.txt
  out=$(mktemp -d)
  "$python/bin/python" benches/recommend/implicit_reference.py "$here/../shared/data" "$out" >"$out/implicit.json"
  CANDLE_NUM_THREADS=1 cargo run --quiet --release -p footfall --example recommend "$out"
  exit
fi

echo "Figures of one run on $(nproc) cores, load and servers on the same ones, over HTTP on loopback."
"$target/release/footfall-benches" ${part:+"$part"}
