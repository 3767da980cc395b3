#!/usr/bin/env bash
# Builds the agent's image: agent/deploy/build.sh [TAG]. BASE names the image that it is built on.
# The Python packages are fetched here, each held against its pinned hash, so that nothing but the base image's own
# package manager needs the network during the build. They are those of the Python in .venv: the base image must have
# the same version of it.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/say.sh

tag=${1:-draas/agent:latest}
base=${BASE:-python:3.11-slim}
python=.venv/bin/python
[ -x "$python" ] || { missing "The project's Python is not set up." "Run: scripts/setup.sh python" && exit 1; }
context=build/agent-image
rm -rf "$context"
mkdir -p "$context/packages"
trap 'rm -rf "$context"' EXIT

say "fetching the packages that requirements.txt pins"
"$python" -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps \
  -r requirements.txt -d "$context/packages" 2>"$context/log" || { tail -n 20 "$context/log" >&2 && exit 1; }
rm -f "$context/log"

say "building $tag on $base"
cp requirements.txt agent/deploy/Dockerfile "$context"
for folder in chain agent cli; do
  mkdir -p "$context/$folder"
  tar -C "$folder" --exclude=__pycache__ --exclude=deploy -c . | tar -C "$context/$folder" -x
done
# The machine's own network: what runs in the build is ours, and not every Engine has a default bridge.
docker build --quiet --network host --build-arg "BASE=$base" --tag "$tag" "$context" >/dev/null
say "$tag is built"
