"""A service in a real container, with a scheduler of two copies and the agent's side of its tunnels."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from agent.container.container import RunContainer
from agent.engine.isolation import RunKey
from agent.link.link import Identity, Link
from agent.runs.run import Run
from agent.serve.dial import Dialer
from agent.serve.ready import Readiness
from agent.serve.tunnel import Tunnels
from chain.job import Address, Digest
from chain.manifest import Manifest
from chain.wire import RunStatus
from scheduler.rows import tables as t
from scheduler.rows.batch import upsert
from scheduler.rows.database import Store, open_store
from scheduler.sessions.login import Terms
from tests.fixtures_chain import IMAGE, TERMS
from tests.integration.agent.conftest import Bench
from tests.integration.agent.test_link import OneRun, until
from tests.integration.scheduler.linking import DOMAIN, Copy, a_copy, job_of, key_of
from tests.integration.scheduler.posted import claim_job, post_job

AGENT = key_of(6)
JOB = job_of(8)
SOURCE = (Path(__file__).parents[3] / "examples/hello-service/main.py").read_text()
MIB = 1024 * 1024
SERVICE = Manifest.model_validate(
    {
        "kind": "service",
        "ports": [8080],
        "command": ["python3", "-c", "import os; exec(os.environ['SOURCE'])"],
        "environment": {"SOURCE": SOURCE},
        "resources": {"cpus": 1, "memory": "64M", "egress": "2G"},
    }
)


class Services(OneRun):
    """The run that the test shows."""

    def get(self, job_id: str, attempt: int) -> Run | None:
        return next((run for run in self.shown if run.key.text == f"{job_id}/{attempt}"), None)


@dataclass
class Scene:
    """A scheduler, an agent, and the service on it."""

    copy: Copy
    other: Copy  # another of the same scheduler
    run: Run
    tunnels: Tunnels
    container_id: str

    @property
    def url(self) -> str:
        return f"{self.copy.url}/d/{JOB}/"


def as_run(kept: RunContainer, key: RunKey, container_id: str) -> Run:
    """The run as far as visitors meet it."""
    record = SimpleNamespace(
        job_id=JOB,
        attempt=1,
        claimed_at=1,
        container_id=container_id,
        offer=SimpleNamespace(manifest=SERVICE),
    )
    status = lambda: RunStatus(job_id=JOB, attempt=1, phase="running", ready=kept.ready)  # noqa: E731
    fields = {"key": key, "record": record, "container": kept, "phase": "running", "status": status}
    return cast(Run, SimpleNamespace(**fields))


async def noted(store: Store, status: RunStatus) -> None:
    """The scheduler has heard this of the run."""
    row = {"job_id": JOB, "attempt": 1, "status": status, "at_ms": 1}
    async with store.write() as tx:
        await upsert(tx, t.run_status, row)


async def posted(store: Store) -> None:
    """The job's rows, as they are once it was claimed."""
    await post_job(store, JOB)
    await claim_job(store, JOB, AGENT)
    built: dict[str, Any] = {"cid": TERMS.cid, "digest": IMAGE, "image_name": "", "why": ""}
    built |= {"manifest": SERVICE, "tries": 0, "log": "", "lease_until_ms": 0}
    async with store.write() as tx:
        await upsert(tx, t.builds, built)


@contextlib.asynccontextmanager
async def a_scene(
    bench: Bench, image: Digest, home: Path, token_s: int = 600
) -> AsyncIterator[Scene]:
    """All of it, once the service answers.

    Args:
        token_s: for which the agent's tokens hold.
    """
    async with contextlib.AsyncExitStack() as stack:
        store = await open_store(f"sqlite:///{home / 'rows.sqlite3'}")
        stack.push_async_callback(store.close)
        terms = Terms(token_s=token_s, heartbeat_s=1, logins_per_s=1000)
        copy = await stack.enter_async_context(a_copy(store, terms=terms))
        other = await stack.enter_async_context(a_copy(store, "two", terms=terms))
        await posted(store)
        key = RunKey(JOB, 1, Address(AGENT.address))
        kept = await bench.run(SERVICE, key)
        container_id = await kept.create(await bench.engine.ensure_image(image, ""))
        bench.made[-1][1].append(container_id)
        assert await kept.start(container_id) == ""
        runs = Services()
        run = as_run(kept, key, container_id)
        runs.shown = [run]
        urls = (copy.url, other.url)
        who = Identity(urls, AGENT, DOMAIN, "", home)
        link = Link(who, runs, lambda _: None)
        dialer = Dialer(bench.engine, runs)
        told: list[RunStatus] = []
        tunnels = Tunnels(urls, link, dialer)
        readiness = Readiness(dialer, told.append)
        tasks = [asyncio.create_task(loop()) for loop in (tunnels.work, readiness.work)]

        async def end() -> None:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        stack.push_async_callback(end)
        await until(lambda: told and told[-1].ready)
        await noted(store, told[-1])
        yield Scene(copy, other, run, tunnels, container_id)
