"""Two hundred followers of one log, beside one: what they cost the agent, the Engine and the database.

Every follower is a stream of its own by the job's consumer; each must get every line, in order. A line's lag is from
the Engine's stamp to its arrival, of the last line of each piece.

    python -m tests.bench.followers [--followers 200] [--seconds 20]
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

from tests.bench._followed import cpu_of, path_of, token_of
from tests.e2e.folders import a_script
from tests.e2e.market import Consumer, TestMarket, start_market
from tests.exposition import parsed

A_SECOND = 50  # lines
ALLOWED = {"STREAMS_PER_CLIENT": "1000", "REQUESTS_PER_S": "10000"}


@dataclass
class Follower:
    """One stream. Lags in milliseconds."""

    lines: int = 0
    last: int = -1
    in_order: bool = True
    lags: list[float] = field(default_factory=list)

    async def read(self, url: str, path: str, token: str) -> None:
        """Until its end."""
        at = urlsplit(url)
        reader, writer = await asyncio.open_connection(at.hostname, at.port, limit=2**22)
        head = f"GET {path} HTTP/1.0\r\nHost: {at.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n"
        writer.write(head.encode())
        status = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in status, status
        rest = b""
        while data := await reader.read(2**18):
            rest += data
            whole, _, rest = rest.rpartition(b"\n\n")
            self._take(whole)
        writer.close()

    def _take(self, events: bytes) -> None:
        now_ms, at_ms = time.time() * 1000, 0
        for one in events.split(b"\n\n"):
            _, found, data = one.partition(b"event: log\ndata: ")
            if found:
                line = json.loads(data)
                self.in_order = self.in_order and line["seq"] == self.last + 1
                self.last, at_ms = line["seq"], line["at_ms"]
                self.lines += 1
        if at_ms:
            self.lags.append(now_ms - at_ms)


@dataclass(frozen=True)
class Round:
    """What so many followers cost."""

    agent_cpu_s: float
    scheduler_cpu_s: float
    engine_reads: float
    database_reads: float
    lines: int
    all_in_order: bool
    p99_ms: float


async def measure(market: TestMarket, followers: int, seconds: int, home: Path) -> Round:
    """One job, and so many who follow it from its beginning to its end."""
    consumer: Consumer = market.consumer()
    token = await token_of(consumer)
    pause, count = 10**6 // A_SECOND, A_SECOND * seconds
    script = f"i=0; while [ $i -lt {count} ]; do echo line $i; i=$((i+1)); usleep {pause}; done"
    folder = a_script(home / f"followed-{followers}", script, duration="3m")
    posted = await asyncio.to_thread(consumer.draas, "deploy", folder, "-d", "--json")
    job = posted.event("posted")["job"]
    streams = [Follower() for _ in range(followers)]
    before = (
        cpu_of(market, "agent"),
        cpu_of(market, "scheduler"),
        figure(market.url, "draas_log_reads_total"),
    )
    reading = [asyncio.create_task(one.read(market.url, path_of(job), token)) for one in streams]
    engine_reads = 0.0
    while not all(task.done() for task in reading):
        await asyncio.sleep(1)
        agent = agent_url(market)
        runs = await asyncio.to_thread(
            figure, agent, "draas_agent_runs"
        )  # an earlier one may be kept
        reads = await asyncio.to_thread(figure, agent, "draas_agent_log_reads")
        engine_reads = max(engine_reads, reads / max(1, runs))
    await asyncio.gather(*reading)
    lags = sorted(lag for one in streams for lag in one.lags)
    return Round(
        agent_cpu_s=cpu_of(market, "agent") - before[0],
        scheduler_cpu_s=cpu_of(market, "scheduler") - before[1],
        engine_reads=engine_reads,
        database_reads=figure(market.url, "draas_log_reads_total") - before[2],
        lines=min(one.lines for one in streams),
        all_in_order=all(one.in_order for one in streams),
        p99_ms=lags[len(lags) * 99 // 100],
    )


def agent_url(market: TestMarket) -> str:
    """Of the only agent."""
    (agent,) = market.get("/v1/agents").json()["items"]
    return str(agent["url"])


def figure(url: str, name: str) -> float:
    """A figure that a part tells."""
    text = httpx.get(f"{url}/metrics", trust_env=False, timeout=30).text
    return sum(
        sample.value for family in parsed(text) for sample in family.samples if sample.name == name
    )


async def main(followers: int, seconds: int) -> None:
    """Measure, print, and judge."""
    with tempfile.TemporaryDirectory(prefix="draas-bench-") as folder:
        home = Path(folder)
        market = start_market(home / "market", "--agents", "1", "--agent-cpus", "2", env=ALLOWED)
        try:
            one = await measure(market, 1, seconds, home)
            print(f"1 follower: {one}", flush=True)
            many = await measure(market, followers, seconds, home)
            print(f"{followers} followers: {many}", flush=True)
        finally:
            await asyncio.to_thread(market.stop)
    expected = A_SECOND * seconds
    result = {
        "followers": followers,
        "lines_to_each": many.lines,
        "lost_or_reordered": 0 if many.all_in_order and many.lines == expected else 1,
        "engine_reads": many.engine_reads,
        "database_reads": [one.database_reads, many.database_reads],
        "agent_cpu_ratio": round(many.agent_cpu_s / one.agent_cpu_s, 2),
        "lag_p99_ms": [round(one.p99_ms), round(many.p99_ms)],
    }
    held = (
        many.engine_reads == 1
        and many.lines == one.lines == expected
        and many.all_in_order
        and many.database_reads <= 2 * one.database_reads
        and many.agent_cpu_s <= 1.3 * one.agent_cpu_s
    )
    print(json.dumps(result | {"holds": held}))
    if not held:
        raise SystemExit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--followers", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=20)
    options = parser.parse_args()
    asyncio.run(main(options.followers, options.seconds))
