"""What a job left in its results space on a node: an archive, taken over as plain files, never as links."""

from __future__ import annotations

import math
import stat
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, cast

from agent.container.results import TOO_MANY, Sieve, Taken
from chain.folder import PathParts

_CHUNK = 1024 * 1024
_MAX_PATH = 4096


class _Stream:
    """Chunks as a file to read from."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def read(self, size: int) -> bytes:
        parts, have = [self._rest], len(self._rest)
        while have < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            parts.append(chunk)
            have += len(chunk)
        whole = b"".join(parts)
        self._rest = whole[size:]
        return whole[:size]


def take_archive(
    chunks: Iterable[bytes], target: Path, max_bytes: int, until: float = math.inf
) -> Taken:
    """Unpack the regular files and folders of an archive of one folder to `target`, which must not exist. No link is
    ever made, so none can be followed.

    Args:
        max_bytes: no file is begun that would go past this.
        until: second of the monotonic clock after which nothing more is begun.

    Raises:
        OSError: the archive is cut off.
    """
    target.mkdir(mode=0o700)
    sieve, closed = Sieve(max_bytes, until), set[PathParts]()  # folders that are left out
    try:
        with tarfile.open(fileobj=cast(IO[bytes], _Stream(chunks)), mode="r|") as archive:
            for member in archive:
                parts = _parts(member.name)
                if parts == () and member.isdir():
                    continue
                why = _refusal(sieve, closed, member, parts)
                if why:
                    sieve.left[why] += 1
                elif member.isdir():
                    target.joinpath(*parts).mkdir(mode=0o700, parents=True, exist_ok=True)
                else:
                    _write(archive, member, target.joinpath(*parts))
                    sieve.files, sieve.bytes = sieve.files + 1, sieve.bytes + member.size
    except tarfile.TarError as error:
        raise OSError(f"the results' archive cannot be read: {error}") from None
    return sieve.taken()


def _refusal(
    sieve: Sieve, closed: set[PathParts], member: tarfile.TarInfo, parts: PathParts
) -> str:
    """Why a member is left out; "" for what is taken over."""
    if not parts:
        return "that lead elsewhere"
    if any(parts[:depth] in closed for depth in range(1, len(parts))):
        return TOO_MANY
    kind = stat.S_IFDIR if member.isdir() else stat.S_IFREG if member.isreg() else stat.S_IFIFO
    mode = stat.S_IFLNK if member.issym() or member.islnk() else kind
    why = sieve.refusal(parts, mode, member.size)
    if why and member.isdir():
        closed.add(parts)
    return why


def _parts(name: str) -> PathParts:
    """A path below the archive's one folder; () for the folder itself, and for what is no such path."""
    whole = PurePosixPath(name).parts
    bad = len(name) > _MAX_PATH or whole[:1] in ((), ("/",)) or ".." in whole or "\0" in name
    return () if bad else whole[1:]


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    source = archive.extractfile(member)
    if source is None:
        return
    with source, path.open("xb") as new:
        for chunk in _chunks(source):
            new.write(chunk)


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        yield chunk
