"""The agent's link against real servers: it finds its way to another copy, renews its session, and loses no line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent.link.link import Identity, Link
from agent.output.spool import Spool
from agent.runs.run import Run
from agent.runs.runs import Runs
from chain.job import Resources
from chain.printed import record
from chain.wire import Offer
from scheduler.rows import tables as t
from scheduler.rows.database import Store, open_store
from scheduler.sessions.login import Terms
from scheduler.sessions.logs import START, Logs
from tests.integration.scheduler.linking import (
    DOMAIN,
    SCHEDULER,
    Copy,
    a_copy,
    job_of,
    key_of,
    status,
)
from tests.integration.scheduler.posted import claim_job, offer_job, post_job

AGENT = key_of(5)
JOB = job_of(7)
STAMP = 1767225600 * 10**9


@dataclass
class Printing:
    """A run as far as the link looks at one: claimed, with a real spool."""

    spool: Spool

    def as_run(self) -> Run:
        record = SimpleNamespace(
            job_id=JOB, attempt=1, claimed_at=1, refused="", holds_resources=False
        )
        return cast(
            Run,
            SimpleNamespace(
                key=SimpleNamespace(text=f"{JOB}/1"),
                record=record,
                container=SimpleNamespace(spool=self.spool),
                status=lambda: status(JOB, "running"),
            ),
        )

    def prints(self, *texts: str) -> None:
        self.spool.add([record(STAMP, "stdout", text).encode() for text in texts])


class OneRun(Runs):
    """Runs of which the test says which there are."""

    def __init__(self) -> None:
        super().__init__(Resources(1000, 1000, 0))
        self.shown: list[Run] = []

    def all(self) -> list[Run]:
        return self.shown


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = await open_store(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def printing(tmp_path: Path) -> Iterator[Printing]:
    spool = Spool(tmp_path / "log.jsonl")
    yield Printing(spool)
    spool.close()


@contextlib.asynccontextmanager
async def an_agent(
    home: Path, urls: tuple[str, ...], runs: OneRun, offers: list[Offer]
) -> AsyncIterator[Link]:
    who = Identity(urls, AGENT, DOMAIN, "http://127.0.0.1:5100", home, {"disk": "ssd"})
    link = Link(who, runs, offers.append)
    working = asyncio.create_task(link.work())
    try:
        yield link
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def until(holds: Any, within_s: float = 20) -> None:
    """Wait until it does."""
    async with asyncio.timeout(within_s):
        while True:
            found = holds()
            if (await found) if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.05)


async def texts(store: Store) -> list[str]:
    return [line.text for line in await Logs(store).read(JOB, START)]


async def at(copy: Copy) -> bool:
    row = await copy.agent_row(AGENT)
    return row is not None and row.session_at == copy.name and row.heartbeat is not None


async def test_the_link_signs_in_beats_and_takes_offers(store: Store, tmp_path: Path) -> None:
    offers: list[Offer] = []
    async with a_copy(store) as copy, an_agent(tmp_path, (copy.url,), OneRun(), offers) as link:
        await until(lambda: at(copy))
        assert link.connected
        assert link.scheduler == SCHEDULER
        assert (await copy.agent_row(AGENT)).attributes == {"disk": "ssd"}
        await post_job(store, JOB)
        await offer_job(store, JOB, AGENT)
        await until(lambda: bool(offers))
        link.tell(status(JOB, "accepted"))
        await until(lambda: answered(copy))


async def answered(copy: Copy) -> bool:
    return any(row.answer == "accepted" for row in await copy.rows(t.offers))


async def test_when_a_copy_dies_the_agent_goes_on_at_another_and_no_line_is_lost(
    store: Store, tmp_path: Path, printing: Printing
) -> None:
    await post_job(store, JOB)
    await claim_job(store, JOB, AGENT)
    runs = OneRun()
    runs.shown = [run := printing.as_run()]
    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(a_copy(store, "one"))
        async with a_copy(store, "two") as second:
            urls = (first.url, second.url)
            link = await stack.enter_async_context(an_agent(tmp_path, urls, runs, []))
            await until(lambda: at(first))
            printing.prints("a", "b")
            link.printed()
            await until(lambda: link.told_all(run))
            assert await texts(store) == ["a", "b"]
            printing.prints("c")
            first.server.force_exit = True
            await first.hub.close()
            first.server.servers[0].close()
            await until(lambda: at(second))
            link.printed()
            await until(lambda: link.told_all(run))
            assert await texts(store) == ["a", "b", "c"]


async def test_nothing_counts_as_told_before_it_is_stored(
    store: Store, tmp_path: Path, printing: Printing
) -> None:
    await post_job(store, JOB)
    runs = OneRun()
    runs.shown = [run := printing.as_run()]
    printing.prints("a")
    async with a_copy(store) as copy, an_agent(tmp_path, (copy.url,), runs, []) as link:
        await until(lambda: at(copy))
        link.printed()
        await asyncio.sleep(1)
        assert not link.told_all(run)  # the claim is not known here, so the line is not taken yet
        await claim_job(store, JOB, AGENT)
        await until(lambda: link.told_all(run))
    assert await texts(store) == ["a"]


async def test_a_long_log_goes_up_in_order_and_whole(
    store: Store, tmp_path: Path, printing: Printing
) -> None:
    await post_job(store, JOB)
    await claim_job(store, JOB, AGENT)
    runs = OneRun()
    runs.shown = [run := printing.as_run()]
    printed = [f"{number}" for number in range(700)]
    printing.prints(*printed)
    async with a_copy(store) as copy, an_agent(tmp_path, (copy.url,), runs, []) as link:
        await until(lambda: link.connected and link.told_all(run))
    assert [line.text for line in await Logs(store).read(JOB, START, 1000)] == printed


async def test_the_link_outlives_its_token(store: Store, tmp_path: Path) -> None:
    terms = Terms(token_s=3, heartbeat_s=1, logins_per_s=100)
    async with (
        a_copy(store, terms=terms) as copy,
        an_agent(tmp_path, (copy.url,), OneRun(), []) as link,
    ):
        await until(lambda: at(copy))
        (before,) = copy.hub.sessions()
        await asyncio.sleep(6)
        assert copy.hub.sessions() == [before]
        assert link.connected
