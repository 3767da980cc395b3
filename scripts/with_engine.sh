#!/usr/bin/env bash
# Sets up, makes sure of a Docker Engine, runs the given command, and stops the Engine again if it was started for it.
# PARTS, in the environment, are of scripts/setup.sh and beside what every command needs.
# The command's output is the last that is printed, and its exit code the script's.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck disable=SC2086 # a list of words
scripts/setup.sh python node docker ${PARTS:-} >&2
trap 'scripts/docker.sh stop $$ >/dev/null' EXIT
scripts/docker.sh start $$ >&2
export PATH=$PWD/.venv/bin:$PATH
trap : INT TERM # the command gets it too, and ends in its own time
"$@"
