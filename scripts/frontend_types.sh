#!/usr/bin/env bash
# Writes frontend/generated from the compiled contracts and the scheduler's API; `--check` says whether it is up to date.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
export SOLCX_BINARY_PATH=${SOLCX_BINARY_PATH:-$PWD/build/solcx}
.venv/bin/python scripts/frontend_types.py "$made"
bin=frontend/node_modules/.bin
"$bin/openapi-typescript" "$made/openapi.json" --output "$made/api.ts" >/dev/null
rm "$made/openapi.json"
"$bin/prettier" --config frontend/.prettierrc.json --log-level warn --write "$made"
if [ "${1:-}" = --check ]; then
  diff -rq "$made" frontend/generated >/dev/null && exit
  missing "frontend/generated is not what the contracts and the API say." "Run: scripts/frontend_types.sh"
  exit 1
fi
mkdir -p frontend/generated
cp "$made"/*.ts frontend/generated/
