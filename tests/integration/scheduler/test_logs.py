"""Stored log lines are read on from any position, over all attempts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from chain.errors import InvalidInput
from chain.job import Address
from scheduler.rows.database import Store, open_store
from scheduler.sessions.lines import store_lines
from scheduler.sessions.logs import START, Logs, Position, bytes_kept, parse_position
from tests.integration.scheduler.linking import job_of, lines

JOB = job_of(1)
AGENT = Address("0x" + "11" * 20)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = await open_store(database_url)
    yield opened
    await opened.close()


async def test_reading_goes_on_after_a_position_and_over_attempts(store: Store) -> None:
    async with store.write() as tx:
        chunks = [
            lines(0, 3, "first ").of(AGENT, (JOB, 1)),
            lines(0, 2, "second ").of(AGENT, (JOB, 2)),
        ]
        await store_lines(tx, chunks, 10_000)
    logs = Logs(store)
    assert [line.text for line in await logs.read(JOB, Position(1, 1))] == [
        "first 2",
        "second 0",
        "second 1",
    ]
    assert len(await logs.read(JOB, START)) == 5
    async with store.read() as tx:
        assert await bytes_kept(tx) > 0


def test_a_position_that_is_not_ours_is_refused() -> None:
    assert parse_position("2-17") == Position(2, 17)
    assert parse_position(None) == START
    for text in ("x", "1", "1-", "-1-2", "1-2-3", "1-" + "9" * 19):
        with pytest.raises(InvalidInput):
            parse_position(text)
