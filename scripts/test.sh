#!/usr/bin/env bash
# Every check and every test. All of them run, also when one fails; what failed ends the output.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

scripts/setup.sh
lane=
trap '[ -z "$lane" ] || kill -- -"$lane" 2>/dev/null; scripts/docker.sh stop $$ >/dev/null' EXIT
scripts/docker.sh start $$
. scripts/forge.sh
export PATH=$PWD/.venv/bin:$PWD/node_modules/.bin:$PATH SOLCX_BINARY_PATH=$PWD/build/solcx
results=build/tests
rm -rf "$results" && mkdir -p "$results"

part() {
  local name=$1
  shift
  say "$name"
  "$@" || { echo "$name" >>"$results/failed" && missing "$name failed." "The output above says why; on its own: $*"; }
}

# Each keeps what failed for itself, to be told again at the end.
tests() {
  local name=$1
  shift
  part "$name" python -m pytest --durations=25 -o cache_dir="$results/${1##*/}" "$@"
}

# A test that must fail: forge has to say so, and to exit with an error.
forge_canary() {
  local output
  output=$(FOUNDRY_PROFILE=canary "$forge" test 2>&1) && return 1
  grep -q "FAIL.*test_this_test_fails" <<<"$output"
}

# What mostly reads, compiles or waits goes side by side, and takes half the time.
beside() {
  part "checks" scripts/check.sh
  part "a failing forge test fails its command" forge_canary
  part "forge tests, and gas as in snapshots/gas.json" env FORGE_SNAPSHOT_CHECK=true "$forge" test
  part "the contracts, read by analysers" scripts/audit.sh
  tests "unit tests, what the parties share, and the command line" \
    tests/unit tests/integration/chain tests/integration/cli
}

set -m # a group of its own, to be ended as one
beside >"$results/beside.log" 2>&1 &
lane=$!
set +m
part "the API, sent whatever it allows and does not" scripts/fuzz_api.sh
# On Ganache, in twice the time: scripts/brownie.sh test tests/contracts --network ganache-cli
part "brownie tests" scripts/brownie.sh test tests/contracts --network development
crash_points=tests/integration/scheduler/test_crash_points.py
tests "the scheduler, with real services" tests/integration/scheduler --ignore=$crash_points
wait $lane || echo "what ran beside it" >>"$results/failed"
lane=
cat "$results/beside.log"
# What measures, or takes all of the machine, goes alone.
tests "the agent, crash points, everything as processes, and the pages" \
  tests/integration/agent $crash_points tests/e2e tests/browser
[ -e "$results/failed" ] || exit 0
missing "Failed:" "$(paste -sd ';' "$results/failed")"
cat "$results"/*/v/cache/lastfailed 2>/dev/null || true
exit 1
