"""What one scheduler notices wakes the others, also after the server was away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chain.job import JobId
from scheduler.notices import Notices
from scheduler.signals import TOUCHED, Signals, wait_for
from tests.fixtures_postgres import Postgres

JOBS = [JobId(f"0x{number:064x}") for number in range(300)]
ENDED = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'draas-notices'"


@asynccontextmanager
async def copy_of(url: str, name: str) -> AsyncIterator[Signals]:
    """Its signals, once it hears."""
    signals = Signals()
    with signals.listen("never said") as ready:
        running = asyncio.create_task(Notices(url, name, signals).run())
        assert await wait_for(ready, 10)
    yield signals
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_hint_reaches_the_other_copies_and_comes_back_to_none(postgres_url: str) -> None:
    async with copy_of(postgres_url, "one") as one, copy_of(postgres_url, "two") as two:
        with one.listen("offers") as here, two.listen("offers") as there:
            one.notify("offers")
            assert here.is_set()
            here.clear()
            assert await wait_for(there, 10)
            two.notify("agents")
            assert not await wait_for(here, 0.2)


async def test_many_changed_jobs_reach_the_other_copies_whole(postgres_url: str) -> None:
    async with copy_of(postgres_url, "one") as one, copy_of(postgres_url, "two") as two:
        with two.gather(TOUCHED) as there, two.listen(f"jobs/{JOBS[-1]}") as last:
            one.touched(JOBS)
            assert await wait_for(last, 10)
            heard = set[str]()
            while len(heard) < len(JOBS):
                heard |= await asyncio.wait_for(there.take(), 10)
        assert heard == {f"{TOUCHED}{job_id}" for job_id in JOBS}


@pytest.mark.parametrize("outage", ["the connections end", "the server is away"])
async def test_after_an_outage_everybody_looks_again_and_is_heard_again(outage: str) -> None:
    with Postgres() as server:
        url = server.create()
        async with copy_of(url, "one") as one, copy_of(url, "two") as two:
            with two.listen("work") as there:
                if outage == "the server is away":
                    server.stop()
                    one.notify("work")  # into the void
                    await asyncio.to_thread(server.start)
                else:
                    server.ask(ENDED)
                assert await wait_for(there, 20)
                for _ in range(100):  # until its own connection is back too
                    there.clear()
                    one.notify("work")
                    if await wait_for(there, 0.2):
                        break
                else:
                    raise AssertionError("never heard again")
