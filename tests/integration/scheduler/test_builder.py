"""Builds of real bundles on a real Engine: once each, in fair turns, by whoever holds the lease."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import docker
from sqlalchemy import select, update

from chain.clock import unix_ms
from scheduler.decide.reconcile import Image, InHand, Refused
from scheduler.images.builder import Builder
from scheduler.images.limits import STEP_LABEL
from scheduler.rows import tables as t
from scheduler.rows.database import open_store
from scheduler.rows.facts import JobFacts
from scheduler.rows.leases import take_build
from tests.integration.scheduler.bench import QUICK, SLOW, Bench
from tests.integration.scheduler.building import has_image


async def due_at(bench: Bench, job: JobFacts) -> int:
    async with bench.rows.store.read() as tx:
        mine = t.work.c.job_id == job.job_id
        return int((await tx.execute(select(t.work.c.due_at).where(mine))).scalar_one())


async def test_a_bundle_becomes_an_image_and_its_job_is_woken(bench: Bench, tmp_path: Path) -> None:
    job = await bench.job(tmp_path / "quick", QUICK)
    async with bench.rows.store.write() as tx:
        await tx.execute(update(t.work).values(due_at=10))
    made = await bench.outcome(job)
    assert isinstance(made, Image)
    assert await has_image(made.digest)
    assert "built" in await bench.builder.log_of(job.terms.cid)
    for _ in range(100):
        if await due_at(bench, job) == 0:
            break
        await asyncio.sleep(0.05)
    assert await due_at(bench, job) == 0


async def test_what_does_not_build_is_refused_for_good(bench: Bench, tmp_path: Path) -> None:
    job = await bench.job(tmp_path / "bad", "FROM busybox\nRUN exit 4\n")
    refused = await bench.outcome(job)
    assert isinstance(refused, Refused)
    assert "exit 4" in refused.reason


async def test_what_the_engine_cannot_read_is_refused_for_good(
    bench: Bench, tmp_path: Path
) -> None:
    job = await bench.job(tmp_path / "odd", "FROM busybox\nENV\n")
    assert isinstance(await bench.outcome(job), Refused)


async def test_a_copy_of_nothing_is_refused_for_good(bench: Bench, tmp_path: Path) -> None:
    job = await bench.job(tmp_path / "absent", "FROM busybox\nCOPY absent /absent\n")
    assert isinstance(await bench.outcome(job), Refused)


async def test_one_consumers_builds_wait_for_each_other_and_say_how_many_come_before(
    bench: Bench, tmp_path: Path
) -> None:
    jobs = [await bench.job(tmp_path / f"slow-{n}", SLOW) for n in range(3)]
    for job in jobs:
        bench.builder.request(job)
    await bench.until_it_runs(jobs[0])
    told = [await bench.builder.look(job.terms.cid) for job in jobs]
    assert told[0][0] == InHand("", "building")
    assert [one[0] for one in told[1:]] == [
        InHand("waiting to build: 0 before it"),
        InHand("waiting to build: 1 before it"),
    ]
    other = await bench.job(tmp_path / "quick", QUICK, consumer=2)
    assert isinstance(await bench.outcome(other), Image)


async def test_nothing_is_built_that_no_job_waits_for_any_more(
    bench: Bench, tmp_path: Path
) -> None:
    job = await bench.job(tmp_path / "quick", QUICK)
    late = replace(job, deadline=bench.rows.clock.now() - 1)
    await bench.rows.save(late)
    bench.builder.request(late)
    for _ in range(100):
        if (await bench.builder.look(job.terms.cid))[0] is None:
            break
        await asyncio.sleep(0.05)
    assert await bench.builder.look(job.terms.cid) == (None, None)
    assert bench.engine.count(b"/build?") == 0


async def test_a_builder_that_is_closed_leaves_no_build_and_no_lease(
    bench: Bench, tmp_path: Path
) -> None:
    job = await bench.job(tmp_path / "slow", SLOW)
    bench.builder.request(job)
    await bench.until_it_runs(job)
    await bench.builder.close()
    engine = docker.DockerClient(base_url="unix:///var/run/docker.sock")
    for _ in range(100):
        left = engine.containers.list(filters={"label": f"{STEP_LABEL}=1"})
        mine = [one for one in left if "sleep 60" in str(one.attrs["Config"]["Cmd"])]
        if not mine:
            break
        await asyncio.sleep(0.1)
    engine.close()
    assert not mine
    async with bench.rows.store.read() as tx:
        row = (await tx.execute(select(t.builds))).one()
    assert (row.lease_owner, row.refused, row.digest) == (None, None, None)


async def test_a_killed_builders_lease_runs_out_and_another_builds(
    bench: Bench, tmp_path: Path
) -> None:
    job = await bench.job(tmp_path / "quick", QUICK)
    async with bench.rows.store.write() as tx:
        cid = job.terms.cid
        assert await take_build(tx, cid, "killed:1", unix_ms(), unix_ms() + 60_000)
    standing, _ = await bench.builder.look(cid)
    assert standing == InHand("another scheduler builds it")
    async with bench.rows.store.write() as tx:
        await tx.execute(update(t.builds).values(lease_until_ms=unix_ms() - 1))
    assert (await bench.builder.look(cid))[0] is None
    assert isinstance(await bench.outcome(job), Image)


async def test_two_schedulers_build_one_bundle_once(bench: Bench, tmp_path: Path) -> None:
    job = await bench.job(tmp_path / "once", "FROM busybox\nRUN sleep 2\n")
    rows = bench.rows
    store = await open_store(str(rows.store.engine.url))
    other = Builder(store, rows.signals, rows.clock, bench.settings, bench.api, "two:2")
    outcomes = await asyncio.gather(bench.outcome(job), bench.outcome(job, other))
    await other.close()
    await store.close()
    assert outcomes[0] == outcomes[1]
    assert isinstance(outcomes[0], Image)
    assert bench.engine.count(b"/build?") == 1
