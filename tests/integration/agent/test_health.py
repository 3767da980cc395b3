"""A page is asked as a stranger's: by its status alone, within a time, and led nowhere else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent.engine.health import Prober, ask
from chain.manifest import HealthSpec


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", ""),
        (b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n", ""),
        (b"HTTP/1.1 503 No\r\n\r\n", "it answered 503"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1_000_000, "no answer: RemoteProtocolError"),
        (b"nonsense\r\n\r\n", "no answer: RemoteProtocolError"),
        (None, "no answer within 0.3 s"),
    ],
    ids=["good", "led elsewhere", "an error", "an endless header", "no HTTP", "silence"],
)
async def test_a_page_is_judged_by_its_status_alone_and_no_answer_holds_a_check_up(
    answer: bytes | None, told: str
) -> None:
    asked: list[bytes] = []

    async def serve(reader: Any, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n"))
        if answer is not None:
            writer.write(answer)
        await asyncio.sleep(0.5 if answer is None else 0)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        assert await ask(f"http://127.0.0.1:{port}/ok", 0.3 if answer is None else 5) == told
    assert asked == [b"GET /ok HTTP/1.1\r\n"]


async def test_a_program_is_asked_until_it_answers_and_anew_after_each_start() -> None:
    up, news = False, asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" if up else b"HTTP/1.1 500 No\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    spec = HealthSpec(http="/", interval="1s", timeout="1s", retries=2, start_period="1s")
    prober = Prober(spec, server.sockets[0].getsockname()[1], news.set)

    async def turns(health: str) -> None:
        while prober.checks.health != health:
            news.clear()
            await asyncio.wait_for(news.wait(), 20)

    async with server:
        prober.watch("127.0.0.1", 1)
        await turns("unhealthy")
        assert prober.checks.why == "it answered 500"
        up = True
        await turns("healthy")
        prober.watch("127.0.0.1", 2)
        assert prober.checks.health == "starting"
        await turns("healthy")
        await prober.close()
