#!/usr/bin/env bash
# Builds the Worker into a folder beside this file, without a download: `make edge-cloudflare` installs the tools.
#
#   edge/cloudflare/build.sh [build | build-testing]
#
# build-testing has the routes of the tests (src/testing.rs) and is never deployed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
: "${CARGO_TARGET_DIR:?is set by make: run make edge-cloudflare}"

out=${1:-build}
features=()
if [[ $out == build-testing ]]; then features=(--features testing); fi

tools=$CARGO_TARGET_DIR/tools/bin
esbuild=$(compgen -G "$PWD/node_modules/@esbuild/*/bin/esbuild" | head -n 1)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
WASM_BINDGEN_BIN=$tools/wasm-bindgen WASM_OPT_BIN=$PWD/node_modules/.bin/wasm-opt ESBUILD_BIN=$esbuild \
  "$tools/worker-build" --profile release-worker --out-dir "$out" -- "${features[@]}" >"$log" 2>&1 || {
  cat "$log"
  exit 1
}

# What Cloudflare counts: everything that is uploaded, gzipped.
bytes=$(cat "$out/index.js" "$out/index_bg.wasm" | gzip -9 | wc -c)
bytes_max=$((1024 * 1024))
echo "edge Worker: $((bytes / 1024)) KiB gzipped, at most $((bytes_max / 1024)) KiB"
if ((bytes > bytes_max)); then
  echo "the edge Worker is too large" >&2
  exit 1
fi
