#!/usr/bin/env bash
# What each step costs on-chain, and the least it could: measures anew into snapshots/gas.json, prints the table.
# The last line is JSON.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh python node >&2
. scripts/forge.sh
"$forge" test --match-contract GasTest >&2
exec .venv/bin/python scripts/gas_table.py
