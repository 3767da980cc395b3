#!/usr/bin/env bash
# Brownie with this project's compiler, chains and networks: scripts/brownie.sh test tests/contracts --network development
# The local networks (development = Anvil, ganache-cli = Ganache) start on a free port and stop with the command.
# For live networks put yours into $BROWNIE_HOME (a home folder; the default is a temporary one):
#   BROWNIE_HOME=~ scripts/brownie.sh run list_open_jobs --network sepolia
# What a script keeps, a juror's votes, is under $DRAAS_HOME (~/.draas when unset), whatever the home folder is.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
export DRAAS_HOME=${DRAAS_HOME:-$HOME/.draas}
home=${BROWNIE_HOME:-}
if [ -z "$home" ]; then
  home=$(mktemp -d)
  trap 'rm -rf "$home"' EXIT
  mkdir -p "$home/.brownie"
  defaults=$(.venv/bin/python -c 'import importlib.util as u; print(u.find_spec("brownie").submodule_search_locations[0])')
  port=$(.venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  # Ganache's default hardfork under brownie is too old for the contracts.
  sed -e "s/port: 8545/port: $port/" -e "s/istanbul/shanghai/" \
    "$defaults/data/network-config.yaml" >"$home/.brownie/network-config.yaml"
fi
anvil=$(ls -d node_modules/@foundry-rs/anvil-*/bin 2>/dev/null | head -n 1)
export HOME=$home SOLCX_BINARY_PATH=$root/build/solcx PYTHONPATH=$root
export PATH=$root/.venv/bin:$root/$anvil:$root/node_modules/.bin:$PATH
# The rest of the tests shut brownie's pytest plugin out; here it has to come in.
export PYTEST_ADDOPTS="-o addopts= -p no:cacheprovider --confcutdir=tests/contracts -W ignore::FutureWarning"
mkdir -p build/brownie build/brownie-interfaces build/brownie-reports
brownie "$@"
