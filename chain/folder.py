"""Folders of strangers: read without following links, written whole or not at all, within limits.

Both unpackers (tar and CAR) write through `FolderWriter`, and everything that is packed or added
is read through `read_folder`, so one set of rules holds for what a name and a size may be.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from chain.errors import Conflict, InvalidInput, TooLarge, Unavailable
from chain.ignore import IGNORE_FILES, MAX_PATTERN_BYTES, Ignored

MIB = 1024 * 1024
LEFT_OUT = ".git"
_PROGRAMS = (b"#!", b"\x7fELF")
_HOSTILE = {"Cc", "Cs", "Zl", "Zp"}  # control, half of a pair, line and paragraph breaks

PathParts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a folder may hold."""

    max_bytes: int = 512 * MIB  # of all files
    max_file_bytes: int = 100 * MIB
    max_files: int = 10_000  # files and folders
    max_depth: int = 32
    max_name_bytes: int = 255
    max_blocks: int = 65_536  # visits while a DAG is walked


DEFAULT_LIMITS = Limits()
RESULT_LIMITS = Limits(max_file_bytes=512 * MIB)  # of what a job leaves behind


class Gate:
    """Lets one party through: the one that finishes, or the one that gives up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._passed = self.closed = False

    def close(self) -> bool:
        """Give up; False when the work was already finished."""
        with self._lock:
            self.closed = not self._passed
            return self.closed

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Finish, unless somebody gave up."""
        with self._lock:
            if self.closed:
                raise Unavailable("The work was given up before it ended.", "Try again.")
            yield
            self._passed = True


class Rules:
    """Counts and checks what goes into one folder."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.files = self.bytes = 0
        self._seen: dict[PathParts, PathParts] = {}

    def entry(self, path: PathParts) -> None:
        """Take note of one file or folder.

        Raises:
            InvalidInput: a hostile name, or one that is taken.
            TooLarge: too many, or too deep.
        """
        self.files += 1
        if self.files > self.limits.max_files:
            raise TooLarge(f"More than {self.limits.max_files} files and folders.", _SMALLER)
        if len(path) > self.limits.max_depth:
            raise TooLarge(f"Folders more than {self.limits.max_depth} deep.", _SMALLER)
        check_name(path[-1], self.limits.max_name_bytes)
        key = tuple(_folded(name) for name in path)
        if key in self._seen:
            first = self._seen[key]
            raise InvalidInput(
                f"Two entries are the same on some machines: {shown(first)} and {shown(path)}.",
                "Rename one: names must differ in more than case and accents' form.",
            )
        self._seen[key] = path

    def content(self, so_far: int, more: int) -> None:
        """Take note of more bytes of a file that had `so_far`.

        Raises:
            TooLarge: the file, or all of them.
        """
        self.bytes += more
        if so_far + more > self.limits.max_file_bytes:
            raise TooLarge(f"A file over {self.limits.max_file_bytes // MIB} MiB.", _SMALLER)
        if self.bytes > self.limits.max_bytes:
            raise TooLarge(f"More than {self.limits.max_bytes // MIB} MiB in all.", _SMALLER)


_SMALLER = "Leave out what is not needed to run."


def check_name(name: str, max_bytes: int = 255) -> None:
    """Refuse what is no plain file name.

    Raises:
        InvalidInput: empty, `.`, `..`, with a slash, a control character, not UTF-8, or too long.
    """
    if name in {"", ".", ".."} or "/" in name:
        raise InvalidInput(f"The path has a part {name!r}, which leads elsewhere.", _PLAIN)
    if any(unicodedata.category(letter) in _HOSTILE for letter in name):
        raise InvalidInput(f"The name {name!r} has characters that are not text.", _PLAIN)
    if len(name.encode()) > max_bytes:
        raise TooLarge(f"A name over {max_bytes} bytes: {name[:40]}…", "Use a shorter name.")


_PLAIN = "Use plain names of files inside the folder."


def shown(path: PathParts) -> str:
    """A path as a person reads it."""
    return ascii("/".join(path))[1:-1]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class FolderWriter:
    """Writes a new folder beside its place and moves it there in one step.

    Use as a context: without `commit` nothing is left behind.

    Raises:
        Conflict: the place is taken.
    """

    def __init__(self, dest: Path, limits: Limits) -> None:
        self._dest = dest
        self._staging = dest.parent / f".{dest.name[:100]}.{secrets.token_hex(8)}"
        self._rules = Rules(limits)

    def __enter__(self) -> Self:
        if os.path.lexists(self._dest):
            raise Conflict(f"{self._dest} exists already.", "Name a folder that does not exist.")
        self._staging.mkdir(mode=0o700, parents=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        shutil.rmtree(self._staging, ignore_errors=True)
        if isinstance(error, OSError):
            raise Unavailable(
                f"The folder cannot be written: {error.strerror}.", "Make room on the disk."
            ) from error

    def folder(self, path: PathParts) -> None:
        """Make a folder; its parent exists."""
        self._rules.entry(path)
        with self._parent(path) as handle:
            os.mkdir(path[-1], 0o755, dir_fd=handle)
            os.chmod(path[-1], 0o755, dir_fd=handle)  # noqa: S103 - whatever the umask is

    def file(self, path: PathParts, chunks: Iterable[bytes]) -> None:
        """Write a file; its parent exists."""
        self._rules.entry(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._parent(path) as handle:
            made = os.open(path[-1], flags, 0o600, dir_fd=handle)
        with open(made, "wb") as file:
            start, size = b"", 0
            for chunk in chunks:
                self._rules.content(size, len(chunk))
                start, size = (start + chunk[:4])[:4], size + len(chunk)
                file.write(chunk)
            os.fchmod(made, 0o755 if start.startswith(_PROGRAMS) else 0o644)

    def commit(self, gate: Gate | None = None) -> None:
        """Put the folder in its place.

        Raises:
            Conflict: the place was taken meanwhile.
            Unavailable: the gate was closed.
        """
        self._staging.chmod(0o755)
        with (gate or Gate()).passing():
            try:
                os.rename(self._staging, self._dest)
            except OSError as error:
                raise Conflict(f"{self._dest} exists already.", "Name a new folder.") from error

    @contextmanager
    def _parent(self, path: PathParts) -> Iterator[int]:
        handle = os.open(self._staging, _FOLDER)
        try:
            for name in path[:-1]:
                inner = os.open(name, _FOLDER, dir_fd=handle)
                os.close(handle)
                handle = inner
            yield handle
        finally:
            os.close(handle)


_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


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
    for root, folders, files, handle in os.fwalk(folder):
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


def _small_file(handle: int, name: str) -> str:
    """A file of patterns; empty when it is none."""
    if not stat.S_ISREG(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode):
        return ""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with open(os.open(name, flags, dir_fd=handle), "rb") as file:
        return file.read(MAX_PATTERN_BYTES).decode(errors="replace")


def _read_file(handle: int, path: PathParts, rules: Rules) -> Iterator[Entry]:
    _check_kind(handle, path, stat.S_ISREG)
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with open(os.open(path[-1], flags, dir_fd=handle), "rb") as file:
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
