#!/usr/bin/env bash
# Everything that `make test` proves, in the sequence in which a fault is found soonest. The last line
# counts the tests of all runners.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export PATH="$CARGO_TARGET_DIR/tools/bin:$PATH"
# The tensors' library waits busily for its threads.
export CANDLE_NUM_THREADS=1
log=$(mktemp)

finish() {
  local status=$?
  scripts/postgres-test.sh stop >/dev/null 2>&1 || true
  read -r passed failed < <(awk '
    # cargo: "test result: ok. 12 passed; 0 failed; …"; node: "ℹ pass 12" or "# pass 12".
    /^test result: / { passed += $4; failed += $6 }
    /^(ℹ|#) pass / { passed += $3 }
    /^(ℹ|#) fail / { failed += $3 }
    END { print passed + 0, failed + 0 }' "$log")
  rm -f "$log"
  if ((status != 0)) && ((failed == 0)); then echo "make test stopped at the step above"; fi
  echo "$passed passed, $failed failed"
  exit "$status"
}
trap finish EXIT

step() {
  echo "· $1"
  shift
  "$@" 2>&1 | tee -a "$log"
}

everywhere=(--workspace --exclude footfall-edge-spin --exclude footfall-edge-cloudflare)
wasm=(-p footfall-shared -p footfall-edge -p footfall-edge-spin)

step "format" cargo fmt --all --check
step "lints, native" cargo clippy --quiet "${everywhere[@]}" --features footfall/edge-host --all-targets -- -D warnings
step "lints, wasm" cargo clippy --quiet "${wasm[@]}" --target wasm32-wasip2 -- -D warnings
step "lints, wasm, with a policy" cargo clippy --quiet -p footfall-edge-spin --features policy --target wasm32-wasip2 -- -D warnings
step "lints, Worker" cargo clippy --quiet -p footfall-edge-cloudflare --features testing --target wasm32-unknown-unknown -- -D warnings
step "licences, bans and sources" cargo deny --log-level error check bans licenses sources
step "types of the tracker" npm --prefix edge/tracker run --silent typecheck
step "rules and edge core" cargo test --quiet -p footfall-shared -p footfall-edge
# In release, like the binary: an unoptimized compiler would take minutes over each component.
step "embedded host" cargo test --quiet --release -p footfall-edge-host
FOOTFALL_TEST_POSTGRES=$(scripts/postgres-test.sh start)
export FOOTFALL_TEST_POSTGRES
step "origin, on SQLite and PostgreSQL" cargo test --quiet -p footfall
step "tracker, in Chromium" npm --prefix edge/tracker test --silent
step "the Worker, on workerd" npm --prefix edge/cloudflare test --silent
step "end to end" cargo test --quiet -p footfall-e2e
step "end to end, the component on V8" env FOOTFALL_E2E_EDGE=jco cargo test --quiet -p footfall-e2e
step "end to end, on workerd" env FOOTFALL_E2E_EDGE=workerd cargo test --quiet -p footfall-e2e
step "types of the browser tests" npm --prefix tests/browser run --silent typecheck
step "a Segment SDK and the demo shop in Chromium" npm --prefix tests/browser test --silent
