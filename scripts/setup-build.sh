#!/usr/bin/env bash
# What a build needs besides rustup, node and make: a C compiler (SQLite, linking) and the wasm targets.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v cc >/dev/null || scripts/apt-install.sh gcc libc6-dev

major=$(node -p 'process.versions.node.split(".")[0]')
if ((major < 20)); then
  echo "Please install Node 20 or newer; this is $(node --version)" >&2
  exit 1
fi

installed=$(rustup target list --installed)
for target in wasm32-wasip2 wasm32-unknown-unknown; do
  grep -qx "$target" <<<"$installed" || rustup target add "$target"
done
