"""A service in a real container, reached through a real scheduler's ingress and the agent's tunnel."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import update
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent.container.network import bridge_of
from agent.observed import Container
from chain.job import Digest
from chain.manifest import Manifest
from scheduler.rows import tables as t
from tests.integration.agent.conftest import Bench
from tests.integration.agent.serving import MIB, Scene, a_scene, noted
from tests.integration.agent.test_link import until


@pytest.fixture
async def scene(bench: Bench, python_image: Digest, tmp_path: Path) -> AsyncIterator[Scene]:
    async with a_scene(bench, python_image, tmp_path) as scene:
        yield scene


async def test_a_tunnel_outlives_its_token(
    bench: Bench, python_image: Digest, tmp_path: Path
) -> None:
    async with (
        a_scene(bench, python_image, tmp_path, token_s=6) as scene,
        httpx.AsyncClient(trust_env=False, timeout=30) as http,
        http.stream("GET", scene.url + "events") as stream,
    ):
        async for line in stream.aiter_lines():
            if line == "id: 8":  # one a second
                break


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
                assert line == "id: 0"  # at once, not when the stream has ended
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
    found = await bench.engine.inspect(scene.container_id)
    assert isinstance(found, Container)
    address = found.address
    gateway = address.rsplit(".", 1)[0] + ".1"
    looks = f"nc -w 2 {address} 8080 </dev/null && echo reached; nc -w 2 {gateway} 22 </dev/null; echo done"
    other = Manifest.model_validate(
        {"command": ["sh", "-c", looks], "resources": {"memory": "16M", "egress": "1M"}}
    )
    kept, ended = await bench.whole(other, busybox)
    assert [line.text for line in kept.spool.read(-1, 10) if line.stream == "stdout"] == ["done"]
    assert ended.code == 0
    closed = Path("/proc/sys/net/ipv6/conf", bridge_of(scene.run.key), "disable_ipv6")
    assert closed.read_text().strip() == "1"
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
