"""A thousand agents with one heartbeat a second each, on one core; then the same with one agent that floods.

The scheduler is a real process, held to one core; all else runs on the others. What it cost is its processor time.
A heartbeat carries when it was sent, and its row when it was accepted: the delay is the difference, of every row as
each flush leaves it. Since a socket keeps the order, an agent's last heartbeat in the rows says that all were taken.

    python -m tests.bench.heartbeats [--agents 1000] [--seconds 20]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench._fleet import Fleet, Market, a_market, flood, flooder_key, gather_fleet


@dataclass(frozen=True)
class Round:
    """What one measurement found. Delays in milliseconds."""

    accepted_per_s: float
    cpu_share: float
    p50_ms: float
    p99_ms: float
    lost: int


def read_rows(path: Path, seen: dict[str, int], flooder: str) -> list[int]:
    """The delays of heartbeats that were not in the rows at the last look."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        query = "SELECT agent, last_seen_ms, json_extract(heartbeat, '$.at_ms') FROM agents"
        rows = database.execute(query).fetchall()
    delays = []
    for agent, heard_ms, sent_ms in rows:
        if sent_ms is None or agent == flooder or seen.get(agent) == sent_ms:
            continue
        seen[agent] = sent_ms
        delays.append(max(0, heard_ms - sent_ms))
    return delays


async def measure(market: Market, fleet: Fleet, seconds: float) -> Round:
    """Let them beat for so long."""
    path, seen, flooder = market.home / "scheduler.sqlite3", dict[str, int](), flooder_key().address
    await asyncio.sleep(2)
    read_rows(path, seen, flooder)
    began, cpu, sent = time.monotonic(), _cpu(market), fleet.sent
    delays: list[int] = []
    while time.monotonic() - began < seconds:
        await asyncio.sleep(0.25)
        delays += await asyncio.to_thread(read_rows, path, seen, flooder)
    took, used, count = time.monotonic() - began, _cpu(market) - cpu, fleet.sent - sent
    last = dict(fleet.last_ms)
    taken = 0
    for _ in range(60):  # the machine may be busy with other things
        await asyncio.sleep(0.5)
        await asyncio.to_thread(read_rows, path, seen, flooder)
        taken = sum(seen.get(agent, 0) >= sent_ms for agent, sent_ms in last.items())
        if taken == len(last):
            break
    delays.sort()
    return Round(
        accepted_per_s=count / took * taken / len(last),
        cpu_share=used / took,
        p50_ms=delays[len(delays) // 2],
        p99_ms=delays[len(delays) * 99 // 100],
        lost=fleet.lost,
    )


def _cpu(market: Market) -> float:
    times = market.process.cpu_times()
    return float(times.user + times.system)


async def main(agents: int, seconds: float) -> None:
    """Measure, print, and judge."""
    cores = sorted(os.sched_getaffinity(0))
    ours = set(cores[1:]) or set(cores)
    os.sched_setaffinity(0, ours)
    async with a_market(cores[0]) as market:
        began = time.monotonic()
        fleet = await gather_fleet(market, agents)
        came_in = time.monotonic() - began
        print(f"{agents} agents signed in and linked in {came_in:.1f} s")
        calm = await measure(market, fleet, seconds)
        _print("calm", calm)
        flooding = multiprocessing.get_context("spawn").Process(
            target=flood, args=(market.url, market.domain, market.home), daemon=True
        )
        flooding.start()
        await asyncio.sleep(3)
        flooded = await measure(market, fleet, seconds)
        flooding.kill()
        _print("one floods", flooded)
        for why, count in fleet.why.items():
            print(f"{count} sessions ended: {why}")
        memory = market.process.memory_info().rss / 1024**2
        for task in fleet.beating:
            task.cancel()
        for socket in fleet.sockets.values():
            socket.transport.abort()
    ratio = flooded.p99_ms / max(1.0, calm.p99_ms)
    result = {
        "agents": agents,
        "heartbeats_per_s": round(calm.accepted_per_s, 1),
        "cpu_share": round(calm.cpu_share, 3),
        "p99_ms": calm.p99_ms,
        "flooded_heartbeats_per_s": round(flooded.accepted_per_s, 1),
        "flooded_cpu_share": round(flooded.cpu_share, 3),
        "flooded_p99_ms": flooded.p99_ms,
        "flood_delay_ratio": round(ratio, 2),
        "sessions_lost": fleet.lost,
        "rss_mib": round(memory),
        "linked_in_s": round(came_in, 1),
    }
    held = calm.cpu_share <= 0.9 and calm.accepted_per_s >= 0.98 * agents and not fleet.lost
    print(json.dumps(result | {"holds": held}))
    if not held:
        raise SystemExit(1)


def _print(name: str, found: Round) -> None:
    print(
        f"{name}: {found.accepted_per_s:.0f} heartbeats/s accepted, {100 * found.cpu_share:.0f} % of one core, "
        f"delay p50 {found.p50_ms} ms, p99 {found.p99_ms} ms, {found.lost} sessions lost"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    asyncio.run(main(options.agents, options.seconds))
