"""Whatever a program leaves in its results folder, what is taken over is plain, bounded, and fit for IPFS."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent.container import results
from agent.container.results import Taken, left_words, take_over
from agent.runs.collect import time_left
from agent.runs.look import Seen
from chain.folder import RESULT_LIMITS
from chain.folder_reader import read_folder
from chain.job import Rates
from tests.unit.agent.builders import NOW, on_chain

MIB = 1024 * 1024
NAMES = "whose name is not plain text, or differs from another only in case"
DEEP = "too many, too deep, or with too long a name"


def taken(source: Path, make: Callable[[Path], object], max_bytes: int = MIB) -> Taken:
    """What is taken of a folder with one good file and what `make` adds; IPFS would take all of it."""
    space, target = source / "space", source / "results"
    space.mkdir()
    (space / "good").write_text("good")
    make(space)
    found = take_over(space, target, max_bytes)
    read = [entry.file.read() for entry in read_folder(target, RESULT_LIMITS) if entry.file]
    assert (len(read), sum(map(len, read))) == (found.files, found.bytes)
    assert (target / "good").read_text() == "good"
    assert not [path for path in target.rglob("*") if path.is_symlink()]
    return found


def deep(space: Path) -> None:
    place = space
    for _ in range(40):
        place /= "d"
        place.mkdir()
    (place / "file").write_text("x")


def sparse(space: Path) -> None:
    with (space / "hole").open("wb") as file:
        file.truncate(10**12)


def badly_named(space: Path) -> None:
    for name in (b"\xff\xfe", b"a\nb", b"\x1b[31m"):
        (Path(os.fsdecode(os.fsencode(space) + b"/" + name))).write_text("x")
    for alike in ("same", "Same"):
        (space / alike).write_text("x")


@pytest.mark.parametrize(
    ("make", "left"),
    [
        (lambda space: (space / "link").symlink_to("/etc/passwd"), {"links": 1}),
        (lambda space: (space / "root").symlink_to("/"), {"links": 1}),
        (lambda space: os.mkfifo(space / "pipe"), {"devices, pipes or sockets": 1}),
        (lambda space: (space / ".git").mkdir(), {"named .git": 1}),
        (deep, {DEEP: 1}),
        (sparse, {"beyond 1 MiB in all": 1}),
        (lambda space: (space / "hard").hardlink_to(space / "good"), {}),
    ],
    ids=["link to a file", "link to a folder", "pipe", "git", "deep", "sparse", "hard link"],
)
def test_what_cannot_be_stored_is_left_out_and_counted(
    tmp_path: Path, make: Callable[[Path], object], left: dict[str, int]
) -> None:
    assert taken(tmp_path, make).left == left


def test_names_that_are_not_plain_or_collide_are_left_out(tmp_path: Path) -> None:
    found = taken(tmp_path, badly_named)
    assert (found.files, found.left) == (2, {NAMES: 4})


def test_huge_counts_and_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(RESULT_LIMITS, max_files=100)
    monkeypatch.setattr(results, "RESULT_LIMITS", few)

    def many(top: Path) -> None:
        space = top / "z"
        space.mkdir()
        for number in range(few.max_files + 50):
            (space / f"{number:06}").touch()
        for name, size in (("big", MIB // 2), ("bigger", MIB)):
            (top / name).write_bytes(b"x" * size)

    found = taken(tmp_path, many)
    assert found.files < few.max_files
    assert found.bytes == MIB // 2 + len("good")
    assert found.left == {DEEP: 53, "beyond 1 MiB in all": 1}


def test_a_file_that_grows_while_it_is_copied_is_taken_as_long_as_it_was(tmp_path: Path) -> None:
    space = tmp_path / "space"
    space.mkdir()
    (space / "a").write_bytes(b"x" * 100)
    assert take_over(space, tmp_path / "one", 100).bytes == 100
    assert take_over(space, tmp_path / "two", 99).left == {"beyond 0 MiB in all": 1}


def test_when_the_time_is_over_the_rest_is_left_out(tmp_path: Path) -> None:
    space = tmp_path / "space"
    space.mkdir()
    (space / "a").write_text("a")
    found = take_over(space, tmp_path / "results", MIB, until=time.monotonic() - 1)
    assert (found.files, found.left) == (0, {"for which there was no time": 1})
    told = left_words({"links": 2, "named .git": 1})
    assert told == "Left out of the results: 2 links, 1 named .git."
    assert left_words({}) == ""


def test_results_have_the_time_that_the_last_report_leaves() -> None:
    seen = Seen(on_chain(deadline=NOW + 100), Rates(0, 0, 0, 0), 1, NOW)
    assert time_left(None, NOW, 30) == 120
    assert time_left(seen, NOW, 30) == 115
    assert time_left(seen, NOW + 110, 30) == 5
    assert time_left(seen, NOW + 116, 30) == 0
