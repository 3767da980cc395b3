#!/usr/bin/env bash
# The invariant campaign at length: scripts/campaign.sh [seed] [multiple]. More than a million random calls against the
# escrow, with both arbitrators, and against the court; `multiple` times as many when given. Prints the seed, so that a
# violation can be had again, and the number of calls. Fails when a law does, or when fewer calls were made.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh
scripts/setup.sh node
. scripts/forge.sh

seed=${1:-0x$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')}
multiple=${2:-1}
runs=$(FOUNDRY_PROFILE=deep "$forge" config --json | node -p 'JSON.parse(require("fs").readFileSync(0)).invariant.runs')
export FOUNDRY_PROFILE=deep FOUNDRY_INVARIANT_RUNS=$((runs * multiple)) FOUNDRY_INVARIANT_SHOW_METRICS=false
mkdir -p build
log=build/campaign.log

say "seed $seed, $FOUNDRY_INVARIANT_RUNS sequences of each suite"
started=$(date +%s)
code=0
"$forge" test --match-path 'tests/forge/invariant/*' --fuzz-seed "$seed" -vv 2>&1 | tee "$log" || code=$?

calls=$(grep -o ', calls: [0-9]*' "$log" | awk '{ sum += $3 } END { print sum + 0 }')
say "$calls calls in $(($(date +%s) - started)) seconds, seed $seed"
if [ "$code" = 0 ] && [ "$calls" -lt $((1000000 * multiple)) ]; then
  missing "Fewer calls were made than a campaign has." "The suites that ran are in $log."
  code=1
fi
exit "$code"
