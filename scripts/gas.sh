#!/usr/bin/env bash
# What each step costs on-chain: forge's gas report of the contracts.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh node >&2
. scripts/forge.sh
exec "$forge" test --gas-report
