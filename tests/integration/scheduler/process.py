"""A scheduler as a process of its own, on a chain and a store that a test can take away."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from chain.contracts import Artifacts
from chain.ganache import start_anvil
from chain.store_process import start_store
from tests.fixtures_chain import ChainMarket, deployed, free_port

ROOT = Path(__file__).resolve().parents[3]
OURS = ("DRAAS_", "SCHEDULER_", "IPFS_", "RPC_URL", "DATABASE_URL", "DOCKER_HUB", "OTEL_", "LOG_")


@dataclass
class Running:
    """The process, and what it wrote."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def get(self, path: str) -> httpx.Response:
        """Ask it."""
        return httpx.get(self.url + path, timeout=10, trust_env=False)

    def ready(self) -> tuple[int, dict[str, Any]]:
        """The status and body of its readiness; 0 while it does not listen."""
        with suppress(httpx.TransportError):
            answer = self.get("/readyz")
            return answer.status_code, answer.json()
        return 0, {}

    def degraded(self) -> list[str]:
        """What it tells as degraded."""
        return list(self.ready()[1].get("degraded", ["everything"]))

    def lines(self) -> list[dict[str, Any]]:
        """Its log."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line]

    def until(self, what: str, check: Callable[[], Any], within_s: float = 30) -> Any:
        """Wait for something to become true, and give it."""
        ends = time.monotonic() + within_s
        while time.monotonic() < ends:
            if seen := check():
                return seen
            time.sleep(0.1)
        raise AssertionError(f"not within {within_s:.0f} s: {what}\n{self.log.read_text()[-4000:]}")


@contextmanager
def scheduler_process(home: Path, env: dict[str, str]) -> Iterator[Running]:
    """`python -m scheduler`, killed at the end."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    given = kept | {"SCHEDULER_PORT": str(port), "DRAAS_HOME": str(home)} | env
    log = home / "scheduler.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "scheduler"], cwd=ROOT, env=given, stdout=file, stderr=file
        )
    try:
        yield Running(f"http://127.0.0.1:{port}", log, process)
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def chain_of_its_own(home: Path, artifacts: Artifacts) -> AsyncIterator[ChainMarket]:
    """A market on an Anvil that nobody else uses."""
    async with await start_anvil(free_port(), home) as chain:
        async for market in deployed(chain, home, artifacts):
            yield market


@asynccontextmanager
async def content_store(data: Path, port: int) -> AsyncIterator[str]:
    """A content store at a port; gives its API."""
    store = await start_store(data, port=port)
    try:
        yield store.api
    finally:
        await store.stop()


async def asked(check: Callable[[], Any]) -> Any:
    """Ask from a thread: the loop has processes to look after."""
    return await asyncio.to_thread(check)
