#!/usr/bin/env bash
# Builds the Worker into a folder beside this file, without a download: `make edge-cloudflare` installs the tools.
#
#   edge/cloudflare/build.sh [build | build-testing]
#
# build-testing has the routes of the tests (src/testing.rs) and is never deployed. With a nightly toolchain that
# has its library's source, a panic ends its own request only, and else all that the isolate has in flight
# (docs/decisions/010): FOOTFALL_WORKER_PANIC=unwind or =abort says which, instead of looking for one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
: "${CARGO_TARGET_DIR:?is set by make: run make edge-cloudflare}"

out=${1:-build}
features=()
if [[ $out == build-testing ]]; then features=(--features testing); fi

panic=${FOOTFALL_WORKER_PANIC:-abort}
nightly=$(rustup component list --toolchain nightly --installed 2>/dev/null || true)
if [[ -z ${FOOTFALL_WORKER_PANIC:-} && $nightly == *rust-src* && $nightly == *rust-std-wasm32-unknown-unknown* ]]; then
  panic=unwind
fi
unwind=()
if [[ $panic == unwind ]]; then
  unwind=(--panic-unwind)
  export CARGO_PROFILE_RELEASE_WORKER_PANIC=unwind
fi

tools=$CARGO_TARGET_DIR/tools/bin
esbuild=$(compgen -G "$PWD/node_modules/@esbuild/*/bin/esbuild" | head -n 1)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
WASM_BINDGEN_BIN=$tools/wasm-bindgen WASM_OPT_BIN=$PWD/node_modules/.bin/wasm-opt ESBUILD_BIN=$esbuild \
  "$tools/worker-build" "${unwind[@]}" --profile release-worker --out-dir "$out" -- "${features[@]}" >"$log" 2>&1 || {
  cat "$log"
  exit 1
}

# For the test that looks what else a panic ends.
echo "$panic" >"$out/panic.txt"

# What Cloudflare counts: everything that is uploaded, gzipped.
bytes=$(cat "$out/index.js" "$out/index_bg.wasm" | gzip -9 | wc -c)
bytes_max=$((1024 * 1024))
echo "edge Worker: $((bytes / 1024)) KiB gzipped, at most $((bytes_max / 1024)) KiB; a panic will $panic"
if ((bytes > bytes_max)); then
  echo "the edge Worker is too large" >&2
  exit 1
fi
