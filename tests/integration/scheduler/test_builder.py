"""Builds of real bundles on a real Engine, while the Engine and the content store fail in every way there is."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import docker
import pytest
from sqlalchemy import select, update

from chain import ipfs
from chain.cid import parse_cid
from chain.job import Address, Cid
from scheduler import image
from scheduler import tables as t
from scheduler.builder import Builder, Standing
from scheduler.bundle_image import STEP_LABEL
from scheduler.facts import JobFacts
from scheduler.image import BuildLimits, has_image
from scheduler.leases import take_build
from scheduler.reconcile import Image, InHand, Postponed, Refused
from scheduler.settings import Settings
from scheduler.signals import unix_ms
from scheduler.store import open_store
from tests.fixtures_ipfs import ContentStore
from tests.integration.scheduler.placing import TERMS, Rows, a_job
from tests.relay import A_PAGE, ERROR_500, Relay, engine_relay, tcp_relay

QUICK = "FROM busybox\nRUN echo built\n"
SLOW = "FROM busybox\nRUN echo begun && sleep 60\n"


@dataclass
class Bench:
    """A builder with its rows, and what stands before its Engine and its store."""

    rows: Rows
    builder: Builder
    settings: Settings
    engine: Relay
    store: Relay
    api: str
    real_api: str
    jobs: int = 0

    async def job(self, folder: Path, dockerfile: str, consumer: int = 1) -> JobFacts:
        """An open job whose bundle is in the store."""
        folder.mkdir(exist_ok=True)
        (folder / "Dockerfile").write_text(dockerfile + f"ENV TEST={os.getpid()}-{folder.name}\n")
        cid = await ipfs.add_folder(self.real_api, folder)
        return await self.job_of(cid, consumer)

    async def job_of(self, cid: Cid, consumer: int = 1) -> JobFacts:
        """An open job of this bundle."""
        self.jobs += 1
        terms = replace(TERMS, cid=cid, consumer=Address(f"0x{consumer:040x}"))
        job = a_job(self.jobs, self.rows.clock, terms=terms)
        await self.rows.save(job)
        return job

    async def outcome(self, job: JobFacts, builder: Builder | None = None) -> Standing:
        """What becomes of it."""
        builder = builder or self.builder
        builder.request(job)
        for _ in range(600):
            standing, _ = await builder.look(job.terms.cid)
            if standing is not None and not isinstance(standing, InHand):
                return standing
            await asyncio.sleep(0.05)
        raise AssertionError("it stays in hand")

    async def until_it_runs(self, job: JobFacts) -> None:
        """Its program on the Engine has begun."""
        for _ in range(600):
            if "begun\n" in await self.builder.log_of(job.terms.cid):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(await self.builder.log_of(job.terms.cid))


@pytest.fixture
async def bench(
    tmp_path: Path, store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    rows = Rows(await open_store(f"sqlite:///{tmp_path / 'rows.sqlite3'}"))
    host, port = store.api.split("/")[2], int(store.api.split("/")[4])
    async with engine_relay(tmp_path) as (engine, address), tcp_relay(host, port) as (relay, at):
        monkeypatch.setenv("DOCKER_HOST", address)
        settings = Settings(
            home=tmp_path,
            rpc_url="",
            database_url="",
            fetch_s=3,
            build=BuildLimits(seconds=30),
            builds_at_once=2,
        )
        api = f"/ip4/127.0.0.1/tcp/{at}"
        builder = Builder(rows.store, rows.signals, rows.clock, settings, api, "one:1")
        yield Bench(rows, builder, settings, engine, relay, api, store.api)
        await builder.close()
    await rows.store.close()


@pytest.fixture(autouse=True)
def _leave_nothing() -> Iterator[None]:
    yield
    engine = docker.from_env()
    mark = f"TEST={os.getpid()}-"
    for found in engine.images.list(filters={"label": "draas.bundle"}):
        if any(mark in setting for setting in found.attrs["Config"]["Env"]):
            engine.images.remove(found.id, force=True)
    engine.close()


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


@pytest.mark.parametrize("how", ["hang", "refuse", "500", "500 at the build", "a page"])
async def test_an_engine_that_fails_says_nothing_about_the_bundle(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    job = await bench.job(tmp_path / "quick", QUICK)
    monkeypatch.setattr(image, "ASK_S", 1)
    monkeypatch.setattr(image, "PULL_S", 1)
    match how:
        case "hang":
            bench.engine.mode = "hang"
        case "refuse":
            bench.engine.mode = "refuse"
        case "500 at the build":
            bench.engine.answers[b"/build?"] = ERROR_500
        case _:
            bench.engine.answers[b"/"] = ERROR_500 if how == "500" else A_PAGE
    later = await bench.outcome(job)
    assert isinstance(later, Postponed)
    assert later.phase == "building"
    assert "Engine" in later.why
    bench.engine.mode, bench.engine.answers = "pass", {}
    assert isinstance(await built_at_last(bench, job), Image)


async def built_at_last(bench: Bench, job: JobFacts) -> Standing:
    """The outcome of the next try."""
    async with bench.rows.store.write() as tx:
        await tx.execute(update(t.builds).values(postponed_until=None))
    return await bench.outcome(job)


async def test_an_engine_that_is_lost_in_the_middle_of_a_build_says_nothing_about_the_bundle(
    bench: Bench, tmp_path: Path
) -> None:
    job = await bench.job(tmp_path / "slow", SLOW)
    bench.builder.request(job)
    await bench.until_it_runs(job)
    bench.engine.mode = "refuse"
    bench.engine.cut()
    assert isinstance(await bench.outcome(job), Postponed)


async def test_an_engine_that_can_build_nothing_else_says_nothing_about_the_bundle(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await bench.job(tmp_path / "bad", "FROM busybox\nRUN exit 4\n")

    probe = image._probe

    def with_a_broken_engine(client: docker.DockerClient) -> None:
        bench.engine.answers[b"/build?"] = ERROR_500
        probe(client)

    monkeypatch.setattr(image, "_probe", with_a_broken_engine)
    later = await bench.outcome(job)
    assert isinstance(later, Postponed)
    assert "Engine" in later.why


async def test_an_engine_without_room_on_its_disk_says_nothing_about_the_bundle(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await bench.job(tmp_path / "quick", QUICK)
    monkeypatch.setattr(image, "DISK_SPARE_BYTES", 2**62)
    later = await bench.outcome(job)
    assert isinstance(later, Postponed)
    assert "no room on its disk" in later.why


@pytest.mark.parametrize("how", ["hang", "refuse", "500", "a page"])
async def test_a_store_that_fails_says_nothing_about_the_bundle(
    bench: Bench, tmp_path: Path, how: str
) -> None:
    job = await bench.job(tmp_path / "quick", QUICK)
    if how in ("hang", "refuse"):
        bench.store.mode = how  # type: ignore[assignment]
    else:
        bench.store.answers[b"/dag/export"] = ERROR_500 if how == "500" else A_PAGE
    later = await bench.outcome(job)
    assert isinstance(later, Postponed)
    assert later.phase == "fetching"
    bench.store.mode, bench.store.answers = "pass", {}
    assert isinstance(await built_at_last(bench, job), Image)


async def test_a_bundle_that_nobody_has_is_waited_for(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "away"
    absent = await bench.job(folder, QUICK)
    nobody = parse_cid("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi")
    later = await bench.outcome(await bench.job_of(nobody))
    assert isinstance(later, Postponed)
    assert later.why.startswith("bundle not found")
    assert absent.terms.cid != nobody


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
