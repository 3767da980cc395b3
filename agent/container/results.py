"""What a job leaves in its results folder: taken over as plain files, never as links.

The folder is a memory file system of the size that the job asked for, mounted by the agent and bound into the
container: it survives the container, cannot fill the disk, and is read by directory handle, so that no link in it
is ever followed. It needs root; without it the results are a memory file system that goes with the container.
"""

from __future__ import annotations

import ctypes
import errno
import math
import os
import shutil
import stat
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from agent.engine.isolation import tmpfs_options
from chain.errors import InvalidInput, TooLarge, Unavailable
from chain.folder import LEFT_OUT, MIB, RESULT_LIMITS, PathParts, Rules

SPACE = "space"  # where it is mounted, in the run's folder
_OUR_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS}
TOO_MANY = "too many, too deep, or with too long a name"
_CHUNK = 1024 * 1024
_MNT_DETACH = 2
_MS_NOSUID, _MS_NODEV = 2, 4
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken over, and how many entries were left out for which reason."""

    files: int
    bytes: int
    left: Mapping[str, int]


def left_words(left: Mapping[str, int]) -> str:
    """What the consumer is told of what was left out; "" for nothing."""
    if not left:
        return ""
    parts = ", ".join(f"{count} {why}" for why, count in sorted(left.items()))
    return f"Left out of the results: {parts}."


def can_mount() -> bool:
    """Whether this process may mount file systems."""
    return os.geteuid() == 0


def mount_space(path: Path, size_mib: int) -> None:
    """Mount an empty memory file system, unless one is mounted there already.

    Raises:
        Unavailable: the kernel refuses.
    """
    options = tmpfs_options(size_mib).split(",")
    path.mkdir(parents=True, exist_ok=True, mode=0o755)
    mount_memory(path, ",".join(item for item in options if item.split("=")[0] in _DATA))


def mount_memory(path: Path, options: str) -> None:
    """As `mount_space`, with these options of tmpfs."""
    if os.path.ismount(path):
        return
    flags = _MS_NOSUID | _MS_NODEV
    if _libc.mount(b"draas", os.fsencode(path), b"tmpfs", flags, options.encode()) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise Unavailable(
            f"A memory file system cannot be mounted: {reason}.", "Run the agent as root."
        )


_DATA = {"size", "mode", "nr_inodes"}


def unmount_space(path: Path) -> None:
    """Give the memory back. No error when nothing is mounted."""
    if os.path.ismount(path):
        _libc.umount2(os.fsencode(path), _MNT_DETACH)
    if path.is_dir():
        path.rmdir()


def take_over(source: Path, target: Path, max_bytes: int, until: float = math.inf) -> Taken:
    """Copy the regular files and folders below `source` to `target`, which must not exist.

    Args:
        max_bytes: no file is begun that would go past this.
        until: second of the monotonic clock after which nothing more is begun.

    Raises:
        OSError: this machine's own disk is full or broken.
    """
    target.mkdir(mode=0o700)
    sieve = Sieve(max_bytes, until)
    handle = os.open(source, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _Taker(sieve).folder(handle, target, ())
    finally:
        os.close(handle)
    return sieve.taken()


def take_anew(space: Path, target: Path, max_bytes: int, until: float) -> tuple[Path | None, str]:
    """`take_over` in the place of what an earlier try has taken; the folder, None when there is nothing in it, and what
    was left out in words."""
    shutil.rmtree(target, ignore_errors=True)
    if not space.is_dir():
        return None, ""
    taken = take_over(space, target, max_bytes, until)
    return (target if taken.files else None), left_words(taken.left)


class Sieve:
    """What of a job's results is taken over, whichever way they come: the limits and names that the store has too.

    Args:
        max_bytes: of all files.
        until: second of the monotonic clock after which nothing more is begun.
    """

    def __init__(self, max_bytes: int, until: float) -> None:
        self.limits = replace(RESULT_LIMITS, max_bytes=min(max_bytes, RESULT_LIMITS.max_bytes))
        self._rules = Rules(self.limits)
        self._until = until
        self.files = self.bytes = 0
        self.left: Counter[str] = Counter()

    def taken(self) -> Taken:
        """All that was decided."""
        return Taken(self.files, self.bytes, dict(self.left))

    def refusal(self, path: PathParts, mode: int, size: int) -> str:
        """Why an entry is left out; "" for what is taken over.

        Args:
            mode: its kind, as in `st_mode`.
        """
        if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
            return "links" if stat.S_ISLNK(mode) else "devices, pipes or sockets"
        if time.monotonic() > self._until:
            return "for which there was no time"
        if path[-1] == LEFT_OUT:
            return f"named {LEFT_OUT}"
        if stat.S_ISREG(mode) and self.bytes + size > self.limits.max_bytes:
            return f"beyond {self.limits.max_bytes // MIB} MiB in all"
        try:
            self._rules.entry(path)
        except TooLarge:
            return TOO_MANY
        except InvalidInput:
            return "whose name is not plain text, or differs from another only in case"
        return ""


class _Taker:
    def __init__(self, sieve: Sieve) -> None:
        self._sieve = sieve

    def folder(self, handle: int, target: Path, path: PathParts) -> None:
        sieve = self._sieve
        with os.scandir(handle) as entries:
            names = sorted(entry.name for entry in islice(entries, sieve.limits.max_files))
            beyond = sum(1 for _ in entries)
        sieve.left += Counter({TOO_MANY: beyond} if beyond else {})
        for name in names:
            try:
                found = os.stat(name, dir_fd=handle, follow_symlinks=False)
                why = sieve.refusal((*path, name), found.st_mode, found.st_size)
                if why:
                    sieve.left[why] += 1
                else:
                    self._take(handle, target / name, (*path, name))
            except OSError as error:
                if error.errno in _OUR_DISK:
                    raise
                sieve.left["that cannot be read"] += 1

    def _take(self, handle: int, target: Path, path: PathParts) -> None:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        found = os.open(path[-1], flags, dir_fd=handle)
        try:
            if stat.S_ISDIR(os.fstat(found).st_mode):
                target.mkdir(mode=0o700)
                self.folder(found, target, path)
            else:
                self._copy(found, target)
        finally:
            os.close(found)

    def _copy(self, found: int, target: Path) -> None:
        """As long as the file was when it was opened, whatever is written to it meanwhile."""
        sieve = self._sieve
        left = min(os.fstat(found).st_size, sieve.limits.max_bytes - sieve.bytes)
        with target.open("xb") as new:
            while left > 0 and (chunk := os.read(found, min(_CHUNK, left))):
                new.write(chunk)
                left -= len(chunk)
                sieve.bytes += len(chunk)
        sieve.files += 1
