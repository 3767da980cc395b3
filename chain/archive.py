"""Archives of strangers: tar, tar.gz and zip, written to a new folder within limits, whole or not at all."""

from __future__ import annotations

import asyncio
import os
import tempfile
import zlib
from collections.abc import AsyncIterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from chain import tar, zip_file
from chain.errors import InvalidInput, TooLarge
from chain.folder import DEFAULT_LIMITS, MIB, FolderWriter, Limits, PathParts
from chain.tar import Member

MAX_RATIO = 200  # of what comes out to what went in
RATIO_FROM_BYTES = 8 * MIB  # a few files of zeros are nobody's bomb
_READ_BYTES = 64 * 1024
_HEADER_BYTES = 4096  # at most, for one entry: its header, a long name's, and padding
_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31  # for zlib: a gzip header and the largest window
_MAX_PIECES = 10_000  # gzip members, one after another (RFC 1952, 2.2)


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
        for count, member in enumerate(_within_ratio(_members(stream, size), size)):
            if count > limits.max_files:
                raise TooLarge(f"More than {limits.max_files} members.", "Leave out something.")
            if len(member.path) > limits.max_depth:  # taking it apart costs its square
                raise TooLarge(
                    f"Folders more than {limits.max_depth} deep.", "Leave out something."
                )
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


def _members(stream: BinaryIO, size: int) -> Iterator[Member]:
    """By what the archive begins with."""
    start = stream.read(2)
    stream.seek(0)
    if start == zip_file.MAGIC:
        return zip_file.read_members(stream)
    return _unzipped(stream, size) if start == _GZIP else tar.read_members(stream)


def _unzipped(stream: BinaryIO, size: int) -> Iterator[Member]:
    """The members of a compressed tar."""
    archive = _Plain(stream, _most(size))
    yield from tar.read_members(cast(BinaryIO, archive))
    if len(archive.read(MIB)) == MIB:  # and a check of all that was read
        raise InvalidInput("There is more after the archive's end.", "Pack the folder anew.")


class _Plain:
    """What a compressed stream holds, up to `most` bytes, headers and all. The library's own reader looks for the end
    of a header's name byte by byte, however far that is."""

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self._stream = stream
        self._left = most
        self._pieces = 0
        self._ahead = b""  # compressed, and not looked at yet
        self._piece: Any = None

    def read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size and self._begin():
            try:
                data += self._piece.decompress(self._ahead, size - len(data))
            except zlib.error as error:
                raise _damaged() from error
            self._ahead = self._piece.unconsumed_tail
            if self._piece.eof:
                self._ahead, self._piece = self._piece.unused_data, None
        self._left -= len(data)
        if self._left < 0:
            raise _bomb()
        return bytes(data)

    def _begin(self) -> bool:
        """Have something to decompress; False at the end."""
        if not self._ahead:
            self._ahead = self._stream.read(_READ_BYTES)
        if self._piece is None:
            self._ahead = self._ahead.lstrip(b"\0")  # padding, as gzip takes it
            while not self._ahead and (more := self._stream.read(_READ_BYTES)):
                self._ahead = more.lstrip(b"\0")
            if not self._ahead:
                return False
            self._pieces += 1
            if self._pieces > _MAX_PIECES:
                raise InvalidInput("The archive is in too many pieces.", "Pack the folder anew.")
            self._piece = zlib.decompressobj(_GZIP_WINDOW)
        if not self._ahead:
            raise _damaged()
        return True


def _damaged() -> InvalidInput:
    return InvalidInput("The archive is damaged.", "Pack the folder anew.")


def _bomb() -> TooLarge:
    return TooLarge(f"The archive grows to over {MAX_RATIO} times its size.", "Send it plain.")


def _most(size: int) -> int:
    """Bytes that may come out of an archive of this size."""
    return max(RATIO_FROM_BYTES, MAX_RATIO * size)


def _within_ratio(members: Iterator[Member], size: int) -> Iterator[Member]:
    """The members, as long as not much more comes out than went in."""
    most, came = _most(size), [0]
    for member in members:
        content = member.content
        yield member if content is None else Member(member.path, _counted(content, most, came))


def _counted(content: Iterator[bytes], most: int, came: list[int]) -> Iterator[bytes]:
    for chunk in content:
        came[0] += len(chunk)
        if came[0] > most:
            raise _bomb()
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
