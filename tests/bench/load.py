"""How quickly lists, figures and deployments are answered when 100,000 jobs and 1,000 agents are stored.

Run by `scripts/bench.sh load`; `python -m tests.bench.load --postgres` has the rows in PostgreSQL. The requests come at
a fixed pace whether or not the ones before were answered, and each is timed from when it was due. The last line is
JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from chain.compiler import compile_contracts
from chain.ganache import start_anvil
from chain.job import Address
from scheduler.rows.database import open_store
from scheduler.rows.store import bind_chain
from tests.bench._rows import CIDS, address, cid, job_id, write_market
from tests.fixtures_chain import ChainMarket, deployed, free_port
from tests.fixtures_postgres import Postgres

JOBS, AGENTS = 100_000, 1_000
PER_S, SECONDS, WARM_S = 50, 30, 3
MOST_MS, MOST_MIB = 50.0, 300
STATES = ("Open", "Running", "Ended", "Disputed", "Closed")
PHASES = ("building", "placing", "running", "claimed", "ended", "closed")


async def main(postgres: bool) -> bool:
    """Measure and print; says whether it is quick and small enough."""
    server = await asyncio.to_thread(Postgres) if postgres else None
    try:
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            database = server.create() if server else f"sqlite:///{home / 'rows.sqlite3'}"
            async with await start_anvil(free_port(), home) as chain:
                artifacts = await asyncio.to_thread(compile_contracts)
                async for market in deployed(chain, home, artifacts):
                    await fill(market, database)
                    async with a_scheduler(market, home, database) as (url, pid):
                        return await measured(url, pid, "postgresql" if postgres else "sqlite")
        return False
    finally:
        if server:
            server.stop()


async def fill(market: ChainMarket, database: str) -> None:
    """The rows, of a scheduler that knows this chain."""
    began = time.monotonic()
    store = await open_store(database)
    book = market.book
    await bind_chain(store, book.chain_id, book.genesis, book.escrow)
    me = Address(market.scheduler.address)
    await write_market(store, me, JOBS, AGENTS, int(time.time()))
    async with store.engine.connect() as plain:
        await plain.exec_driver_sql("ANALYZE")
        await plain.commit()
    await store.close()
    print(f"{JOBS} jobs and {AGENTS} agents written in {time.monotonic() - began:.0f} s")


@asynccontextmanager
async def a_scheduler(
    market: ChainMarket, home: Path, database: str
) -> AsyncIterator[tuple[str, int]]:
    """A real scheduler process over these rows, once it answers: its address and its process id."""
    port = free_port()
    environ = os.environ | {
        "DRAAS_HOME": str(home),
        "DRAAS_PRIVATE_KEY": market.scheduler.key.hex(),
        "DATABASE_URL": database,
        "RPC_URL": market.chain.rpc_url,
        "SCHEDULER_PORT": str(port),
        "REQUESTS_PER_S": "100000",  # the one client here stands for many
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "scheduler", env=environ, stdout=asyncio.subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            while not await answers(http, f"{url}/v1/overview"):
                assert process.returncode is None, "the scheduler ended by itself"
                await asyncio.sleep(0.1)
        yield url, process.pid
    finally:
        process.terminate()
        await process.wait()


async def answers(http: httpx.AsyncClient, url: str) -> bool:
    """Whether somebody serves there."""
    try:
        return (await http.get(url)).is_success
    except httpx.HTTPError:
        return False


def requests(dice: random.Random) -> tuple[str, str]:
    """One request of the mix: what it is called in the table, and its path."""
    old = job_id(dice.randrange(JOBS))
    block = dice.randrange(1, JOBS // 3)
    state = dice.choice(STATES)
    mix = [
        ("list", 4, "/v1/deployments?limit=50"),
        ("list by state", 4, f"/v1/deployments?limit=50&state={state}"),
        ("list deep", 2, f"/v1/deployments?limit=50&cursor={block}-1"),
        ("list deep by state", 2, f"/v1/deployments?limit=50&state={state}&cursor={block}-1"),
        ("list by consumer", 3, f"/v1/deployments?consumer={address(2, dice.randrange(500))}"),
        ("list by provider", 2, f"/v1/deployments?provider={address(1, dice.randrange(AGENTS))}"),
        ("list by bundle", 1, f"/v1/deployments?cid={cid(dice.randrange(CIDS))}"),
        ("list by phase", 2, f"/v1/deployments?phase={dice.choice(PHASES)}"),
        ("overview", 4, "/v1/overview"),
        ("agents", 3, f"/v1/agents?limit=50&cursor={address(1, dice.randrange(AGENTS))}"),
        ("agent", 1, f"/v1/agents/{address(1, dice.randrange(AGENTS))}"),
        ("deployment", 5, f"/v1/deployments/{old}"),
        ("transactions", 1, f"/v1/deployments/{old}/transactions"),
        ("market", 1, "/v1/market"),
        ("metrics", 1, "/metrics"),
    ]
    name, _, path = dice.choices(mix, [weight for _, weight, _ in mix])[0]
    return name, path


async def measured(url: str, pid: int, kind: str) -> bool:
    """Ask at the pace; print what it took."""
    dice, times = random.Random(11), dict[str, list[float]]()
    failures: list[str] = []
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:

        async def ask(name: str, path: str, due: float, *, counts: bool) -> None:
            answer = await http.get(path)
            if answer.status_code != 200:
                failures.append(f"{answer.status_code} {path}")
            if counts:
                times.setdefault(name, []).append(1000 * (time.perf_counter() - due))

        begin, tasks = time.perf_counter(), []
        for number in range(PER_S * (WARM_S + SECONDS)):
            due = begin + number / PER_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            counts = number >= PER_S * WARM_S
            tasks.append(asyncio.create_task(ask(*requests(dice), due, counts=counts)))
        await asyncio.gather(*tasks)
    return report(times, failures, peak_mib(pid), kind)


def report(times: dict[str, list[float]], failures: list[str], mib: int, kind: str) -> bool:
    """The table, and the line of JSON."""
    every = sorted(took for one in times.values() for took in one)
    print(f"{'':<20}{'count':>6}{'p50 ms':>9}{'p99 ms':>9}{'most':>9}")
    for name, took in sorted(times.items(), key=lambda item: -at(item[1], 0.99)):
        print(
            f"{name:<20}{len(took):>6}{at(took, 0.5):>9.1f}{at(took, 0.99):>9.1f}{max(took):>9.1f}"
        )
    for failure in failures[:5]:
        print(f"failed: {failure}")
    p99 = at(every, 0.99)
    good = p99 < MOST_MS and mib < MOST_MIB and not failures
    figures = {
        "bench": "load",
        "database": kind,
        "jobs": JOBS,
        "agents": AGENTS,
        "requests": len(every),
        "per_second": PER_S,
        "failed": len(failures),
        "p50_ms": round(at(every, 0.5), 1),
        "p99_ms": round(p99, 1),
        "p99_ms_by_request": {name: round(at(took, 0.99), 1) for name, took in times.items()},
        "peak_mib": mib,
        "holds": good,
    }
    print(json.dumps(figures))
    return good


def at(values: list[float], share: float) -> float:
    """The value below which this share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def peak_mib(pid: int) -> int:
    """The most memory that a process has held."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(main("--postgres" in sys.argv[1:])) else 1)
