#!/usr/bin/env bash
# Makes sure of the images that jobs are built on: python:3.11-slim and busybox:latest.
# From Docker Hub where that answers, else made from Debian packages (root on Debian or Ubuntu), and kept in a cache.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

python=python:3.11-slim
busybox=busybox:latest
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cache=${XDG_CACHE_HOME:-$HOME/.cache}/draas
architecture=$(uname -m)
work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT

present() { docker image inspect "$1" >/dev/null 2>&1; }

# Pulls an image within so many seconds.
pulled() { timeout "$2" docker pull -q "$1" >/dev/null 2>&1; }

# Whether an image can be made on this machine; says so when it cannot.
can_make() {
  may_apt && return
  missing "The image $1 is not here, and Docker Hub does not answer." \
    "Run: docker pull $1 (or once, as root on Debian or Ubuntu: scripts/base_images.sh)"
  return 1
}

fresh_folder() {
  [ -z "$work" ] || rm -rf "$work"
  work=$(mktemp -d)
  chmod 755 "$work"
}

# Makes an image of the tar on stdin.
import_as() {
  local image=$1
  shift
  docker import --change "ENV PATH=$path" --change "LABEL draas.base=1" "$@" - "$image" >/dev/null
}

# Keeps the tar of a folder in the cache.
keep() {
  mkdir -p "$cache"
  tar -C "$1" --one-file-system -c . | gzip -1 >"$2.$$"
  mv "$2.$$" "$2"
}

make_busybox() {
  local tar=$cache/busybox-$architecture-1.tar.gz
  if [ ! -f "$tar" ]; then
    can_make "$busybox"
    say "making $busybox of Debian's busybox-static"
    fresh_folder
    apt_download busybox-static "$work/deb"
    mkdir -p "$work"/root/{bin,etc,home,root,tmp}
    chmod 1777 "$work/root/tmp"
    cp "$(find "$work/deb" -name busybox -type f -perm -100)" "$work/root/bin/busybox"
    for applet in $("$work/root/bin/busybox" --list); do
      [ "$applet" = busybox ] || ln -s busybox "$work/root/bin/$applet"
    done
    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n' >"$work/root/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$work/root/etc/group"
    keep "$work/root" "$tar"
  fi
  import_as "$busybox" --change 'CMD ["sh"]' <"$tar"
}

make_python() {
  local tar=$cache/python-3.11-$architecture-1.tar.gz
  if [ ! -f "$tar" ]; then
    can_make "$python"
    have debootstrap || apt_install debootstrap
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || apt_install debian-archive-keyring
    say "making $python of Debian packages (a minute)"
    fresh_folder
    debootstrap --variant=minbase --include=python3,python3-pip,ca-certificates bookworm "$work/root" \
      ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} >"$work/log" 2>&1 || { tail -n 15 "$work/log" >&2 && return 1; }
    ln -s /usr/bin/python3 "$work/root/usr/local/bin/python"
    ln -s /usr/bin/python3 "$work/root/usr/local/bin/python3"
    rm -rf "$work"/root/var/cache/apt/* "$work"/root/var/lib/apt/lists/* "$work"/root/usr/share/{doc,man,locale}/* \
      "$work"/root/usr/lib/python3*/EXTERNALLY-MANAGED "$work"/root/var/log/*.log
    keep "$work/root" "$tar"
  fi
  import_as "$python" --change 'CMD ["python3"]' <"$tar"
}

if present "$python" && present "$busybox"; then exit; fi
# The small one first: where Docker Hub does not answer for it, it is not asked for the large one.
hub=1
if ! present "$busybox"; then
  say "getting $busybox"
  pulled "$busybox" 30 || { hub=0 && make_busybox; }
fi
if ! present "$python"; then
  say "getting $python"
  { [ "$hub" = 1 ] && pulled "$python" 300; } || make_python
fi
