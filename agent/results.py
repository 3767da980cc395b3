"""What a job leaves in its results folder: taken over as plain files, never as links.

The folder is a memory file system of the size that the job asked for, mounted by the agent and bound into the
container: it survives the container, cannot fill the disk, and is read by directory handle, so that no link in it
is ever followed. It needs root; without it the results are a memory file system that goes with the container.
"""

from __future__ import annotations

import ctypes
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from agent.isolation import tmpfs_options
from chain.errors import Unavailable

MAX_FILES = 10_000
MAX_DEPTH = 32
_CHUNK = 1024 * 1024
_MNT_DETACH = 2
_MS_NOSUID, _MS_NODEV = 2, 4
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken over; `left` counts links, devices and whatever was over a limit."""

    files: int
    bytes: int
    left: int


def can_mount() -> bool:
    """Whether this process may mount file systems."""
    return os.geteuid() == 0


def mount_space(path: Path, size_mib: int) -> None:
    """Mount an empty memory file system, unless one is mounted there already.

    Raises:
        Unavailable: the kernel refuses.
    """
    path.mkdir(parents=True, exist_ok=True, mode=0o755)
    if os.path.ismount(path):
        return
    options = ",".join(
        item for item in tmpfs_options(size_mib).split(",") if item.split("=")[0] in _DATA
    )
    flags = _MS_NOSUID | _MS_NODEV
    if _libc.mount(b"draas", os.fsencode(path), b"tmpfs", flags, options.encode()) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise Unavailable(
            f"The results folder cannot be mounted: {reason}.", "Run the agent as root."
        )


_DATA = {"size", "mode", "nr_inodes"}


def unmount_space(path: Path) -> None:
    """Give the memory back. No error when nothing is mounted."""
    if os.path.ismount(path):
        _libc.umount2(os.fsencode(path), _MNT_DETACH)
    if path.is_dir():
        path.rmdir()


def take_over(source: Path, target: Path, max_bytes: int) -> Taken:
    """Copy the regular files and folders below `source` to `target`, which must not exist.

    Args:
        max_bytes: no file is begun that would go past this.
    """
    target.mkdir(mode=0o700)
    taker = _Taker(max_bytes)
    handle = os.open(source, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        taker.folder(handle, target, 0)
    finally:
        os.close(handle)
    return Taken(taker.files, taker.bytes, taker.left)


class _Taker:
    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.files = self.bytes = self.left = self._entries = 0

    def folder(self, handle: int, target: Path, depth: int) -> None:
        for name in sorted(os.listdir(handle)):
            self._entries += 1
            found = os.stat(name, dir_fd=handle, follow_symlinks=False)
            fits = self._entries <= MAX_FILES and self.bytes + found.st_size <= self._max_bytes
            if stat.S_ISDIR(found.st_mode) and self._entries <= MAX_FILES and depth < MAX_DEPTH:
                self._enter(handle, name, target / name, depth)
            elif stat.S_ISREG(found.st_mode) and fits:
                self._copy(handle, name, target / name)
            else:
                self.left += 1

    def _enter(self, handle: int, name: str, target: Path, depth: int) -> None:
        inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
        try:
            target.mkdir(mode=0o700)
            self.folder(inner, target, depth + 1)
        finally:
            os.close(inner)

    def _copy(self, handle: int, name: str, target: Path) -> None:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        with os.fdopen(os.open(name, flags, dir_fd=handle), "rb") as read, target.open("xb") as new:
            left = self._max_bytes - self.bytes
            while chunk := read.read(min(_CHUNK, left)):
                new.write(chunk)
                left -= len(chunk)
                self.bytes += len(chunk)
        self.files += 1
