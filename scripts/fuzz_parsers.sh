#!/usr/bin/env bash
# Damaged inputs through every parser of strangers' bytes: a million, or FUZZ_COUNT. FUZZ_SEED replays a run; one input
# again: python -m tests.mutants --seed SEED --only PARSER --number NUMBER
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh python
.venv/bin/python -m tests.mutants --count "${FUZZ_COUNT:-1000000}" ${FUZZ_SEED:+--seed "$FUZZ_SEED"}
