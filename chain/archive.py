"""Archives of strangers: tar, tar.gz and zip, written to a new folder within limits, whole or not at all."""

from __future__ import annotations

import asyncio
import gzip
import os
import tempfile
import zlib
from collections.abc import AsyncIterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from chain import tar, zip_file
from chain.errors import InvalidInput, TooLarge
from chain.folder import DEFAULT_LIMITS, MIB, FolderWriter, Limits, PathParts
from chain.tar import Member

MAX_RATIO = 200  # of what comes out to what went in
RATIO_FROM_BYTES = 8 * MIB  # a few files of zeros are nobody's bomb
_HEADER_BYTES = 4096  # at most, for one entry: its header, a long name's, and padding
_GZIP = b"\x1f\x8b"


def unpack(stream: BinaryIO, dest: Path, limits: Limits = DEFAULT_LIMITS) -> None:
    """Write an archive to a new folder: files and folders only, whole or not at all.

    Args:
        stream: one that can be read anywhere.

    Raises:
        InvalidInput: no archive, or with links, devices, sparse files, set-id bits, climbing paths or names that are
            the same on some machines.
        TooLarge: over a limit.
        Conflict: `dest` exists.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    made: dict[PathParts, bool] = {}  # folder → whether the archive has named it itself
    with FolderWriter(dest, limits) as writer:
        for member in _within_ratio(_members(stream), size):
            parents = [member.path[:depth] for depth in range(1, len(member.path))]
            for parent in parents:
                if parent not in made:
                    writer.folder(parent)
                    made[parent] = False
            if member.content is not None:
                writer.file(member.path, member.content)
            elif made.get(member.path) is not False and member.path:
                writer.folder(member.path)
            if member.content is None:
                made[member.path] = True
        writer.commit()


def _members(stream: BinaryIO) -> Iterator[Member]:
    """By what the archive begins with."""
    start = stream.read(2)
    stream.seek(0)
    if start == zip_file.MAGIC:
        return zip_file.read_members(stream)
    return _unzipped(stream) if start == _GZIP else tar.read_members(stream)


def _unzipped(stream: BinaryIO) -> Iterator[Member]:
    """The members of a compressed tar."""
    with gzip.GzipFile(fileobj=stream, mode="rb") as plain:
        archive = _Plain(plain)
        yield from tar.read_members(cast(BinaryIO, archive))
        if len(archive.read(MIB)) == MIB:  # and a check of all that was read
            raise InvalidInput("There is more after the archive's end.", "Pack the folder anew.")


class _Plain:
    """What a compressed stream holds."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise InvalidInput("The archive is damaged.", "Pack the folder anew.") from error


def _within_ratio(members: Iterator[Member], size: int) -> Iterator[Member]:
    """The members, as long as not much more comes out than went in."""
    most, came = max(RATIO_FROM_BYTES, MAX_RATIO * size), [0]
    for member in members:
        content = member.content
        yield member if content is None else Member(member.path, _counted(content, most, came))


def _counted(content: Iterator[bytes], most: int, came: list[int]) -> Iterator[bytes]:
    for chunk in content:
        came[0] += len(chunk)
        if came[0] > most:
            raise TooLarge(
                f"The archive grows to over {MAX_RATIO} times its size.", "Send it plain."
            )
        yield chunk


async def unpack_stream(
    chunks: AsyncIterable[bytes], dest: Path, limits: Limits = DEFAULT_LIMITS
) -> None:
    """Receive an archive, then `unpack` it in a thread.

    Raises:
        InvalidInput, Conflict: as `unpack`.
        TooLarge: as soon as more came than the limits allow.
    """
    most = limits.max_bytes + limits.max_files * _HEADER_BYTES + MIB
    with tempfile.TemporaryFile() as spool:
        came = 0
        async for chunk in chunks:
            came += len(chunk)
            if came > most:
                raise TooLarge(f"An archive over {most // MIB} MiB.", "Send a smaller folder.")
            await asyncio.to_thread(spool.write, chunk)
        spool.seek(0)
        await asyncio.to_thread(unpack, spool, dest, limits)
