"""Stored lines have numbers that never change, outlive a crash, end at their limit, and take no memory."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.output.spool import Spool
from chain.printed import record

SECOND = 10**9


def line(second: float, text: str) -> bytes:
    return record(int(second * SECOND), "stdout", text).encode()


def texts(spool: Spool, after: int = -1, limit: int = 10**6) -> list[str]:
    return [one.text for one in spool.read(after, limit)]


def test_a_stored_line_that_a_crash_cut_off_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "log"
    spool = Spool(path)
    spool.add([line(1, "whole"), line(2, "cut")])
    spool.close()
    path.write_bytes(path.read_bytes()[:-4])
    again = Spool(path)
    assert texts(again) == ["whole"]
    again.add([line(2, "cut")])
    assert [one.seq for one in again.read(-1, 9)] == [0, 1]
    again.close()


def test_past_the_limit_there_is_one_notice_and_nothing_more_also_later(tmp_path: Path) -> None:
    path = tmp_path / "log"
    spool = Spool(path, max_bytes=300)
    assert not spool.add([line(1, "x" * 50) for _ in range(5)])
    assert not spool.add([line(1, "x")])
    assert [one.stream for one in spool.read(-1, 9)] == ["stdout", "stdout", "notice"]
    spool.close()
    again = Spool(path, max_bytes=300)
    assert again.full
    assert not again.add([line(1, "x")])
    assert again.length == 3
    again.close()


@settings(max_examples=30)
@given(
    st.lists(st.lists(st.integers(0, 3000), max_size=20), max_size=12),
    st.lists(st.integers(-1, 250), max_size=10),
)
def test_reading_goes_on_from_any_line(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]], cursors: list[int]
) -> None:
    path = tmp_path_factory.mktemp("spool") / "log"
    spool, told = Spool(path), list[str]()
    for batch in batches:
        some = [f"{len(told) + i} " + "x" * size for i, size in enumerate(batch)]
        spool.add([line(1, text) for text in some])
        told += some
    reopened = Spool(path)
    for one in (spool, reopened):
        assert one.length == len(told)
        for after in cursors:
            assert texts(one, after) == told[after + 1 :]
            body, count = one.packed(after, 2000)
            assert body.count(b"\n") == count
            assert (len(body) <= 2000) or count == 1
            assert bool(count) == (after + 1 < len(told))
        one.close()


def test_a_disk_that_is_full_leaves_no_half_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path / "log")
    spool.add([line(1, "before")])
    write, left = os.write, iter([5])

    def some_of_it(file: int, data: bytes) -> int:
        room = next(left, None)
        if room is None:
            raise OSError(28, "No space left on device")
        return write(file, data[:room])

    monkeypatch.setattr(os, "write", some_of_it)
    with pytest.raises(OSError, match="No space"):
        spool.add([line(2, "lost")])
    monkeypatch.undo()
    spool.add([line(2, "after")])
    assert texts(spool) == ["before", "after"]
    spool.close()


def test_reading_the_engine_goes_on_two_seconds_before_the_last_line(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "log")
    assert spool.resume_at() == (0, [])
    many = [line(1 + i / 1000, "x" * 100) for i in range(5000)]
    spool.add(many)
    spool.add([record(9 * SECOND, "notice", "not the Engine's").encode()])
    since, known = spool.resume_at()
    assert since == 3
    assert known == [one[:19] for one in many if one[:10] >= b"0000000003"]
    spool.close()


def test_fifty_full_spools_take_little_memory(tmp_path: Path) -> None:
    batch = [line(1, "x" * 480)] * 500
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        spools = [Spool(tmp_path / f"{number}", max_bytes=1024**2) for number in range(50)]
        for spool in spools:
            while spool.add(batch):
                spool.packed(spool.length - 100)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    stored = sum((tmp_path / f"{number}").stat().st_size for number in range(50))
    assert stored > 45 * 1024**2
    assert grown < stored / 500
    for spool in spools:
        spool.close()


def test_a_notice_of_the_agents_own_is_added_once_and_asks_nothing_of_the_engine_again(
    tmp_path: Path,
) -> None:
    spool = Spool(tmp_path / "log", max_bytes=1000)
    for _ in range(2):
        spool.note(1_700_000_000_000, "begun")
    spool.add([line(1_700_000_001, "one")])
    for _ in range(2):
        spool.note(1_700_000_002_000, "started again")
    assert texts(spool) == ["begun", "one", "started again"]
    assert [one.stream for one in spool.read(-1, 9)] == ["notice", "stdout", "notice"]
    since, known = spool.resume_at()
    assert (since, len(known)) == (1_699_999_999, 1)
    assert not spool.full
    spool.note(1_700_000_003_000, "x" * 2000)
    assert spool.length == 3
    spool.close()
