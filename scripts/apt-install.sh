#!/usr/bin/env bash
# Installs Debian packages where that is possible, and says what to install where it is not.
set -euo pipefail

if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
  echo "Please install: $* (as root: apt-get install $*)" >&2
  exit 1
fi
echo "· installing $*"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
