#!/usr/bin/env bash
# Benchmarks: scripts/bench.sh [name]. Without a name, all of tests/bench. Each prints what it measured, JSON last, and
# fails when it misses what was promised.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

scripts/setup.sh python node >&2
export PATH=$PWD/.venv/bin:$PWD/node_modules/.bin:$PATH
names=("$@")
if [ $# = 0 ]; then
  for file in tests/bench/[a-z]*.py; do names+=("$(basename "$file" .py)"); done
fi
failed=()
for name in "${names[@]}"; do
  [ -f "tests/bench/$name.py" ] || { missing "There is no benchmark called $name." "See tests/bench." && exit 2; }
  say "$name"
  python -m "tests.bench.$name" || failed+=("$name")
done
[ ${#failed[@]} = 0 ] || { missing "Missed: ${failed[*]}" "The output above says by how much." && exit 1; }
