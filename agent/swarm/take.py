"""What a job left in its results space on a node: an archive, taken over as plain files, never as links."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, cast

from agent.results import Taken

_CHUNK = 1024 * 1024
_MAX_PATH = 4096
MAX_FILES, MAX_DEPTH = 10_000, 32


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


def take_archive(chunks: Iterable[bytes], target: Path, max_bytes: int) -> Taken:
    """Unpack the regular files and folders of an archive of one folder to `target`, which must not exist. No link is
    ever made, so none can be followed.

    Args:
        max_bytes: no file is begun that would go past this.

    Raises:
        OSError: the archive is cut off.
    """
    target.mkdir(mode=0o700)
    files = total = left = 0
    try:
        with tarfile.open(fileobj=cast(IO[bytes], _Stream(chunks)), mode="r|") as archive:
            for count, member in enumerate(archive):
                parts = _parts(member.name)
                if parts is None or count > 2 * MAX_FILES or (not parts and not member.isdir()):
                    left += 1
                elif member.isdir():
                    target.joinpath(*parts).mkdir(mode=0o700, parents=True, exist_ok=True)
                elif not member.isreg() or files >= MAX_FILES or total + member.size > max_bytes:
                    left += 1
                else:
                    _write(archive, member, target.joinpath(*parts))
                    files, total = files + 1, total + member.size
    except tarfile.TarError as error:
        raise OSError(f"the results' archive cannot be read: {error}") from None
    return Taken(files, total, {"links, devices, or past a limit": left} if left else {})


def _parts(name: str) -> tuple[str, ...] | None:
    """A path below the archive's one folder; () for the folder itself, None for what is no such path."""
    whole = PurePosixPath(name).parts
    inner = whole[1:]
    bad = len(name) > _MAX_PATH or len(inner) > MAX_DEPTH or whole[:1] in ((), ("/",))
    return None if bad or ".." in whole or "\0" in name else inner


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
