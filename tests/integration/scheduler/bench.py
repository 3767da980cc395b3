"""A builder at work, with what stands before its Engine and its store."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import docker
import pytest

from chain import ipfs
from chain.job import Address, Cid
from scheduler.decide.reconcile import InHand
from scheduler.images.builder import Builder, Standing
from scheduler.images.limits import BuildLimits
from scheduler.rows.database import open_store
from scheduler.rows.facts import JobFacts
from scheduler.settings import Settings
from tests.fixtures_ipfs import ContentStore
from tests.integration.scheduler.placing import TERMS, Rows, a_job
from tests.relay import Relay, engine_relay, tcp_relay

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


@asynccontextmanager
async def open_bench(
    tmp_path: Path, store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    """A builder upon a fresh database; what its tests build is removed with it."""
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
    await asyncio.to_thread(_leave_nothing)


def _leave_nothing() -> None:
    engine = docker.DockerClient(base_url="unix:///var/run/docker.sock")
    mark = f"TEST={os.getpid()}-"
    for found in engine.images.list(filters={"label": "draas.bundle"}):
        if any(mark in setting for setting in found.attrs["Config"]["Env"]):
            engine.images.remove(found.id, force=True)
    engine.close()
