"""The Engine tells of each container that ends, once it is listened to, and what was missed is told later."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest

from agent.engine.ends import Ends
from agent.engine.engine import Engine
from chain.job import Address, Digest
from tests.integration.agent.conftest import AGENT, Bench, a_manifest


class Heard:
    """What an `Ends` tells."""

    def __init__(self, engine: Engine, agent: Address) -> None:
        self.told: list[str] = []
        self.ends = Ends(engine, agent, self.told.append)

    async def until(self, run: str) -> None:
        """It was told."""
        async with asyncio.timeout(30):
            while run not in self.told:
                await asyncio.sleep(0.02)


@pytest.fixture
async def heard(engine: Engine) -> AsyncIterator[Heard]:
    found = Heard(engine, AGENT)
    await found.until("")  # it listens from now on, and any may have ended before
    yield found
    await found.ends.close()


async def test_the_end_of_a_container_is_told_by_its_run(
    bench: Bench, busybox: Digest, heard: Heard
) -> None:
    run, container_id = await bench.start(a_manifest(["true"]), busybox)
    await heard.until(run._key.text)
    seen = await run.look(container_id)
    assert getattr(seen, "status", "") == "exited"


async def test_containers_of_other_agents_are_not_told_of(
    bench: Bench, busybox: Digest, engine: Engine
) -> None:
    other = Heard(engine, Address("0x" + secrets.token_hex(20)))
    ours = Heard(engine, AGENT)
    for one in (other, ours):
        await one.until("")
    run, _ = await bench.start(a_manifest(["true"]), busybox)
    await ours.until(run._key.text)
    assert other.told == [""]
    for one in (other, ours):
        await one.ends.close()


async def test_what_ended_while_the_stream_was_broken_is_told_afterwards(
    bench: Bench, busybox: Digest, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.engine.ends.AGAIN_SECONDS", 0.5)
    first, _ = await bench.start(a_manifest(["true"]), busybox)
    await heard.until(first._key.text)
    stream = heard.ends._stream
    assert stream is not None
    await asyncio.to_thread(stream.close)
    async with asyncio.timeout(10):
        while heard.ends.hears:
            await asyncio.sleep(0.01)
    second, _ = await bench.start(a_manifest(["true"]), busybox)
    await heard.until(second._key.text)
    assert heard.told.count("") == 2
