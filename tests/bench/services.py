"""A service behind an agent's tunnel: what a visitor gets through the scheduler, beside what this machine gets from the
container itself. The scheduler's side, the agent's and the visitor share one process here, and so one core.

    python -m tests.bench.services [--mib 200] [--visits 300]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import docker
import httpx
import psutil

from agent.engine.engine import Engine
from agent.observed import Container
from chain.job import Digest
from tests.integration.agent.conftest import Bench
from tests.integration.agent.serving import MIB, Scene, a_scene

LATENCY_MS, MIB_PER_S, GROWTH_MIB = 50.0, 20.0, 48.0  # what is to hold


async def latency_ms(http: httpx.AsyncClient, url: str, visits: int) -> float:
    """The median of visits one after another."""
    took = []
    for _ in range(visits):
        began = time.perf_counter()
        (await http.get(url)).raise_for_status()
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took)


async def mib_per_s(http: httpx.AsyncClient, url: str, mib: int) -> tuple[float, float]:
    """Of one download; and by how many MiB this process grew meanwhile."""
    memory = psutil.Process(os.getpid())
    before = most = memory.memory_info().rss
    total, began = 0, time.perf_counter()
    async with http.stream("GET", f"{url}bytes?n={mib * MIB}") as answer:
        async for piece in answer.aiter_raw():
            total += len(piece)
            most = max(most, memory.memory_info().rss)
    assert total == mib * MIB
    return mib / (time.perf_counter() - began), (most - before) / MIB


async def visits_per_s(http: httpx.AsyncClient, url: str, visits: int) -> float:
    """Of 20 visitors at once."""
    began = time.perf_counter()

    async def one() -> None:
        for _ in range(visits // 20):
            (await http.get(url)).raise_for_status()

    await asyncio.gather(*(one() for _ in range(20)))
    return visits // 20 * 20 / (time.perf_counter() - began)


async def measure(scene: Scene, engine: Engine, mib: int, visits: int) -> bool:
    """Print what was found; whether it holds."""
    seen = await engine.inspect(scene.container_id)
    address = seen.address if isinstance(seen, Container) else ""
    result: dict[str, float] = {}
    async with httpx.AsyncClient(trust_env=False, timeout=120) as http:
        for name, url in (("container", f"http://{address}:8080/"), ("ingress", scene.url)):
            await latency_ms(http, url, 10)
            speed, growth = await mib_per_s(http, url, mib)
            result[f"{name}_p50_ms"] = round(await latency_ms(http, url, visits), 2)
            result[f"{name}_visits_per_s"] = round(await visits_per_s(http, url, visits), 1)
            result[f"{name}_mib_per_s"] = round(speed, 1)
            result[f"{name}_growth_mib"] = round(growth, 1)
            print(f"{name}: {result[f'{name}_p50_ms']} ms, {result[f'{name}_visits_per_s']} visits/s, "
                  f"{speed:.0f} MiB/s, memory grew by {growth:.1f} MiB")  # fmt: skip
    holds = (
        result["ingress_p50_ms"] <= LATENCY_MS
        and result["ingress_mib_per_s"] >= MIB_PER_S
        and result["ingress_growth_mib"] <= GROWTH_MIB
    )
    print(json.dumps(result | {"holds": holds}))
    return holds


async def main(mib: int, visits: int) -> None:
    """One scene, measured."""
    client = docker.from_env()
    image = Digest(str(client.images.get("python:3.11-slim").id))
    client.close()
    engine = Engine()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(engine, Path(folder))
        try:
            async with a_scene(bench, image, Path(folder)) as scene:
                holds = await measure(scene, engine, mib, visits)
        finally:
            for run, ids in bench.made:
                await run.clean(ids[0] if ids else "")
                await run.close()
            engine.close()
    if not holds:
        raise SystemExit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=200)
    parser.add_argument("--visits", type=int, default=300)
    options = parser.parse_args()
    asyncio.run(main(options.mib, options.visits))
