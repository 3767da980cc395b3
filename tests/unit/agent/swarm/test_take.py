"""Results come as an archive whose content a stranger wrote."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from agent.swarm.take import take_archive


def an_archive(*members: tuple[str, bytes | str | None]) -> list[bytes]:
    """Files (bytes), links (text) and folders (None), in odd chunks."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
            else:
                info.type = tarfile.DIRTYPE if content is None else tarfile.SYMTYPE
                info.linkname = content or ""
            archive.addfile(info, io.BytesIO(content if isinstance(content, bytes) else b""))
    data = whole.getvalue()
    return [data[i : i + 777] for i in range(0, len(data), 777)]


def test_files_and_folders_are_taken_and_links_are_left(tmp_path: Path) -> None:
    chunks = an_archive(
        ("output", None), ("output/a", b"x" * 3000), ("output/d", None), ("output/d/f", b""),
        ("output/link", "/etc/passwd"), ("output/d/up", ".."),
    )  # fmt: skip
    taken = take_archive(chunks, tmp_path / "r", 10_000)
    assert (taken.files, taken.bytes, sum(taken.left.values())) == (2, 3000, 2)
    found = {str(p.relative_to(tmp_path / "r")): p for p in (tmp_path / "r").rglob("*")}
    assert sorted(found) == ["a", "d", "d/f"]
    assert found["a"].read_bytes() == b"x" * 3000


@pytest.mark.parametrize("name", ["../a", "/etc/a", "output/../../a", "output/" + "d/" * 40 + "a"])
def test_paths_that_lead_elsewhere_are_left(tmp_path: Path, name: str) -> None:
    taken = take_archive(an_archive((name, b"x")), tmp_path / "r", 100)
    assert (taken.files, sum(taken.left.values())) == (0, 1)
    assert [p.name for p in tmp_path.rglob("*")] == ["r"]


def test_a_file_below_a_links_name_lands_inside_since_no_link_is_made(tmp_path: Path) -> None:
    chunks = an_archive(("output/x", str(tmp_path)), ("output/x/evil", b"x"))
    assert take_archive(chunks, tmp_path / "r", 100).files == 1
    assert (tmp_path / "r" / "x" / "evil").read_bytes() == b"x"
    assert not (tmp_path / "evil").exists()


def test_no_file_is_begun_that_would_go_past_the_limit(tmp_path: Path) -> None:
    chunks = an_archive(("output/a", b"x" * 60), ("output/b", b"x" * 60), ("output/c", b"x" * 40))
    taken = take_archive(chunks, tmp_path / "r", 100)
    assert (taken.files, taken.bytes, sum(taken.left.values())) == (2, 100, 1)


def test_an_archive_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    chunks = an_archive(("output/a", b"x" * 5000))
    with pytest.raises(OSError, match="cannot be read"):
        take_archive(chunks[:2], tmp_path / "r", 10_000)


def test_what_the_store_would_refuse_is_left_out_and_the_rest_is_taken(tmp_path: Path) -> None:
    chunks = an_archive(
        ("output/a", b"1"), ("output/A", b"2"), ("output/b\x1b", b"3"), ("output/.git", None),
        ("output/.git/config", b"4"), ("output/last", b"5"),
    )  # fmt: skip
    taken = take_archive(chunks, tmp_path / "r", 100)
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == ["a", "last"]
    assert (taken.files, sum(taken.left.values())) == (2, 4)


def test_nothing_is_begun_after_the_time_that_there_is(tmp_path: Path) -> None:
    taken = take_archive(an_archive(("output/a", b"1")), tmp_path / "r", 100, until=0.0)
    assert (taken.files, dict(taken.left)) == (0, {"for which there was no time": 1})
