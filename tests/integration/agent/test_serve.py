"""A service in a real container, reached through a real scheduler's ingress and the agent's tunnel."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import psutil
import pytest
from sqlalchemy import update
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent.container import RunContainer
from agent.isolation import RunKey
from agent.link import Identity, Link
from agent.network import network_of
from agent.run import Run
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
    dialer: Dialer
    tunnels: Tunnels
    container_id: str

    @property
    def url(self) -> str:
        return f"{self.copy.url}/d/{JOB}/"


def as_run(kept: RunContainer, key: RunKey, container_id: str) -> Run:
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
    row = {"job_id": JOB, "attempt": 1, "status": status, "at_ms": 1}
    async with store.write() as tx:
        await upsert(tx, t.run_status, row)


async def posted(store: Store) -> None:
    await post_job(store, JOB)
    await claim_job(store, JOB, AGENT)
    built: dict[str, Any] = {"cid": TERMS.cid, "digest": IMAGE, "image_name": "", "why": ""}
    built |= {"manifest": SERVICE, "tries": 0, "log": "", "lease_until_ms": 0}
    async with store.write() as tx:
        await upsert(tx, t.builds, built)


@pytest.fixture
async def scene(bench: Bench, python_image: Digest, tmp_path: Path) -> AsyncIterator[Scene]:
    async with contextlib.AsyncExitStack() as stack:
        store = await open_store(f"sqlite:///{tmp_path / 'rows.sqlite3'}")
        stack.push_async_callback(store.close)
        terms = Terms(token_s=3, heartbeat_s=1, logins_per_s=1000)
        copy = await stack.enter_async_context(a_copy(store, terms=terms))
        other = await stack.enter_async_context(a_copy(store, "two", terms=terms))
        await posted(store)
        key = RunKey(JOB, 1, Address(AGENT.address))
        kept = await bench.run(SERVICE, key)
        container_id = await kept.create(await bench.engine.ensure_image(python_image, ""))
        bench.made[-1][1].append(container_id)
        assert await kept.start(container_id) == ""
        runs = Services()
        run = as_run(kept, key, container_id)
        runs.shown = [run]
        urls = (copy.url, other.url)
        who = Identity(urls, AGENT, DOMAIN, "", tmp_path)
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
        yield Scene(copy, other, run, dialer, tunnels, container_id)


async def test_requests_uploads_and_sockets_reach_the_container_and_only_when_it_is_ready(
    scene: Scene,
) -> None:
    async with httpx.AsyncClient(base_url=scene.url, trust_env=False, timeout=30) as http:
        assert (await http.get("?a=1")).json()["path"] == "/?a=1"
        assert (await http.head("")).headers["content-type"] == "application/json"
        assert (await http.get("nothing")).status_code == 404

        async def pieces() -> AsyncIterator[bytes]:
            for number in range(64):
                yield bytes([number]) * 40_000

        echoed = await http.post("echo", content=pieces())
        assert echoed.content == b"".join([bytes([n]) * 40_000 for n in range(64)])
        there = scene.url.replace(scene.copy.url, scene.other.url)
        assert (await http.get(there)).status_code == 200
        async with http.stream("GET", "events") as stream:
            async for line in stream.aiter_lines():
                if (
                    line == "id: 5"
                ):  # while it goes on, and past the end of the tunnel's first token
                    break
        async with connect(scene.url.replace("http", "ws") + "socket", proxy=None) as socket:
            for message in ("text", b"bytes", "x" * 100_000):
                await socket.send(message)
                assert await socket.recv() == message
            await socket.close(1000)
        with pytest.raises(InvalidStatus, match="404"):
            await connect(scene.url.replace("http", "ws") + "nothing", proxy=None)
        busy = scene.run.status().model_copy(update={"ready": False})
        await noted(scene.copy.store, busy)
        await until(lambda: _status(http, 503))
    await until(lambda: scene.copy.ingress.now == 0)


async def _status(http: httpx.AsyncClient, code: int) -> bool:
    return (await http.get("")).status_code == code


async def test_a_large_answer_flows_through_and_a_slow_reader_holds_up_nobody(scene: Scene) -> None:
    memory = psutil.Process(os.getpid())
    async with httpx.AsyncClient(base_url=scene.url, trust_env=False, timeout=60) as http:
        await http.get("bytes?n=1000000")
        before = memory.memory_info().rss
        async with http.stream("GET", "bytes?n=400000000") as slow:
            reader = slow.aiter_raw()
            await anext(reader)  # and no more: the service waits
            total, most = 0, before
            async with http.stream("GET", "bytes?n=100000000") as stream:
                async for piece in stream.aiter_raw():
                    total += len(piece)
                    most = max(most, memory.memory_info().rss)
            assert total == 100_000_000
            assert most - before < 30 * MIB
            assert (await http.get("")).status_code == 200
    await until(lambda: scene.copy.ingress.now == 0)


async def test_a_service_that_dies_breaks_the_answer_off_and_never_passes_for_a_whole_one(
    scene: Scene, bench: Bench
) -> None:
    async with httpx.AsyncClient(base_url=scene.url, trust_env=False, timeout=30) as http:
        async with connect(scene.url.replace("http", "ws") + "socket", proxy=None) as socket:
            async with http.stream("GET", "events") as stream:
                lines = stream.aiter_lines()
                assert await anext(lines) == "id: 0"
                await bench.engine.stop(scene.container_id, 0)
                with pytest.raises(httpx.RemoteProtocolError):
                    [line async for line in lines]
            with pytest.raises(ConnectionClosed):
                await socket.recv()
        assert (await http.get("")).status_code == 503
        async with scene.copy.store.write() as tx:
            await tx.execute(update(t.jobs).values(deadline=0))
        await until(lambda: _status(http, 404))


async def test_nobody_but_this_machine_reaches_the_port_and_it_reaches_nobody_here(
    scene: Scene, bench: Bench, busybox: Digest
) -> None:
    address = await bench.engine.address_of(scene.container_id, network_of(scene.run.key))
    gateway = address.rsplit(".", 1)[0] + ".1"
    looks = f"nc -w 2 {address} 8080 </dev/null && echo reached; nc -w 2 {gateway} 22 </dev/null; echo done"
    other = Manifest.model_validate(
        {"command": ["sh", "-c", looks], "resources": {"memory": "16M", "egress": "1M"}}
    )
    kept, ended = await bench.whole(other, busybox)
    assert [line.text for line in kept.spool.read(-1, 10) if line.stream == "stdout"] == ["done"]
    assert ended.code == 0
    seen: list[str] = []
    server = await asyncio.start_server(lambda r, w: seen.append("came"), gateway, 0)
    port = server.sockets[0].getsockname()[1]
    client = bench.engine._client
    probe = f"import socket; socket.create_connection(('{gateway}', {port}), 2)"
    result = await asyncio.to_thread(
        lambda: client.containers.get(scene.container_id).exec_run(["python3", "-c", probe])
    )
    assert b"timed out" in result.output
    assert seen == []
    server.close()
    assert (await httpx.AsyncClient(trust_env=False).get(scene.url)).status_code == 200
