#!/usr/bin/env bash
# Installs what builds the Worker, from the crates registry, under the cargo target.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The command line of wasm-bindgen must be of the very version that Cargo.toml pins.
versions=(wasm-bindgen:wasm-bindgen-cli:0.2.129 worker-build:worker-build:0.8.7)

for entry in "${versions[@]}"; do
  IFS=: read -r binary package version <<<"$entry"
  installed=$CARGO_TARGET_DIR/tools/bin/$binary
  if [[ -x $installed && $("$installed" --version) == *"$version"* ]]; then continue; fi
  # worker-build downloads by OpenSSL.
  pkg-config --exists openssl 2>/dev/null || scripts/apt-install.sh pkg-config libssl-dev
  echo "· installing $package $version (some minutes)"
  cargo install --quiet --locked --force --root "$CARGO_TARGET_DIR/tools" "$package" --version "$version"
done
