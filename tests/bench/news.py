"""A thousand pages that follow the market, beside one: what they cost, and how late each hears of a block.

A block's lag is from the node's word that it is mined to the first news that tells of it or a later one.

    python -m tests.bench.news [--followers 1000] [--seconds 20]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.bench._followed import cpu_of
from tests.e2e.market import TestMarket, start_market

A_SECOND = 2  # blocks
MOST_MS = 1000  # of 99 in 100
ALLOWED = {"FOLLOWERS_PER_CLIENT": "5000", "REQUESTS_PER_S": "10000"}


@dataclass
class Page:
    """One stream. `heads`: when (ms) each was heard of."""

    heads: list[tuple[int, float]] = field(default_factory=list)

    async def read(self, url: str) -> None:
        """Until cancelled."""
        at = urlsplit(url)
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        writer.write(f"GET /v1/market/events HTTP/1.0\r\nHost: {at.netloc}\r\n\r\n".encode())
        status = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in status, status
        try:
            while event := await reader.readuntil(b"\n\n"):
                _, found, data = event.partition(b"data: ")
                if found:
                    self.heads.append((json.loads(data)["head"], time.time() * 1000))
        finally:
            writer.close()

    def lags(self, mined: dict[int, float]) -> list[float]:
        """Of each block, in ms; infinite for one that was never told of."""
        return [
            next((when for head, when in self.heads if head >= number), float("inf")) - at
            for number, at in mined.items()
        ]


@dataclass(frozen=True)
class Round:
    """What so many cost."""

    blocks: int
    scheduler_cpu_s: float
    median_ms: float
    p99_ms: float


async def measure(market: TestMarket, followers: int, seconds: int) -> Round:
    """So many pages, while block follows block."""
    pages = [Page() for _ in range(followers)]
    reading = [asyncio.create_task(page.read(market.url)) for page in pages]
    while not all(page.heads for page in pages):
        await asyncio.sleep(0.1)
    before, mined = cpu_of(market, "scheduler"), dict[int, float]()
    async with httpx.AsyncClient(base_url=str(market.facts["rpc_url"]), trust_env=False) as node:
        for _ in range(A_SECOND * seconds):
            await _asked(node, "evm_mine")
            mined[int(await _asked(node, "eth_blockNumber"), 16)] = time.time() * 1000
            await asyncio.sleep(1 / A_SECOND)
    await asyncio.sleep(2 * MOST_MS / 1000)
    cpu_s = cpu_of(market, "scheduler") - before
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    lags = sorted(lag for page in pages for lag in page.lags(mined))
    return Round(len(mined), cpu_s, lags[len(lags) // 2], lags[len(lags) * 99 // 100])


async def _asked(node: httpx.AsyncClient, method: str) -> str:
    asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": []}
    return str((await node.post("", json=asked)).json()["result"])


async def main(followers: int, seconds: int) -> None:
    """Measure, print, and judge."""
    with tempfile.TemporaryDirectory(prefix="draas-bench-") as folder:
        market = start_market(Path(folder) / "market", "--agents", "1", env=ALLOWED)
        try:
            one = await measure(market, 1, seconds)
            print(f"1 page: {one}", flush=True)
            many = await measure(market, followers, seconds)
            print(f"{followers} pages: {many}", flush=True)
        finally:
            await asyncio.to_thread(market.stop)
    ratio = many.scheduler_cpu_s / one.scheduler_cpu_s
    told = many.blocks * followers
    result = {
        "followers": followers,
        "cpu_ratio_to_one": round(ratio, 2),
        "cpu_us_a_page_and_block": round(
            1e6 * (many.scheduler_cpu_s - one.scheduler_cpu_s) / told, 1
        ),
        "p99_ms": round(many.p99_ms),
        "p99_ms_of_one": round(one.p99_ms),
    }
    print(json.dumps(result))
    if many.p99_ms > MOST_MS:
        raise SystemExit(f"missed: a block is told {many.p99_ms:.0f} ms late, of at most {MOST_MS}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--followers", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=20)
    given = parser.parse_args()
    asyncio.run(main(given.followers, given.seconds))
