"""Stored log lines have no gaps, are never doubled, and end at their limit with a notice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from chain.job import Address
from chain.wire import LogLine
from scheduler.rows.database import Store, open_store
from scheduler.sessions.lines import Chunk, cursors_of, store_lines
from scheduler.sessions.logs import START, Logs, StoredLine
from tests.integration.scheduler.linking import job_of, lines

JOB = job_of(1)
AGENT, OTHER = Address("0x" + "11" * 20), Address("0x" + "22" * 20)
RUN = (JOB, 1)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = await open_store(database_url)
    yield opened
    await opened.close()


async def keep(
    store: Store, given: Sequence[LogLine], agent: Address = AGENT, limit: int = 10_000
) -> int:
    async with store.write() as tx:
        return (await store_lines(tx, [Chunk(agent, RUN, given)], limit))[RUN]


async def kept(store: Store) -> list[StoredLine]:
    return await Logs(store).read(JOB, START)


async def texts(store: Store) -> list[str]:
    return [line.text for line in await kept(store)]


async def test_lines_that_come_again_are_kept_once(store: Store) -> None:
    assert await keep(store, lines(0, 3)) == 2
    assert await keep(store, lines(1, 5)) == 4
    assert await texts(store) == ["x0", "x1", "x2", "x3", "x4"]


async def test_lines_that_come_again_in_one_transaction_are_kept_once(store: Store) -> None:
    async with store.write() as tx:
        chunks = [Chunk(AGENT, RUN, lines(0, 3)), Chunk(AGENT, RUN, lines(1, 5))]
        assert await store_lines(tx, chunks, 10_000) == {RUN: 4}
    assert await texts(store) == ["x0", "x1", "x2", "x3", "x4"]


async def test_nothing_after_a_gap_is_stored_and_the_answer_says_from_where_to_go_on(
    store: Store,
) -> None:
    await keep(store, lines(0, 2))
    assert await keep(store, lines(4, 6)) == 1
    assert await texts(store) == ["x0", "x1"]


async def test_many_runs_are_stored_together_each_with_its_own_numbers(store: Store) -> None:
    runs = [(job_of(number), attempt) for number in range(1, 40) for attempt in (1, 2)]
    async with store.write() as tx:
        chunks = [Chunk(AGENT, run, lines(0, 1 + run[1])) for run in runs]
        told = await store_lines(tx, chunks, 10_000)
    assert told == {run: run[1] for run in runs}
    async with store.read() as tx:
        assert await cursors_of(tx, AGENT, runs) == {run: run[1] for run in runs}


async def test_a_log_ends_at_its_limit_with_a_notice_and_its_numbers_go_on(store: Store) -> None:
    assert await keep(store, lines(0, 50), limit=300) == 49
    found = await kept(store)
    assert found[-1].stream == "notice"
    assert "log limit" in found[-1].text
    assert len(found) < 10
    assert await keep(store, lines(50, 60), limit=300) == 59
    assert len(await kept(store)) == len(found)


async def test_an_attempt_that_went_to_another_agent_keeps_what_the_first_one_told(
    store: Store,
) -> None:
    """A reorganisation can undo a claim: the lines of it were read already, and the new ones begin at 0 again."""
    await keep(store, lines(0, 3, "first "))
    assert await keep(store, lines(0, 2, "second "), OTHER) == 1
    assert await texts(store) == ["first 0", "first 1", "first 2", "second 0", "second 1"]
    async with store.read() as tx:
        found = {who: await cursors_of(tx, who, [RUN]) for who in (AGENT, OTHER)}
    assert found == {AGENT: {}, OTHER: {RUN: 1}}


async def test_text_that_no_database_takes_is_stored_with_a_replacement(store: Store) -> None:
    await keep(store, [LogLine(seq=0, at_ms=0, stream="stdout", text="a\x00b")])
    assert await texts(store) == ["a\ufffdb"]
