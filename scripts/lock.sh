#!/usr/bin/env bash
# Writes the locks of requirements.txt (to run) and requirements-dev.txt (all extras) anew from pyproject.toml, keeping
# the versions that still fit, and package-lock.json from package.json. With --upgrade: the newest that fit.
set -euo pipefail
cd "$(dirname "$0")/.."

tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
python3 -m venv "$tool"
"$tool/bin/pip" install -q uv
lock() {
  "$tool/bin/uv" pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-header "$@"
}
lock --all-extras -o requirements-dev.txt "$@"
cp requirements-dev.txt requirements.txt
lock -o requirements.txt
npm install --package-lock-only --ignore-scripts
if grep -q '"resolved"' package-lock.json; then
  echo "package-lock.json names where packages came from: use npm 9 or newer with this folder's .npmrc" >&2
  exit 1
fi
