"""All readers of a log share what is read of it, and each gets every line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from chain.job import Address
from scheduler.api.tails import FRESH_BYTES, LOOK_S, Tails
from scheduler.rows.database import Store, open_store
from scheduler.sessions.lines import Kept, store_lines
from scheduler.sessions.logs import START, Logs, Position
from scheduler.signals import Signals, wait_for
from tests.integration.scheduler.linking import job_of, lines

JOB = job_of(1)
AGENT = Address("0x" + "11" * 20)
READERS = 200


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = await open_store(database_url)
    yield opened
    await opened.close()


async def keep(store: Store, first: int, last: int, attempt: int = 1) -> Kept:
    async with store.write() as tx:
        _, (kept,) = await store_lines(tx, [lines(first, last).of(AGENT, (JOB, attempt))], 10**6)
    assert kept is not None
    return kept


def tails_of(store: Store, signals: Signals) -> Tails:
    async def nothing(_: object) -> None:
        return None

    return Tails(Logs(store), signals, nothing)


async def drink(tails: Tails, signals: Signals, until: Position) -> bytes:
    """Read as a stream does, up to a position."""
    at, got = START, b""
    with signals.listen(f"logs/{JOB}") as hint, tails.reader(JOB) as feed:
        while at < until:
            hint.clear()
            piece = await tails.next(feed, at)
            if piece is None:
                await wait_for(hint, 5)
                continue
            at, got = piece.last, got + piece.events
    return got


async def test_two_hundred_readers_cost_one_read_for_what_is_new(store: Store) -> None:
    signals = Signals()
    tails = tails_of(store, signals)
    await keep(store, 0, 50)
    rounds = 10
    last = 50 + 10 * rounds
    reading = [
        asyncio.create_task(drink(tails, signals, Position(1, last - 1))) for _ in range(READERS)
    ]
    for round_ in range(rounds):
        await asyncio.sleep(0.02)
        first = 50 + 10 * round_
        await keep(store, first, first + 10)
        signals.notify(f"logs/{JOB}")
    found = set(await asyncio.gather(*reading))
    assert len(found) == 1
    assert found.pop().count(b"event: log") == last
    # One for the beginning and one for each round; a reader that is late finds nothing new once more.
    assert tails.logs.reads._value.get() <= 2 * rounds + 4
    assert not tails._pieces
    assert not tails._feeds


async def test_what_was_stored_here_just_now_is_read_from_no_row(store: Store) -> None:
    signals = Signals()
    tails = tails_of(store, signals)
    await keep(store, 0, 5)
    with tails.reader(JOB):  # somebody reads all the time
        await drink(tails, signals, Position(1, 4))
        reads = tails.logs.reads._value.get()
        for first in range(5, 55, 10):
            tails.heard((JOB, 1), await keep(store, first, first + 10))
            signals.notify(f"logs/{JOB}")
        with tails.reader(JOB) as feed:
            at = Position(1, 4)
            while (piece := await tails.next(feed, at)) is not None:
                at = piece.last
        assert at == Position(1, 54)
        assert tails.logs.reads._value.get() == reads
        await keep(store, 55, 60)  # by another copy, which tells nobody here
        await asyncio.sleep(LOOK_S)
        piece = await tails.next(feed, at)
        assert piece is not None
        assert piece.last == Position(1, 59)


async def test_of_what_nobody_reads_no_more_is_kept_than_may_be_read_soon(store: Store) -> None:
    tails = tails_of(store, Signals())
    body = b"x" * (FRESH_BYTES // 4)
    with tails.reader(JOB) as feed:
        for first in range(20):
            tails.heard((JOB, 1), Kept(first, 1, body))
        assert sum(len(part.body) for part in feed.fresh.values()) == FRESH_BYTES
        assert Position(1, 18) in feed.fresh


async def test_lines_of_an_attempt_before_that_come_late_are_still_read_by_who_begins(
    store: Store,
) -> None:
    signals = Signals()
    tails = tails_of(store, signals)
    await keep(store, 0, 2)
    await keep(store, 0, 2, attempt=2)
    with tails.reader(JOB):  # somebody reads all the time
        await drink(tails, signals, Position(2, 1))
        await keep(store, 2, 4)
        late = await drink(tails, signals, Position(2, 1))
    assert [part.split(b"\n")[0] for part in late.split(b"id: ")[1:]] == [
        b"1-0", b"1-1", b"1-2", b"1-3", b"2-0", b"2-1",
    ]  # fmt: skip


async def test_the_last_lines_are_found_over_attempts(store: Store) -> None:
    logs = Logs(store)
    await keep(store, 0, 3)
    await keep(store, 3, 5)
    await keep(store, 0, 2, attempt=2)
    found = [
        [line.at for line in await logs.read(JOB, await logs.before_last(JOB, n))] for n in range(9)
    ]
    everything = [line.at for line in await logs.read(JOB, START)]
    assert found == [everything[len(everything) - n :] if n < 7 else everything for n in range(9)]
