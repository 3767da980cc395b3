"""Stored log lines have no gaps, are never doubled, and end at their limit with a notice."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from chain import printed
from chain.job import Address
from scheduler.rows.database import Store, open_store
from scheduler.sessions.lines import cursors_of, store_lines
from scheduler.sessions.logs import START, Logs, StoredLine
from tests.integration.scheduler.linking import Sent, job_of, lines

JOB = job_of(1)
AGENT, OTHER = Address("0x" + "11" * 20), Address("0x" + "22" * 20)
RUN = (JOB, 1)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = await open_store(database_url)
    yield opened
    await opened.close()


async def keep(store: Store, given: Sent, agent: Address = AGENT, limit: int = 10_000) -> int:
    async with store.write() as tx:
        told, _ = await store_lines(tx, [given.of(agent, RUN)], limit)
        return told[RUN]


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
        chunks = [lines(0, 3).of(AGENT, RUN), lines(1, 5).of(AGENT, RUN)]
        assert (await store_lines(tx, chunks, 10_000))[0] == {RUN: 4}
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
        chunks = [lines(0, 1 + run[1]).of(AGENT, run) for run in runs]
        told, _ = await store_lines(tx, chunks, 10_000)
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


async def test_whatever_was_printed_is_stored_as_it_was(store: Store) -> None:
    odd = ["a\x00b", "\x1b[2J", "\u2028\x85\x0b\x1c\r", "", "\U0001f600"]
    body = "".join(printed.record(0, "stdout", text) for text in odd)
    await keep(store, Sent(0, body))
    assert await texts(store) == odd
