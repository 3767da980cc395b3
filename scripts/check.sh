#!/usr/bin/env bash
# Formatting, lint, types and import laws, and the front end's unit tests; all of them run, also when one fails.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

scripts/setup.sh python node frontend
export PATH=$PWD/.venv/bin:$PWD/node_modules/.bin:$PATH
failed=0
ruff format --check --quiet || { missing "Python files are not formatted." "Run: make fmt" && failed=1; }
ruff check --quiet || failed=1
mypy --no-error-summary || failed=1
PYTHONPATH=. lint-imports --no-cache >build/imports.log 2>&1 || { cat build/imports.log && failed=1; }
if have forge; then
  forge fmt --check >build/forge-fmt.log 2>&1 ||
    { missing "Solidity files are not formatted (build/forge-fmt.log)." "Run: make fmt" && failed=1; }
fi
scripts/frontend_types.sh --check || failed=1
npm --prefix frontend run --silent check || failed=1
npm --prefix frontend run --silent test || failed=1
[ "$failed" = 1 ] || say "formatting, lint, types and imports hold"
exit "$failed"
