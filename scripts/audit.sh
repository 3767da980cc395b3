#!/usr/bin/env bash
# Reads the contracts for known faults: solhint, and Slither in an environment of its own, since its dependencies do
# not fit beside the project's. What is left out, and why, stands in docs/audit.md. Fails on any finding.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

scripts/setup.sh python node
. scripts/forge.sh
own_venv audit Slither
failed=0
node_modules/.bin/solhint --disc --noPoster --max-warnings 0 'contracts/**/*.sol' || failed=1
PATH=$(dirname "$forge"):$PATH FOUNDRY_PROFILE=audit build/audit/bin/slither . >build/slither.log 2>&1 ||
  { cat build/slither.log && failed=1; }
[ "$failed" = 1 ] || say "solhint and Slither find nothing"
exit "$failed"
