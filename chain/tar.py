"""Plain tar as it comes from strangers: files and folders, and what a long name needs.

Headers are taken apart by `tarfile`; extended headers are read here, since the library reads them
whole into memory, however long they say they are.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from chain.errors import InvalidInput, TooLarge
from chain.folder import MIB, PathParts

BLOCK_BYTES = tarfile.BLOCKSIZE
END = bytes(2 * BLOCK_BYTES)
_MAX_EXTENDED_BYTES = 64 * 1024
_MAX_IN_A_ROW = 8  # extended headers before one member
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE)


@dataclass(frozen=True, slots=True)
class Member:
    """A file, whose content must be read before the next member, or a folder."""

    path: PathParts  # empty for the folder itself
    content: Iterator[bytes] | None


def header(path: PathParts, size: int | None) -> bytes:
    """The header of a file of this size, or of a folder (None)."""
    info = tarfile.TarInfo("/".join(path))
    info.type = tarfile.DIRTYPE if size is None else tarfile.REGTYPE
    info.mode = 0o755 if size is None else 0o644
    info.size = size or 0
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def padding(size: int) -> bytes:
    """What follows a content of this size."""
    return bytes(-size % BLOCK_BYTES)


def read_members(stream: BinaryIO) -> Iterator[Member]:
    """The members of an archive, in its order.

    Raises:
        InvalidInput: not a tar, cut off, or with links, devices, sparse files, set-id bits or headers without end.
        TooLarge: an extended header over 64 KiB.
    """
    extended: dict[str, str] = {}
    in_a_row = 0
    while (block := _take(stream, BLOCK_BYTES)) != bytes(BLOCK_BYTES):
        info = _info(block)
        in_a_row = 0 if info.type in _PLAIN else in_a_row + 1
        if in_a_row > _MAX_IN_A_ROW:
            raise InvalidInput("The archive has headers and no members.", "Pack the folder anew.")
        if info.type in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME):
            extended |= _extended(stream, info)
            continue
        if info.type == tarfile.XGLTYPE:
            if set(_extended(stream, info)) - {"comment"}:  # git names the commit
                raise InvalidInput("The archive has a global header.", "Pack the folder anew.")
            continue
        size = _number(extended.get("size", str(info.size)))
        path = plain_path(extended.get("path", info.name))
        _check_kind(info, path, extended)
        extended = {}
        if info.isdir():
            yield Member(path, None)
            continue
        left = [size]
        yield Member(path, _content(stream, left))
        if left[0]:
            raise InvalidInput("A file of the archive was not read to its end.")
        _take(stream, len(padding(size)))


def _take(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise InvalidInput("The archive is cut off.", "Send it again.")
    return data


def _info(block: bytes) -> tarfile.TarInfo:
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.TarError, ValueError) as error:
        raise InvalidInput(
            "This is not a tar archive.", "Send a plain tar of the folder."
        ) from error


def _extended(stream: BinaryIO, info: tarfile.TarInfo) -> dict[str, str]:
    if not 0 <= info.size <= _MAX_EXTENDED_BYTES:
        raise TooLarge(f"A header over {_MAX_EXTENDED_BYTES // 1024} KiB.", "Use shorter names.")
    data = _take(stream, info.size)
    _take(stream, len(padding(info.size)))
    try:
        if info.type == tarfile.GNUTYPE_LONGNAME:
            return {"path": data.rstrip(b"\0").decode()}
        return dict(_records(data))
    except ValueError as error:
        raise InvalidInput("A header of the archive is malformed.", "Send it again.") from error


def _records(data: bytes) -> Iterator[tuple[str, str]]:
    """Lines of "LENGTH KEY=VALUE", where the length counts itself."""
    at = 0
    while at < len(data):
        digits = data[at : data.index(b" ", at, at + 8)]
        line = data[at + len(digits) + 1 : at + int(digits)]
        key, equals, value = line.partition(b"=")
        ends = at + int(digits)
        if not (equals and digits.isdigit() and value.endswith(b"\n") and at < ends <= len(data)):
            raise ValueError(line)
        yield key.decode(), value[:-1].decode()
        at = ends


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        raise InvalidInput("A file of the archive has no proper size.", "Send it again.")
    return int(text)


def plain_path(name: str) -> PathParts:
    """The path of a member; empty for the folder itself.

    Raises:
        InvalidInput: absolute, here or on Windows.
    """
    if name.startswith(("/", "\\\\")) or _DRIVE.match(name):
        raise InvalidInput(f"{name[:200]!a} is an absolute path.", "Pack with relative paths.")
    name = name.removeprefix("./").removesuffix("/")
    return () if name in {"", "."} else tuple(name.split("/"))


def _check_kind(info: tarfile.TarInfo, path: PathParts, extended: dict[str, str]) -> None:
    sparse = any(key.startswith("GNU.sparse") for key in extended)
    if sparse or info.type not in _PLAIN or (not path and not info.isdir()):
        raise InvalidInput(
            f"{'/'.join(path)[:200]!a} is neither a plain file nor a folder.",
            "Leave out links, devices and sparse files.",
        )
    if info.mode & 0o6000:
        raise InvalidInput(f"{'/'.join(path)[:200]!a} has a set-id bit.", "Remove it with chmod.")


def _content(stream: BinaryIO, left: list[int]) -> Iterator[bytes]:
    while left[0]:
        data = _take(stream, min(left[0], MIB))
        left[0] -= len(data)
        yield data
