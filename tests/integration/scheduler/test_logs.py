"""Stored log lines have no gaps, are never doubled, and end at their limit with a notice."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from chain.errors import InvalidInput
from chain.job import JobId
from chain.wire import LogLine
from scheduler.logs import START, Logs, Position, parse_position
from scheduler.signals import Signals
from scheduler.store import Store, open_store

JOB = JobId("0x" + "01" * 32)


def lines(first: int, last: int, text: str = "x") -> list[LogLine]:
    return [LogLine(seq=i, at_ms=i, stream="stdout", text=f"{text}{i}") for i in range(first, last)]


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = await open_store(database_url)
    yield opened
    await opened.close()


async def texts(logs: Logs, after: Position = START) -> list[str]:
    return [line.text for line in await logs.read(JOB, after)]


async def test_lines_that_come_again_are_kept_once(store: Store) -> None:
    logs = Logs(store, Signals(), 10_000)
    assert await logs.append(JOB, 1, lines(0, 3)) is None
    assert await logs.append(JOB, 1, lines(1, 5)) is None
    assert await texts(logs) == ["x0", "x1", "x2", "x3", "x4"]


async def test_a_gap_is_told_and_nothing_after_it_is_stored(store: Store) -> None:
    logs = Logs(store, Signals(), 10_000)
    await logs.append(JOB, 1, lines(0, 2))
    assert await logs.append(JOB, 1, lines(4, 6)) == 2
    assert await texts(logs) == ["x0", "x1"]


async def test_reading_goes_on_after_a_position_and_over_attempts(store: Store) -> None:
    logs = Logs(store, Signals(), 10_000)
    await logs.append(JOB, 1, lines(0, 3, "first "))
    await logs.append(JOB, 2, lines(0, 2, "second "))
    assert await texts(logs, Position(1, 1)) == ["first 2", "second 0", "second 1"]


async def test_a_log_ends_at_its_limit_with_a_notice_and_its_numbers_go_on(store: Store) -> None:
    logs = Logs(store, Signals(), 300)
    assert await logs.append(JOB, 1, lines(0, 50)) is None
    kept = await logs.read(JOB, START)
    assert kept[-1].stream == "notice"
    assert "log limit" in kept[-1].text
    assert len(kept) < 10
    assert await logs.append(JOB, 1, lines(50, 60)) is None
    assert len(await logs.read(JOB, START)) == len(kept)


def test_a_position_that_is_not_ours_is_refused() -> None:
    assert parse_position("2-17") == Position(2, 17)
    assert parse_position(None) == START
    for text in ("x", "1", "1-", "-1-2", "1-2-3", "1-" + "9" * 19):
        with pytest.raises(InvalidInput):
            parse_position(text)
