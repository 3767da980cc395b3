#!/usr/bin/env bash
# Writes the next version of the scheduler's tables: scripts/migration.sh "agents have a colour"
# Change scheduler/rows/tables.py first; then read, shorten and commit what this writes.
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:?"Say what changes, in a few words."}
scripts/setup.sh python
export PATH=$PWD/.venv/bin:$PATH
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export DATABASE_URL=sqlite:///$scratch/rows.sqlite3
python -c 'import asyncio, os; from scheduler.rows.database import open_store; asyncio.run(open_store(os.environ["DATABASE_URL"]))'
alembic revision --autogenerate --rev-id "$(printf '%04d' $(($(ls scheduler/rows/migrations/versions/v*.py 2>/dev/null | wc -l) + 1)))" -m "$what"
ruff format --quiet scheduler/rows/migrations
