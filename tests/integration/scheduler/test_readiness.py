"""Each thing that a scheduler needs is taken away from it in turn: it says so, and says when it is back."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chain.contracts import Artifacts
from chain.store_process import start_store
from tests.fixtures_chain import ChainMarket, free_port
from tests.integration.scheduler.process import Running, chain_of_its_own, scheduler_process

ENGINE = Path(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://"))


@dataclass
class Stage:
    """A scheduler, and what it stands on."""

    running: Running
    market: ChainMarket
    socket: Path
    store_pid: int

    async def until(self, degraded: list[str], status: int, within_s: float = 30) -> None:
        """Until it tells exactly this."""
        told = (status, degraded)

        def so() -> bool:
            code, body = self.running.ready()
            return (code, body.get("degraded")) == told

        await asyncio.to_thread(self.running.until, f"{told} is told", so, within_s)


@pytest.fixture
async def stage(tmp_path: Path, artifacts: Artifacts) -> AsyncIterator[Stage]:
    socket = tmp_path / "docker.sock"
    socket.symlink_to(ENGINE)
    async with chain_of_its_own(tmp_path, artifacts) as market:
        store = await start_store(tmp_path / "store", port=free_port())
        env = {
            "RPC_URL": market.chain.rpc_url,
            "IPFS_API": store.api,
            "DRAAS_PRIVATE_KEY": market.scheduler.key.hex(),
            "DOCKER_HOST": f"unix://{socket}",
        }
        try:
            with scheduler_process(tmp_path, env) as running:
                one = Stage(running, market, socket, store.process.pid)
                await one.until([], 200, within_s=120)  # on a busy machine it starts slowly
                yield one
        finally:
            await store.stop()


async def test_a_chain_that_stands_still_is_told_and_its_return_too(stage: Stage) -> None:
    os.killpg(stage.market.chain.pid, signal.SIGSTOP)
    try:
        await stage.until(["chain"], 503)
        why = stage.running.ready()[1]["dependencies"]["chain"]["why"]
        assert "answer" in why
    finally:
        os.killpg(stage.market.chain.pid, signal.SIGCONT)
    await stage.until([], 200)


async def test_a_content_store_that_stands_still_is_told_and_its_return_too(stage: Stage) -> None:
    os.kill(stage.store_pid, signal.SIGSTOP)
    try:
        await stage.until(["content store"], 503)
    finally:
        os.kill(stage.store_pid, signal.SIGCONT)
    await stage.until([], 200)


async def test_an_engine_that_is_away_degrades_and_stops_nothing(stage: Stage) -> None:
    stage.socket.unlink()
    await stage.until(["Docker Engine"], 200)
    stage.socket.symlink_to(ENGINE)
    await stage.until([], 200)
    events = [
        line["event"] for line in stage.running.lines() if line.get("part") == "Docker Engine"
    ]
    assert events[-2:] == ["health.lost", "health.found"]


async def test_a_database_that_cannot_be_written_to_is_told(stage: Stage, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "scheduler.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        await stage.until(["database"], 503)
    finally:
        other.execute("ROLLBACK")
        other.close()
    await stage.until([], 200)
