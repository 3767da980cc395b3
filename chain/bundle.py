"""A folder of code on its way over HTTP: one plain tar, and the CID that it will have anywhere.

The archive depends on names and contents alone, so the same folder gives the same bytes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from chain import tar
from chain.cid import CidBytes, cid_text
from chain.folder import DEFAULT_LIMITS, Limits, PathParts
from chain.folder_reader import read_folder
from chain.ignore import Ignored
from chain.job import Cid
from chain.unixfs import Link, Put, add_file, add_tree


@dataclass(frozen=True, slots=True)
class Bundle:
    """A packed folder."""

    cid: Cid
    archive: bytes  # plain tar
    files: int  # files and folders
    size: int  # bytes of all files


def pack(folder: Path, limits: Limits = DEFAULT_LIMITS) -> Bundle:
    """Pack a folder, without `.git` and what its `.gitignore` and `.dockerignore` leave out.

    Raises:
        InvalidInput: not a folder, a symbolic link or device in it, or a hostile name.
        TooLarge: over a limit.
    """
    archive = io.BytesIO()
    paths: dict[PathParts, Link | None] = {(): None}
    size = 0
    for entry in read_folder(folder, limits, Ignored()):
        archive.write(tar.header(entry.path, entry.size if entry.file else None))
        paths[entry.path] = None
        if entry.file:
            paths[entry.path] = add_file(_Copied(entry.file, archive), _forget)
            archive.write(tar.padding(entry.size))
            size += entry.size
    archive.write(tar.END)
    root = add_tree(paths, _forget)[()]
    return Bundle(cid_text(root.cid), archive.getvalue(), len(paths) - 1, size)


def bundle_cid(folder: Path, limits: Limits = DEFAULT_LIMITS) -> Cid:
    """The CID that every store gives this folder.

    Raises:
        InvalidInput, TooLarge: as `pack`.
    """
    return cid_text(add_blocks(folder, _forget, limits))


def add_blocks(folder: Path, put: Put, limits: Limits = DEFAULT_LIMITS) -> CidBytes:
    """Cut a folder into blocks.

    Returns:
        its root.

    Raises:
        InvalidInput, TooLarge: as `pack`.
    """
    paths: dict[PathParts, Link | None] = {(): None}
    for entry in read_folder(folder, limits):
        paths[entry.path] = add_file(entry.file, put) if entry.file else None
    return add_tree(paths, put)[()].cid


def _forget(cid: CidBytes, block: bytes) -> None:
    """Only the CID is wanted."""


class _Copied:
    """Reads a file and leaves a copy of what was read."""

    def __init__(self, file: BinaryIO, copy: io.BytesIO) -> None:
        self._file, self._copy = file, copy

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._copy.write(data)
        return data
