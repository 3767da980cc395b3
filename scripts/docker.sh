#!/usr/bin/env bash
# The Docker Engine: docker.sh install | start [PID] | stop [PID].
# A running Engine is used as it is. Where none runs, root may have one installed and started; it is stopped again
# when the last process that asked for it (PID, by default the caller) has asked for that or is gone.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

state=${DRAAS_ENGINE_STATE:-/run/draas-engine}
user=${2:-$PPID}

answers() { have docker && timeout 10 docker info >/dev/null 2>&1; }

install_engine() {
  answers && return
  if [ ! -d /run/systemd/system ]; then install_sandbox; fi
  if have docker && have dockerd && [ "$(id -u)" = 0 ]; then return; fi
  if [ -n "${DOCKER_HOST:-}" ]; then
    missing "The Docker Engine at $DOCKER_HOST (DOCKER_HOST) does not answer." "Start it, or unset DOCKER_HOST."
    return 1
  fi
  if have dockerd || [ -x /usr/sbin/dockerd ]; then
    missing "No Docker Engine answers to this user." \
      "Run: sudo systemctl start docker; sudo usermod -aG docker $(id -un); then log in again."
    return 1
  fi
  if ! may_apt; then
    missing "Docker is not installed." \
      "Run: sudo apt-get install docker.io; sudo usermod -aG docker $(id -un); then log in again."
    return 1
  fi
  apt_install docker.io iptables ca-certificates || return 1
  have docker || apt_install docker-cli # a package of its own since Debian 13
}

# gVisor, for an Engine of ours; it goes on without where it cannot be had.
install_sandbox() {
  have runsc || ! may_apt || apt_install runsc || true
}

# The settings of an Engine of ours: gVisor beside runc where it is installed, without a network of its own.
engine_config() {
  local runtimes='{}' own=/etc/docker/daemon.json
  [ -e $own ] && echo $own && return
  if have runsc; then
    runtimes='{"runsc": {"path": "'$(command -v runsc)'", "runtimeArgs": ["--network=none"]}}'
  fi
  echo '{"runtimes": '"$runtimes"'}' >"$state/daemon.json"
  echo "$state/daemon.json"
}

start_engine() {
  answers && return
  if [ -n "${DOCKER_HOST:-}" ] || [ "$(id -u)" != 0 ]; then
    install_engine # says what to do
    missing "No Docker Engine answers." "Start it: sudo systemctl start docker"
    return 1
  fi
  say "starting the Docker Engine"
  if [ -d /run/systemd/system ]; then
    systemctl start docker
    echo systemd >"$state/pid"
  else
    setsid dockerd --config-file "$(engine_config)" --pidfile "$state/dockerd.pid" >"$state/log" 2>&1 </dev/null 8>&- &
    echo $! >"$state/pid"
  fi
  for _ in $(seq 60); do
    answers && return
    sleep 0.5
  done
  missing "The Docker Engine did not start." "Read $state/log; a container without the rights for it cannot run one."
  tail -n 5 "$state/log" >&2 || true
  stop_engine
  return 1
}

stop_engine() {
  local pid
  pid=$(cat "$state/pid")
  rm -f "$state/pid"
  if [ "$pid" = systemd ]; then
    systemctl stop docker docker.socket
    return
  fi
  kill "$pid" 2>/dev/null || return 0
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.2
  done
  missing "The Docker Engine that was started (process $pid) does not stop." "See $state/log."
}

# Whether a process that still lives has asked for the Engine.
in_use() {
  local lease
  for lease in "$state"/users/*; do
    [ -e "$lease" ] || continue
    if kill -0 "$(basename "$lease")" 2>/dev/null; then return 0; fi
    rm -f "$lease"
  done
  return 1
}

case ${1:-} in
  install) install_engine ;;
  start)
    install_engine
    if [ "$(id -u)" = 0 ]; then
      mkdir -p "$state/users"
      exec 8>"$state/lock"
      flock 8
      touch "$state/users/$user"
    fi
    start_engine
    scripts/base_images.sh 8>&-
    ;;
  stop)
    [ -d "$state" ] && [ "$(id -u)" = 0 ] || exit 0
    exec 8>"$state/lock"
    flock 8
    rm -f "$state/users/$user"
    if ! in_use && [ -e "$state/pid" ]; then stop_engine; fi
    ;;
  *)
    echo "usage: docker.sh install | start [PID] | stop [PID]" >&2
    exit 2
    ;;
esac
