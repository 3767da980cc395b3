#!/usr/bin/env bash
# Every check and every test. All of them run, also when one fails; pytest's summary ends the output.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

scripts/setup.sh
lane=
trap '[ -z "$lane" ] || kill -- -"$lane" 2>/dev/null; scripts/docker.sh stop $$ >/dev/null' EXIT
scripts/docker.sh start $$
. scripts/forge.sh
export PATH=$PWD/.venv/bin:$PWD/node_modules/.bin:$PATH SOLCX_BINARY_PATH=$PWD/build/solcx
failed=()

part() {
  local name=$1
  shift
  say "$name"
  "$@" || { failed+=("$name") && missing "$name failed." "The output above says why; on its own: $*"; }
}

# A test that must fail: forge has to say so, and to exit with an error.
forge_canary() {
  local output
  output=$(FOUNDRY_PROFILE=canary "$forge" test 2>&1) && return 1
  grep -q "FAIL.*test_this_test_fails" <<<"$output"
}

# What reads and compiles, beside what has servers of its own: together they take half the time.
reading() {
  part "checks" scripts/check.sh
  part "a failing forge test fails its command" forge_canary
  part "forge tests, and gas as in snapshots/gas.json" env FORGE_SNAPSHOT_CHECK=true "$forge" test
  part "the contracts, read by analysers" scripts/audit.sh
  printf '%s\n' "${failed[@]}" >build/reading.failed
}

rm -f build/reading.failed
set -m # a group of its own, to be ended as one
reading >build/reading.log 2>&1 &
lane=$!
set +m
part "the API, sent whatever it allows and does not" scripts/fuzz_api.sh
# On Ganache, in twice the time: scripts/brownie.sh test tests/contracts --network ganache-cli
part "brownie tests" scripts/brownie.sh test tests/contracts --network development
wait $lane || failed+=("what is read and compiled")
lane=
cat build/reading.log
mapfile -t -O "${#failed[@]}" failed < <(grep . build/reading.failed || true)
[ ${#failed[@]} = 0 ] || missing "Failed so far: $(printf '%s; ' "${failed[@]}")" "The rest runs all the same."
say "unit, integration and end-to-end tests"
code=0
python -m pytest "$@" || code=$?
[ ${#failed[@]} = 0 ] || code=1
exit "$code"
