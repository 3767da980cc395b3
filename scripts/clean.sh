#!/usr/bin/env bash
# Removes what was installed and built in this folder, and containers, networks and job images of ours.
set -euo pipefail
cd "$(dirname "$0")/.."

rm -rf frontend/node_modules frontend/.next
rm -rf .venv node_modules build .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
find . -name __pycache__ -type d -prune -exec rm -rf {} +
if command -v docker >/dev/null && timeout 10 docker info >/dev/null 2>&1; then
  docker ps -aq --filter label=draas.job | xargs -r docker rm -f >/dev/null
  docker network ls -q --filter label=draas.job | xargs -r docker network rm >/dev/null
  docker images -q --filter label=draas.job | sort -u | xargs -r docker rmi -f >/dev/null
fi
