"""A folder read without following links, and within limits: what is packed, added and counted."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from chain.errors import InvalidInput
from chain.folder import LEFT_OUT, Limits, PathParts, Rules, shown
from chain.ignore import IGNORE_FILES, MAX_PATTERN_BYTES, Ignored


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, open while the entry is current, or a folder."""

    path: PathParts
    file: BinaryIO | None
    size: int = 0


def read_folder(folder: Path, limits: Limits, ignored: Ignored | None = None) -> Iterator[Entry]:
    """Everything in a folder in order of names, parents first, `.git` left out.

    Args:
        ignored: takes in the folder's ignore files; what they leave out may be of any kind.

    Raises:
        InvalidInput: not a folder, a symbolic link, a device, a hostile name, a file that changes.
        TooLarge: over a limit; the message names it.
    """
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is not a folder.", "Name the folder that holds the code.")
    rules, ignored = Rules(limits), ignored or Ignored(heed=False)
    for root, folders, files, handle in os.fwalk(folder, onerror=_unreadable):
        parts = Path(root).relative_to(folder).parts
        ignored.enter(
            parts, {name: _small_file(handle, name) for name in IGNORE_FILES if name in files}
        )
        folders[:] = sorted(
            name
            for name in folders
            if name != LEFT_OUT and not ignored.has((*parts, name), is_folder=True)
        )
        for name in folders:
            rules.entry((*parts, name))
            _check_kind(handle, (*parts, name), stat.S_ISDIR)
            yield Entry((*parts, name), None)
        for name in sorted(files):
            if name == LEFT_OUT or ignored.has((*parts, name), is_folder=False):
                continue
            rules.entry((*parts, name))
            yield from _read_file(handle, (*parts, name), rules)


def _unreadable(error: OSError) -> None:
    """What cannot be read is never left out unsaid: the same folder has the same CID, or none."""
    raise InvalidInput(f"{error.filename!a} cannot be read: {error.strerror}.", "Allow it.")


def _small_file(handle: int, name: str) -> str:
    """A file of patterns; empty when it is none."""
    if not stat.S_ISREG(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode):
        return ""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with open(os.open(name, flags, dir_fd=handle), "rb") as file:
        return file.read(MAX_PATTERN_BYTES + 1).decode(errors="replace")


def _read_file(handle: int, path: PathParts, rules: Rules) -> Iterator[Entry]:
    _check_kind(handle, path, stat.S_ISREG)
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        opened = os.open(path[-1], flags, dir_fd=handle)
    except OSError as error:
        raise InvalidInput(
            f"{shown(path)} cannot be read: {error.strerror}.", "Allow it."
        ) from None
    with open(opened, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        rules.content(0, size)
        yield Entry(path, file, size)
        if file.tell() != size or file.read(1):
            raise InvalidInput(f"{shown(path)} changed while it was read.", "Try again.")


def _check_kind(handle: int, path: PathParts, wanted: Callable[[int], bool]) -> None:
    mode = os.stat(path[-1], dir_fd=handle, follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        raise InvalidInput(
            f"{shown(path)} is a symbolic link.", "Put the file itself there, or leave it out."
        )
    if not wanted(mode):
        raise InvalidInput(f"{shown(path)} is neither a file nor a folder.", "Leave it out.")
