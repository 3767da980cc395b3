#!/usr/bin/env bash
# Formats Python and Solidity, and mends what the linter can mend safely.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh python node
export PATH=$PWD/.venv/bin:$PWD/node_modules/.bin:$PATH
ruff check --quiet --fix-only
ruff format --quiet
if command -v forge >/dev/null; then forge fmt; fi
