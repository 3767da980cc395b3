"""Zip as it comes from strangers: stored and deflated files and folders, nothing else.

The library reads the whole directory of an archive into memory, however long it says it is; so that is looked at first.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from chain.errors import InvalidInput, TooLarge
from chain.folder import MIB, PathParts
from chain.tar import Member, plain_path

MAGIC = b"PK"
MAX_DIRECTORY_BYTES = 4 * MIB
_END_MARK, _END = b"PK\x05\x06", struct.Struct("<4sHHHHIIH")
_ENTRY_MARK, _ENTRY = b"PK\x01\x02", struct.Struct("<4s16xIIHHH8xI")
_LOCAL_BYTES = 30  # of a member's own header, beside its name
_IN_ZIP64 = 0xFFFFFFFF
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_FIX = "Pack the folder anew with a plain zip program."


def read_members(stream: BinaryIO) -> Iterator[Member]:
    """The members of an archive, in the order of its directory.

    Args:
        stream: one that can be read anywhere.

    Raises:
        InvalidInput: not a zip, damaged, encrypted, or with links, devices or set-id bits.
        TooLarge: a directory over 4 MiB.
    """
    _check_directory(stream)
    with _telling(), zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            path = _path(info)
            _check(info, path)
            yield Member(path, None if info.is_dir() else _content(archive, info))


@contextmanager
def _telling() -> Iterator[None]:
    """What the library says of an archive, in our words."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error) as error:
        raise InvalidInput("The zip archive is damaged.", _FIX) from error
    except (ValueError, RuntimeError, OverflowError) as error:
        raise InvalidInput("The zip archive makes no sense.", _FIX) from error


def _check_directory(stream: BinaryIO) -> None:
    """The end record (APPNOTE 4.3.16) says how long the directory is; its entries must fill it, and what they name must
    lie apart and before it."""
    size = stream.seek(0, os.SEEK_END)
    tail = min(size, _END.size + 65_535)
    stream.seek(size - tail)
    end = stream.read(tail)
    at = end.rfind(_END_MARK)
    if at < 0 or len(end) - at < _END.size:
        raise InvalidInput("This is not a zip archive, or it is cut off.", _FIX)
    _, disk, start_disk, here, count, length, place, comment = _END.unpack_from(end, at)
    if length == _IN_ZIP64 or end[max(0, at - 20) : at].startswith(b"PK\x06\x07"):
        raise InvalidInput("A Zip64 archive is not read.", _FIX)
    if length > MAX_DIRECTORY_BYTES:
        raise TooLarge(
            f"A zip directory over {MAX_DIRECTORY_BYTES // MIB} MiB.", "Pack fewer files."
        )
    begins = size - tail + at - length
    if (
        disk
        or start_disk
        or here != count
        or comment != len(end) - at - _END.size
        or begins < place
    ):
        raise InvalidInput("The zip archive is damaged.", _FIX)
    stream.seek(begins)
    _check_apart(list(_places(stream.read(length))), count, begins)
    stream.seek(0)


def _places(directory: bytes) -> Iterator[tuple[int, int]]:
    """Where each member begins, and how long it is at least (APPNOTE 4.3.12)."""
    at = 0
    while at < len(directory):
        if len(directory) - at < _ENTRY.size:
            raise InvalidInput("The zip archive is damaged.", _FIX)
        mark, packed, plain, name, extra, comment, begins = _ENTRY.unpack_from(directory, at)
        at += _ENTRY.size + name + extra + comment
        if mark != _ENTRY_MARK or at > len(directory) or _IN_ZIP64 in (packed, plain, begins):
            raise InvalidInput("The zip archive is damaged, or Zip64.", _FIX)
        yield begins, _LOCAL_BYTES + name + packed


def _check_apart(places: list[tuple[int, int]], count: int, directory: int) -> None:
    """What overlaps is one content told as many, which grows without end."""
    if len(places) != count:
        raise InvalidInput("The zip archive is damaged.", _FIX)
    ends = 0
    for begins, length in sorted(places):
        if begins < ends:
            raise InvalidInput("Members of the zip archive overlap.", _FIX)
        ends = begins + length
    if ends > directory:
        raise InvalidInput("The zip archive is damaged.", _FIX)


def _path(info: zipfile.ZipInfo) -> PathParts:
    name = info.orig_filename
    if not name or "\0" in name:
        raise InvalidInput(f"{name[:200]!a} is not a plain path.", _FIX)
    return plain_path(name) or ("",)


def _check(info: zipfile.ZipInfo, path: PathParts) -> None:
    mode = info.external_attr >> 16
    name = f"{'/'.join(path)[:200]!a}"
    if stat.S_IFMT(mode) not in (0, stat.S_IFDIR if info.is_dir() else stat.S_IFREG):
        raise InvalidInput(f"{name} is neither a plain file nor a folder.", "Leave it out.")
    if mode & 0o6000:
        raise InvalidInput(f"{name} has a set-id bit.", "Remove it with chmod.")
    if info.flag_bits & _ENCRYPTED:
        raise InvalidInput(f"{name} is encrypted.", "Pack without a password.")
    if info.compress_type not in _METHODS:
        raise InvalidInput(f"{name} is compressed in an unusual way.", _FIX)


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    left = info.file_size
    with _telling(), archive.open(info) as file:
        while chunk := file.read(MIB):
            left -= len(chunk)
            yield chunk
    if left:
        raise InvalidInput("The zip archive is damaged.", _FIX)
