"""Folders that somebody else has filled."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

SECRET = "secret"  # a file beside the folder


def a_socket(folder: Path) -> None:
    here = os.getcwd()
    os.chdir(folder)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind("s")
    finally:
        os.chdir(here)


def deep(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    for _ in range(38):
        os.mkdir("d" * 20, dir_fd=handle)
        inner = os.open("d" * 20, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(handle)


def large(folder: Path) -> None:
    with (folder / "hole").open("wb") as file:
        file.truncate(2**40)


def many_large(folder: Path) -> None:
    for number in range(6):
        with (folder / f"hole{number}").open("wb") as file:
            file.truncate(99 * 2**20)


def many(folder: Path) -> None:
    for number in range(10_001):
        (folder / f"f{number}").touch()


def twins(one: str, other: str) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        (folder / one).write_text("1")
        (folder / other).write_text("2")

    return make


def called(name: bytes) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        os.close(os.open(os.path.join(os.fsencode(folder), name), os.O_CREAT | os.O_WRONLY))

    return make


def ignoring(pattern: str) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        (folder / ".gitignore").write_text(pattern)
        (folder / ("a" * 200)).write_text("1")

    return make


LINK, KIND, THE_SAME = "symbolic link", "neither a file nor a folder", "the same on some machines"
FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a link out": (lambda f: (f / "a").symlink_to(f.parent / SECRET), LINK),
    "a link to a folder": (lambda f: (f / "a").symlink_to("/etc"), LINK),
    "a link inside": (lambda f: (f / "a").symlink_to("b"), LINK),
    "a link to itself": (lambda f: (f / "a").symlink_to("a"), LINK),
    "a link to its own folder": (lambda f: (f / "a").symlink_to("."), LINK),
    "a link for its manifest": (lambda f: (f / "draas.yaml").symlink_to(f.parent / SECRET), LINK),
    "a link for its patterns": (lambda f: (f / ".gitignore").symlink_to(f.parent / SECRET), LINK),
    "a pipe": (lambda f: os.mkfifo(f / "p"), KIND),
    "a pipe of patterns": (lambda f: os.mkfifo(f / ".gitignore"), KIND),
    "a socket": (a_socket, KIND),
    "deep": (deep, "deep"),
    "one that is large": (large, "A file over"),
    "many that are large": (many_large, "in all"),
    "many": (many, "More than 1000"),
    "case twins": (twins("A", "a"), THE_SAME),
    "accent twins": (twins("\u00e9", "e\u0301"), THE_SAME),
    "width twins": (twins("ab", "a\ufeffb"), THE_SAME),
    "dot twins": (twins("a", "a."), THE_SAME),
    "backslash": (called(b"..\\x"), "backslash"),
    "escape codes": (called(b"\x1b[2J"), "not text"),
    "not UTF-8": (called(b"\xff\xfe"), "not text"),
    "told backwards": (called("a\u202eb".encode()), "not text"),
    "a pattern that never ends": (ignoring("*a" * 30 + "b\n"), "pattern"),
    "a pattern that is none": (ignoring("!\n"), "pattern"),
    "a pattern of a megabyte": (ignoring("x" * 2**20), "pattern"),
}
