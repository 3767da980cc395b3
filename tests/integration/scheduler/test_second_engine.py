"""An Engine that is killed, or whose disk fills up, in the middle of a build: a second one that is the test's own."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from scheduler.decide.reconcile import Image, Postponed, Refused
from scheduler.rows import tables as t
from tests.integration.scheduler.bench import Bench
from tests.second_engine import SecondEngine, second_engine

pytestmark = pytest.mark.skipif(
    os.getuid() != 0, reason="an Engine and a disk of its own need root"
)


@pytest.fixture(scope="module")
def engine() -> Iterator[SecondEngine]:
    with second_engine() as one:
        one.have("busybox:latest")
        yield one


@pytest.fixture
def on_it(bench: Bench, engine: SecondEngine, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("DOCKER_HOST", engine.address)
    return bench


async def test_an_engine_that_is_killed_in_the_middle_of_a_build_builds_it_when_it_is_back(
    on_it: Bench, engine: SecondEngine, tmp_path: Path
) -> None:
    job = await on_it.job(tmp_path / "slow", "FROM busybox\nRUN echo begun && sleep 8\n")
    on_it.builder.request(job)
    await on_it.until_it_runs(job)
    engine.end(signal.SIGKILL)
    later = await on_it.outcome(job)
    assert isinstance(later, Postponed), later
    await asyncio.to_thread(engine.start)
    async with on_it.rows.store.write() as tx:
        await tx.execute(update(t.builds).values(postponed_until=None))
    assert isinstance(await on_it.outcome(job), Image)


async def test_an_engine_that_is_stopped_in_good_order_refuses_no_bundle(
    on_it: Bench, engine: SecondEngine, tmp_path: Path
) -> None:
    """It kills the build's container: what comes back looks like a program that failed."""
    job = await on_it.job(tmp_path / "stopped", "FROM busybox\nRUN echo begun && sleep 30\n")
    on_it.builder.request(job)
    await on_it.until_it_runs(job)
    await asyncio.to_thread(engine.end, signal.SIGTERM)
    later = await on_it.outcome(job)
    assert isinstance(later, Postponed), later
    await asyncio.to_thread(engine.start)


async def test_a_disk_that_fills_up_under_a_build_refuses_no_bundle(
    on_it: Bench, engine: SecondEngine, tmp_path: Path
) -> None:
    text = "FROM busybox\nRUN echo begun && sleep 2 && dd if=/dev/zero of=/big bs=1M count=64\n"
    job = await on_it.job(tmp_path / "big", text)
    on_it.builder.request(job)
    await on_it.until_it_runs(job)
    filler = engine.disk / "filler"
    room = os.statvfs(engine.disk)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, (room.f_bavail - 2000) * room.f_frsize)
    later = await on_it.outcome(job)
    assert isinstance(later, Postponed), later
    assert "no room on its disk" in later.why
    filler.unlink()
    async with on_it.rows.store.write() as tx:
        await tx.execute(update(t.builds).values(postponed_until=None))
    assert isinstance(await on_it.outcome(job), Image)


async def test_a_program_that_fails_is_still_refused_there(on_it: Bench, tmp_path: Path) -> None:
    job = await on_it.job(tmp_path / "bad", "FROM busybox\nRUN exit 3\n")
    assert isinstance(await on_it.outcome(job), Refused)
