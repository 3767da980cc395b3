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
from chain.tar import Member

MAGIC = b"PK"
MAX_DIRECTORY_BYTES = 4 * MIB
_END, _END_BYTES = b"PK\x05\x06", 22
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
    """The end record (APPNOTE 4.3.16) says how long the directory is."""
    size = stream.seek(0, os.SEEK_END)
    tail = min(size, _END_BYTES + 65_535)
    stream.seek(size - tail)
    end = stream.read(tail)
    at = end.rfind(_END)
    if at < 0 or len(end) - at < _END_BYTES:
        raise InvalidInput("This is not a zip archive, or it is cut off.", _FIX)
    length = struct.unpack_from("<I", end, at + 12)[0]
    if length == 0xFFFFFFFF or end[max(0, at - 20) : at].startswith(b"PK\x06\x07"):
        raise InvalidInput("A Zip64 archive is not read.", _FIX)
    if length > MAX_DIRECTORY_BYTES:
        raise TooLarge(
            f"A zip directory over {MAX_DIRECTORY_BYTES // MIB} MiB.", "Pack fewer files."
        )
    stream.seek(0)


def _path(info: zipfile.ZipInfo) -> PathParts:
    name = info.orig_filename
    if name.startswith(("/", "\\")) or name[1:3] in (":\\", ":/"):
        raise InvalidInput(f"{name[:200]!a} is an absolute path.", "Pack with relative paths.")
    if "\\" in name or "\0" in name:
        raise InvalidInput(f"{name[:200]!a} is not a plain path.", _FIX)
    return tuple(name.removeprefix("./").removesuffix("/").split("/"))


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
    with _telling(), archive.open(info) as file:
        while chunk := file.read(MIB):
            yield chunk
