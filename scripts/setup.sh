#!/usr/bin/env bash
# Makes sure of what the project needs, all of it by default:
# scripts/setup.sh [python] [node] [docker] [postgres] [registry] [frontend] [browser].
# What is up to date is left alone; what cannot be installed here is named, with the way to get it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

parts=("$@")
[ $# -gt 0 ] || parts=(python node docker postgres registry frontend browser)
mkdir -p build
exec 9>build/setup.lock
flock 9 # two commands may be started at once
log=build/setup.log

# Runs a step quietly; its output is shown when it fails.
quietly() {
  "$@" >"$log" 2>&1 9>&- && return
  tail -n 25 "$log" >&2
  return 1
}

find_python() {
  local candidate
  for candidate in python3.11 python3.12 python3.13 python3; do
    if "$candidate" -c "import sys; sys.exit(sys.version_info < (3, 11))" >/dev/null 2>&1; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

# Debian has Python's venv module in a package of its own.
make_venv() {
  say "making .venv with $("$1" --version)"
  "$1" -m venv --clear .venv >"$log" 2>&1 9>&- && return
  if may_apt && apt_install python3-venv && quietly "$1" -m venv --clear .venv; then return; fi
  missing "Python's venv module does not work here ($log)." "Run: sudo apt-get install python3-venv"
  return 1
}

setup_python() {
  local want python
  want=$(cat requirements-dev.txt pyproject.toml | sha256sum | cut -c1-64)
  if [ "$(cat .venv/.ready 2>/dev/null)" = "$want" ]; then return; fi
  if ! python=$(find_python); then
    missing "Python 3.11 or newer is not installed." "Debian 12, Ubuntu 24.04 or later: sudo apt-get install python3 python3-venv"
    return 1
  fi
  rm -f .venv/.ready
  [ -x .venv/bin/pip ] || make_venv "$python" || return 1
  say "installing the Python packages (a minute or two)"
  export PIP_DISABLE_PIP_VERSION_CHECK=1
  quietly .venv/bin/python -m pip install --require-hashes -r requirements-dev.txt || return 1
  quietly .venv/bin/python -m pip install --no-deps --no-build-isolation -e . || return 1
  echo "$want" >.venv/.ready
}

has_node() {
  have node && have npm && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' && return
  missing "Node 20 or newer, with npm, is not installed." "Get it from nodejs.org, with nvm, or where it is new enough: apt-get install nodejs npm"
  return 1
}

setup_node() {
  local want
  want=$(cat package-lock.json .npmrc | sha256sum | cut -c1-64)
  if [ "$(cat node_modules/.ready 2>/dev/null)" = "$want" ] && [ -d build/solcx ]; then return; fi
  has_node || return 1
  say "installing the Node tools (half a minute)"
  quietly npm ci || return 1
  link_compiler || return 1
  echo "$want" >node_modules/.ready
}

# The compiler where py-solc-x looks for it: a native one of this version if there is one, else the npm one.
link_compiler() {
  local version compiler=../../scripts/solc.js
  version=$(node -p 'require("solc/package.json").version')
  if have solc && solc --version | grep -q "Version: $version+"; then compiler=$(command -v solc); fi
  mkdir -p build/solcx && ln -sfn "$compiler" "build/solcx/solc-v$version"
}

# The market's pages, built for production: `draas up` serves them.
setup_frontend() {
  local packages sources
  packages=$(cat frontend/package-lock.json frontend/.npmrc | sha256sum | cut -c1-64)
  sources=$(frontend_sources | xargs -0 sha256sum | sha256sum | cut -c1-64)
  if [ "$(cat frontend/.next/standalone/.ready 2>/dev/null)" = "$sources" ] &&
    [ "$(cat frontend/node_modules/.ready 2>/dev/null)" = "$packages" ]; then return; fi
  has_node || return 1
  if [ "$(cat frontend/node_modules/.ready 2>/dev/null)" != "$packages" ]; then
    say "installing the front end's packages (half a minute)"
    quietly npm --prefix frontend ci || return 1
    echo "$packages" >frontend/node_modules/.ready
  fi
  say "building the front end (a minute)"
  rm -rf frontend/.next/standalone
  NEXT_TELEMETRY_DISABLED=1 quietly npm --prefix frontend run build || return 1
  echo "$sources" >frontend/.next/standalone/.ready
}

# All that a build is made of, by name.
frontend_sources() {
  find frontend \( -name node_modules -o -name .next -o -path frontend/tests -o -path frontend/scripts \) -prune -o -type f ! -name '*.tsbuildinfo' ! -name next-env.d.ts -print0 | LC_ALL=C sort -z
}

# For the tests, which drive it.
setup_browser() {
  if have chromium || [ -n "${CHROMIUM:-}" ]; then return; fi
  if ! may_apt; then
    missing "Chromium is not installed; the tests of the pages are left out." "Run: sudo apt-get install chromium fonts-liberation"
    return
  fi
  apt_install chromium fonts-liberation
}

# For the tests, which start servers of their own; a scheduler needs one only where several share a database.
setup_postgres() {
  local settings=/etc/postgresql-common/createcluster.conf
  if have initdb || compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null; then return; fi
  if ! may_apt; then
    missing "PostgreSQL is not installed; the tests start their own." "Run: sudo apt-get install postgresql"
    return 1
  fi
  apt_install postgresql-common || return 1
  # Debian would make and start a cluster that nobody asked for.
  [ ! -f "$settings" ] || sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' "$settings"
  apt_install postgresql
}

# A registry of images for the tests, which start their own. Unpacked only: installed, it would start by itself.
setup_registry() {
  have docker-registry || [ -x build/registry/usr/bin/docker-registry ] && return
  if ! may_apt; then
    missing "docker-registry is not there; the tests of a registry are left out." "Run: sudo apt-get install docker-registry"
    return
  fi
  say "getting docker-registry"
  apt_download docker-registry build/registry
}

failed=0
for part in "${parts[@]}"; do
  case $part in
    python | node | registry | frontend | browser) "setup_$part" || failed=1 ;;
    docker) scripts/docker.sh install || failed=1 ;;
    postgres) setup_postgres || failed=1 ;;
    *) missing "There is no part $part." "Parts: python node docker postgres registry frontend browser" && failed=1 ;;
  esac
done
exit "$failed"
