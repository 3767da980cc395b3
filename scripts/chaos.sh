#!/usr/bin/env bash
# A market of real processes that is killed, frozen, cut off and reorganised by a seeded hand, and an audit of what is
# left: scripts/chaos.sh [--seed N] [--jobs 60] [--kills 40] [--reorgs 5] [--schedulers 1|2] [--keep]
# The last line is JSON; the exit code is 1 where anything was lost or doubled.
set -euo pipefail
cd "$(dirname "$0")/.."
exec scripts/with_engine.sh python -m tests.chaos "$@"
