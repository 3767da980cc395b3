# Sourced by the other scripts: how they talk (on stderr, one line a part) and how they install.

say() { printf '%s\n' "· $*" >&2; }

# What is missing, and how to get it.
missing() { printf '%s\n' "✗ $1" "  $2" >&2; }

have() { command -v "$1" >/dev/null 2>&1; }

may_apt() { [ "$(id -u)" = 0 ] && have apt-get; }

# Install Debian packages; what apt prints is shown only when it fails.
apt_install() {
  say "installing $* (apt)"
  local log
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive
  if apt-get install -y --no-install-recommends "$@" >"$log" 2>&1 9>&- ||
    { apt-get update && apt-get install -y --no-install-recommends "$@"; } >>"$log" 2>&1 9>&-; then
    rm -f "$log"
    return 0
  fi
  tail -n 20 "$log" >&2
  rm -f "$log"
  return 1
}

# Unpack a Debian package into a folder, without installing it.
apt_download() {
  local to=$2
  mkdir -p "$to"
  (
    cd "$to"
    for attempt in 1 2; do
      if apt-get download "$1" >log 2>&1; then break; fi
      [ "$attempt" = 1 ] && apt-get update >/dev/null 2>&1 || { cat log >&2 && exit 1; }
    done
    dpkg-deb -x "$1"_*.deb .
  )
}

# An environment of its own, in build/, for a tool whose dependencies do not fit beside the project's:
# own_venv audit Slither. To be called plainly, so that a failure ends the script.
own_venv() {
  local want
  want=$(sha256sum <"requirements-$1.txt")
  if [ "$(cat "build/$1/.ready" 2>/dev/null)" = "$want" ]; then return; fi
  say "installing $2 (half a minute)"
  .venv/bin/python -m venv --clear "build/$1"
  "build/$1/bin/pip" install -q --disable-pip-version-check --require-hashes -r "requirements-$1.txt" >"build/$1.log" 2>&1 ||
    { tail -n 20 "build/$1.log" && exit 1; }
  echo "$want" >"build/$1/.ready"
}
