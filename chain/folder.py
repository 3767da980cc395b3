"""Folders of strangers: read without following links, written whole or not at all, within limits.

Both unpackers (tar and CAR) write through `FolderWriter`, and everything that is packed or added
is read through `chain.folder_reader`, so one set of rules holds for what a name and a size may be.
"""

from __future__ import annotations

import os
import secrets
import shutil
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from chain.errors import Conflict, InvalidInput, TooLarge, Unavailable

MIB = 1024 * 1024
LEFT_OUT = ".git"
_PROGRAMS = (b"#!", b"\x7fELF")
_HOSTILE = {"Cc", "Cs", "Zl", "Zp"}  # control, half of a pair, line and paragraph breaks
# What turns the direction of writing, so that a name reads as another (UAX 9).
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

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
                "Rename one: names must differ in more than case, accents' form and what has no width.",
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
        InvalidInput: empty, nothing but dots and spaces, with a slash of either kind, a control character, not UTF-8.
        TooLarge: too long.
    """
    if not name.strip(". ") or "/" in name:
        raise InvalidInput(f"The path has a part {_cut(name)}, which leads elsewhere.", _PLAIN)
    if "\\" in name:
        raise InvalidInput(f"{_cut(name)} has a backslash, a path on some machines.", _PLAIN)
    if not name.isascii() or not name.isprintable():
        _check_letters(name)
    if len(name.encode()) > max_bytes:
        raise TooLarge(f"A name over {max_bytes} bytes: {name[:40]}…", "Use a shorter name.")


def _check_letters(name: str) -> None:
    if _TURNING & set(name) or any(unicodedata.category(one) in _HOSTILE for one in name):
        raise InvalidInput(f"The name {_cut(name)} has characters that are not text.", _PLAIN)


def _cut(name: str) -> str:
    return ascii(name[:200])


_PLAIN = "Use plain names of files inside the folder."


def shown(path: PathParts) -> str:
    """A path as a person reads it."""
    return ascii("/".join(path))[1:-1]


def _folded(name: str) -> str:
    """As the least careful file system takes it: case, accents' form, what has no width and what Windows drops at the
    end make no difference."""
    if not name.isascii():
        name = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
        name = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    return name.casefold().rstrip(". ")


class FolderWriter:
    """Writes a new folder beside its place and moves it there in one step.

    Use as a context: without `commit` nothing is left behind.

    Raises:
        Conflict: the place is taken.
    """

    def __init__(self, dest: Path, limits: Limits) -> None:
        self._dest = dest
        self._staging = dest.parent / f".new-{secrets.token_hex(8)}"
        self._rules = Rules(limits)
        self._held: tuple[PathParts, int] | None = None  # the folder last written into, open

    def __enter__(self) -> Self:
        if os.path.lexists(self._dest):
            raise Conflict(f"{self._dest} exists already.", "Name a folder that does not exist.")
        try:
            self._staging.mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise _unwritten(error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._let_go()
        shutil.rmtree(self._staging, ignore_errors=True)
        if isinstance(error, OSError):
            raise _unwritten(error) from error

    def folder(self, path: PathParts) -> None:
        """Make a folder; its parent exists."""
        self._rules.entry(path)
        handle = self._parent(path)
        os.mkdir(path[-1], 0o755, dir_fd=handle)
        os.chmod(path[-1], 0o755, dir_fd=handle)  # noqa: S103 - whatever the umask is

    def file(self, path: PathParts, chunks: Iterable[bytes]) -> None:
        """Write a file; its parent exists."""
        self._rules.entry(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        made = os.open(path[-1], flags, 0o600, dir_fd=self._parent(path))
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

    def _parent(self, path: PathParts) -> int:
        """A handle of the folder that a path is in, good until the next path."""
        if self._held is None or self._held[0] != path[:-1]:
            self._let_go()
            self._held = path[:-1], self._opened(path[:-1])
        return self._held[1]

    def _opened(self, path: PathParts) -> int:
        handle = os.open(self._staging, _FOLDER)
        for name in path:
            try:
                inner = os.open(name, _FOLDER, dir_fd=handle)
            finally:
                os.close(handle)
            handle = inner
        return handle

    def _let_go(self) -> None:
        if self._held is not None:
            os.close(self._held[1])
        self._held = None


def _unwritten(error: OSError) -> Unavailable:
    return Unavailable(f"The folder cannot be written: {error.strerror}.", "Make room on the disk.")


_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
