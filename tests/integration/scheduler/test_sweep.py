"""What nobody needs any more is cleared up, and nothing else is touched."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest
from sqlalchemy import func, select

from chain.clock import unix_ms
from chain.job import Digest, JobState
from chain.wire import RunStatus
from scheduler.decide.reconcile import Image
from scheduler.rows import tables as t
from scheduler.rows.batch import upsert
from scheduler.rows.facts import JobFacts
from scheduler.rows.leases import take_build
from scheduler.settings import Settings
from scheduler.work import sweep
from scheduler.work.sweep import Built, Sweeper, give_up, remove_leftovers
from tests.integration.scheduler.bench import QUICK, Bench
from tests.integration.scheduler.building import has_image
from tests.integration.scheduler.placing import CID, IMAGE, Rows, a_job, an_agent, running_on

LARGE = "RUN dd if=/dev/zero of=/large bs=1M count=3\n"
SETTINGS = Settings(home=Path(), rpc_url="", database_url="", image_keep_s=100, log_keep_s=100)


def closed(rows: Rows, number: int, ago: int) -> JobFacts:
    """A job that ended so many seconds ago, with nothing left to pay."""
    running = running_on(an_agent(1), a_job(number, rows.clock), rows.clock)
    ended = rows.clock.now() - ago
    return replace(running, state=JobState.ENDED, deadline=ended, deposit=0, settled=True)


async def with_lines(rows: Rows, job: JobFacts, lines: int) -> None:
    await rows.save(job)
    key: dict[str, Any] = {"job_id": job.job_id, "attempt": 1}
    cursor = {"provider": an_agent(1), "base": 0, "next_seq": lines, "bytes": 9, "full": False}
    status = RunStatus(job_id=job.job_id, attempt=1, phase="finished")
    async with rows.store.write() as tx:
        for seq in range(lines):
            chunk = {"first": seq, "lines": 1, "size": 22, "body": b"0" * 19 + b"ox\n"}
            await upsert(tx, t.log_chunks, key | chunk)
        await upsert(tx, t.log_cursors, key | cursor)
        await upsert(tx, t.run_status, key | {"status": status, "at_ms": 0})


async def left(rows: Rows, job: JobFacts) -> list[int]:
    """How many rows of lines, cursors and statuses a job has."""
    counts = []
    async with rows.store.read() as tx:
        for table in (t.log_chunks, t.log_cursors, t.run_status):
            query = select(func.count()).select_from(table).where(table.c.job_id == job.job_id)
            counts.append(int((await tx.execute(query)).scalar_one()))
    return counts


async def test_logs_go_when_their_job_has_been_closed_for_long_and_only_then(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "CHUNKS_AT_ONCE", 3)
    old, new = closed(rows, 1, ago=101), closed(rows, 2, ago=99)
    owing = replace(closed(rows, 3, ago=101), deposit=5)
    running = running_on(an_agent(1), a_job(4, rows.clock), rows.clock)
    for job in (old, new, owing, running):
        await with_lines(rows, job, 8)
    await Sweeper(rows.store, rows.clock, SETTINGS, lambda: True, forget).logs()
    assert await left(rows, old) == [0, 0, 0]
    for job in (new, owing, running):
        assert await left(rows, job) == [8, 1, 1]


async def with_image(rows: Rows, digest: Digest = IMAGE) -> None:
    row = {"cid": CID, "image_name": "", "why": "", "tries": 0, "log": "", "lease_until_ms": 0}
    async with rows.store.write() as tx:
        await upsert(tx, t.builds, row | {"digest": digest})


async def freed(rows: Rows, digest: Digest = IMAGE) -> bool:
    async with rows.store.write() as tx:
        since = rows.clock.now() - SETTINGS.image_keep_s
        return await give_up(tx, Built(digest, CID, 0), since, unix_ms())


async def known(rows: Rows) -> Digest | None:
    async with rows.store.read() as tx:
        digest: Digest | None = (await tx.execute(select(t.builds.c.digest))).scalar_one()
        return digest


async def test_an_image_of_a_bundle_that_is_not_known_here_is_left_alone(rows: Rows) -> None:
    assert not await freed(rows)


async def test_an_image_that_an_open_or_running_or_lately_ended_job_needs_stays(rows: Rows) -> None:
    await with_image(rows)
    opened, running = (
        a_job(1, rows.clock),
        running_on(an_agent(1), a_job(1, rows.clock), rows.clock),
    )
    for job in (opened, running, closed(rows, 1, ago=99)):
        await rows.save(closed(rows, 2, ago=1000), job)
        assert not await freed(rows)
    assert await known(rows) == IMAGE


async def test_an_image_that_no_job_needed_for_long_is_given_up_and_built_anew_when_asked_for(
    rows: Rows,
) -> None:
    await with_image(rows)
    await rows.save(closed(rows, 1, ago=101))
    assert await freed(rows)
    assert await known(rows) is None
    assert await freed(rows)  # killed before it was removed: the next round does it


async def test_an_image_whose_bundle_is_being_built_stays(rows: Rows) -> None:
    await with_image(rows)
    async with rows.store.write() as tx:
        assert await take_build(tx, CID, "one:1", unix_ms(), unix_ms() + 60_000)
    assert not await freed(rows)


async def test_an_image_that_a_later_build_replaced_may_go(rows: Rows) -> None:
    await with_image(rows, Digest("sha256:" + "cd" * 32))
    await rows.save(a_job(1, rows.clock))
    assert await freed(rows)
    assert await known(rows) is not None


async def forget(_: Digest) -> None:
    """Nothing of these images is on IPFS."""


async def test_images_are_removed_from_the_engine_once_all_jobs_are_read(
    bench: Bench, tmp_path: Path
) -> None:
    rows = bench.rows
    gone, kept = [await bench.job(tmp_path / name, QUICK) for name in ("gone", "kept")]
    made = []
    for job in (gone, kept):
        image = await bench.outcome(job)
        assert isinstance(image, Image)
        made.append(image.digest)
    over = rows.clock.now() - 1
    await rows.save(
        replace(gone, state=JobState.ENDED, deadline=over - 100, deposit=0, settled=True)
    )
    settings = replace(bench.settings, image_keep_s=0)
    time.sleep(1.1)  # the Engine tells whole seconds
    await Sweeper(rows.store, rows.clock, settings, lambda: False, forget).images()
    assert [await has_image(digest) for digest in made] == [True, True]
    await Sweeper(rows.store, rows.clock, settings, lambda: True, forget).images()
    assert [await has_image(digest) for digest in made] == [False, True]
    assert (await bench.builder.look(gone.terms.cid))[0] is None
    again = await bench.outcome(await bench.job_of(gone.terms.cid))
    assert isinstance(again, Image)


async def test_what_builds_left_beyond_their_budget_goes_unless_a_job_needs_it(
    bench: Bench, tmp_path: Path
) -> None:
    rows = bench.rows
    gone, kept = [await bench.job(tmp_path / name, QUICK + LARGE) for name in ("gone", "kept")]
    made = []
    for job in (gone, kept):
        image = await bench.outcome(job)
        assert isinstance(image, Image)
        made.append(image.digest)
    engine = docker.DockerClient(base_url="unix:///var/run/docker.sock")
    held = sweep.cached_bytes(engine)
    engine.close()
    assert held > 2 * 1024**2  # the step that both share counts once, and other tests' images too
    ended = rows.clock.now() - 2
    await rows.save(replace(gone, state=JobState.ENDED, deadline=ended, deposit=0, settled=True))
    ample = replace(bench.settings, build_cache_bytes=held + 1024**3)
    await Sweeper(rows.store, rows.clock, ample, lambda: True, forget).cache()
    assert [await has_image(digest) for digest in made] == [True, True]
    tight = replace(bench.settings, build_cache_bytes=0)
    await Sweeper(rows.store, rows.clock, tight, lambda: True, forget).cache()
    assert [await has_image(digest) for digest in made] == [False, True]


def test_what_a_build_left_behind_is_removed_when_it_is_old_and_nothing_else(
    tmp_path: Path,
) -> None:
    engine = docker.DockerClient(base_url="unix:///var/run/docker.sock")
    mark = f"test.leftover={tmp_path.name}"
    name, value = mark.split("=")
    try:
        left = engine.containers.create("busybox", "true", labels={name: value})
        other = engine.containers.create("busybox", "true", labels={name: value + "-other"})
        made = int(time.time())
        assert remove_leftovers(engine, made - 60, mark, mark) == 0
        assert remove_leftovers(engine, made + 60, mark, mark) == 1
        found = engine.containers.list(all=True, filters={"label": name}, ignore_removed=True)
        assert [one.id for one in found] == [other.id]
        other.remove()
    finally:
        for one in engine.containers.list(all=True, filters={"label": mark}):
            one.remove(force=True)
        engine.close()
    assert left.id
