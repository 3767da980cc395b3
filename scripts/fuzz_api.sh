#!/usr/bin/env bash
# Sends whatever its OpenAPI description allows, and what it does not, to a real scheduler: no server error, and no answer
# that is not described. Schemathesis has an environment of its own, since its dependencies do not fit beside the
# project's. FUZZ_SEED replays a run; FUZZ_S is for how many seconds each of two runs goes on (30).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

scripts/setup.sh python node
own_venv fuzz Schemathesis

export SOLCX_BINARY_PATH=$PWD/build/solcx
coproc market { PATH=$PWD/.venv/bin:$PWD/node_modules/.bin:$PATH exec python -m tests.fuzz_market 2>build/fuzz-market.log; }
market_pid=$!
trap 'kill "$market_pid" 2>/dev/null || true; wait "$market_pid" 2>/dev/null || true' EXIT
read -r ready <&"${market[0]}" || { cat build/fuzz-market.log >&2 && exit 1; }
value() { .venv/bin/python -c 'import json, sys; print(json.loads(sys.argv[1])[sys.argv[2]])' "$ready" "$1"; }
url=$(value url) token=$(value token) job=$(value job_id)
seed=${FUZZ_SEED:-$RANDOM}
say "seed $seed"
about_it=build/fuzz/about_one_job.toml
{ cat scripts/fuzz_api.toml && printf '\n[parameters]\n"path.job_id" = "%s"\n' "$job"; } >"$about_it"
failed=0
fuzz() {
  say "the API, $1"
  local settings=$2
  shift 2
  build/fuzz/bin/schemathesis --config-file "$settings" run "$url/openapi.json" --checks all --seed "$seed" \
    --max-time "${FUZZ_S:-30}" --generation-database none --no-color "$@" || failed=1
}
fuzz "asked by nobody" scripts/fuzz_api.toml
# but for ending the session: the rest would be asked by nobody again
fuzz "asked by a consumer about a job of theirs" "$about_it" --header "Authorization: Bearer $token" \
  --exclude-method DELETE
[ "$failed" = 0 ] || missing "The API's answers are not those it describes." "FUZZ_SEED=$seed scripts/fuzz_api.sh"
exit "$failed"
