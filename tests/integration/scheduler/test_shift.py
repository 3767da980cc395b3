"""Several processes on one database: a job is with one of them at a time, and whoever lost its lease writes nothing."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from chain.job import JobId
from scheduler.rows import tables as t
from scheduler.rows.database import Store, open_store
from scheduler.rows.leases import wake

BLANK = {"phase": "fetching", "why": "", "since": 0, "due_at": 0, "tries": 0}
LEASE_S = 3


@dataclass
class Copies:
    """Processes that share the work, and what they wrote down."""

    url: str
    file: Path
    store: Store

    @contextmanager
    def running(self, count: int, step_s: float) -> Iterator[list[subprocess.Popen[bytes]]]:
        module = "tests.integration.scheduler.sharing"
        arguments = [self.url, str(self.file), str(LEASE_S), str(step_s)]
        command = [sys.executable, "-m", module, *arguments]
        processes = [subprocess.Popen(command) for _ in range(count)]
        try:
            yield processes
        finally:
            for process in processes:
                process.kill()
                process.wait()

    def told(self, word: str) -> list[list[str]]:
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return [line.split() for line in lines if line.split()[2] == word]

    async def until(self, done: Callable[[], bool], within_s: float = 60) -> None:
        ends = time.monotonic() + within_s
        while not done():
            assert time.monotonic() < ends, self.file.read_text()
            await asyncio.sleep(0.05)

    async def add(self, count: int) -> list[JobId]:
        jobs = [JobId(f"0x{number:064x}") for number in range(count)]
        rows = [BLANK | {"job_id": job, "lease_until_ms": 0, "lease_epoch": 0} for job in jobs]
        async with self.store.write() as tx:
            await tx.execute(insert(t.work), rows)
        return jobs

    def at_once(self) -> int:
        """The most processes that ever were at one job, by the times at which they began and ended."""
        lines = [line.split() for line in self.file.read_text().splitlines()]
        most, now = 0, Counter[str]()
        for _, _, word, *rest in sorted(lines, key=lambda line: int(line[0])):
            if word in ("begun", "ended"):
                now[rest[0]] += 1 if word == "begun" else -1
                most = max(most, now[rest[0]])
        return most


@pytest.fixture
async def copies(database_url: str, tmp_path: Path) -> AsyncIterator[Copies]:
    store = await open_store(database_url)
    yield Copies(database_url, tmp_path / "told", store)
    await store.close()


@pytest.mark.parametrize("count", [2, 5])
async def test_each_job_is_worked_on_by_one_process_at_a_time(copies: Copies, count: int) -> None:
    jobs = await copies.add(60)
    with copies.running(count, step_s=0.05):
        for rounds in (1, 2, 3):
            await copies.until(lambda: len(copies.told("ended")) == 60 * rounds)  # noqa: B023
            async with copies.store.write() as tx:
                await tx.execute(update(t.work).values(due_at=0))
        await copies.until(lambda: len(copies.told("ended")) == 240)
    assert copies.at_once() == 1
    assert len({pid for _, pid, *_ in copies.told("ended")}) == count
    async with copies.store.read() as tx:
        assert set((await tx.execute(select(t.work.c.tries))).scalars()) == {4}
    assert len(jobs) == 60


async def test_the_jobs_of_a_killed_process_are_taken_by_another_when_their_leases_run_out(
    copies: Copies,
) -> None:
    await copies.add(8)
    with copies.running(1, step_s=600) as (first,):
        await copies.until(lambda: len(copies.told("begun")) == 8)
        first.kill()
        with copies.running(1, step_s=0):
            await copies.until(lambda: len(copies.told("ended")) == 8)


async def test_a_process_that_is_told_to_stop_gives_its_jobs_back_at_once(copies: Copies) -> None:
    await copies.add(3)
    with copies.running(1, step_s=600) as (first,):
        await copies.until(lambda: len(copies.told("begun")) == 3)
        first.send_signal(signal.SIGTERM)
        await asyncio.to_thread(first.wait, 30)
    async with copies.store.read() as tx:
        rows = (await tx.execute(select(t.work))).all()
    assert {(row.lease_owner, row.lease_until_ms) for row in rows} == {(None, 0)}
    assert all(row.due_at < time.time() for row in rows)


async def test_a_short_step_is_let_finish_when_its_process_is_told_to_stop(copies: Copies) -> None:
    await copies.add(1)
    with copies.running(1, step_s=1) as (first,):
        await copies.until(lambda: len(copies.told("begun")) == 1)
        first.send_signal(signal.SIGTERM)
        await asyncio.to_thread(first.wait, 30)
    assert len(copies.told("ended")) == 1


async def test_a_process_frozen_beyond_its_lease_writes_nothing_when_it_goes_on(
    copies: Copies,
) -> None:
    await copies.add(1)
    with copies.running(1, step_s=0.5) as (frozen,):
        await copies.until(lambda: len(copies.told("begun")) == 1)
        frozen.send_signal(signal.SIGSTOP)
        with copies.running(1, step_s=0):
            await copies.until(lambda: len(copies.told("ended")) == 1)
        frozen.send_signal(signal.SIGCONT)
        await copies.until(lambda: len(copies.told("lost")) == 1)
    (end,) = copies.told("ended")
    assert end[4] == "2"
    async with copies.store.read() as tx:
        assert (await tx.execute(select(t.work.c.tries))).scalar() == 1


async def test_a_long_step_keeps_its_lease_while_its_process_lives(copies: Copies) -> None:
    await copies.add(1)
    with copies.running(2, step_s=2.5 * LEASE_S):
        await copies.until(lambda: len(copies.told("ended")) == 1)
    assert len(copies.told("begun")) == 1


async def test_an_event_during_a_step_makes_the_job_due_at_once_when_it_ends(
    copies: Copies,
) -> None:
    (job,) = await copies.add(1)
    with copies.running(1, step_s=1):
        await copies.until(lambda: len(copies.told("begun")) == 1)
        async with copies.store.write() as tx:
            await wake(tx, [job])
        await copies.until(lambda: len(copies.told("ended")) == 2)
