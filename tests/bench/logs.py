"""How fast a program's output reaches its consumer, beside `docker logs -f` of the same container in the same run.

Ours goes the whole way: the Engine, the agent, its link, the scheduler's rows, and the consumer's stream of events,
each a process of its own. The time is from the Engine's stamp of the first line to the arrival of the last; every line
is counted, in order.

    python -m tests.bench.logs [--lines 200000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import docker

from tests.bench._followed import (
    container_of,
    cpu_of,
    first_ms,
    path_of,
    read_log,
    texts_of,
    token_of,
    with_docker,
)
from tests.e2e.folders import a_script
from tests.e2e.market import Consumer, TestMarket, start_market

SHARE = 0.7  # of the docker command's flow
WAIT_S = 5
RESOURCES = "{cpus: 1, memory: 64M}"
CAP = {"AGENT_LOG_MIB": "256", "MAX_LOG_MIB": "256"}


@dataclass
class Kind:
    """One kind of output, and the seconds that it took.

    Args:
        width: characters of a line.
    """

    name: str
    lines: int
    width: int
    docker_s: list[float] = field(default_factory=list)
    ours_s: list[float] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Of the docker command's flow."""
        return statistics.median(self.docker_s) / statistics.median(self.ours_s)

    def script(self) -> str:
        """Prints numbered lines as fast as it can."""
        filler = "x" * (self.width - 8)
        program = f'BEGIN {{ for (i = 0; i < {self.lines}; i++) printf "%07d {filler}\\n", i }}'
        return f"sleep {WAIT_S}\nawk '{program}'\n"  # the reader is there by then, as one who watches a job

    def expected(self) -> list[str]:
        """What it prints."""
        filler = "x" * (self.width - 8)
        return [f"{number:07d} {filler}" for number in range(self.lines)]


async def one_round(market: TestMarket, consumer: Consumer, kind: Kind, home: Path) -> None:
    """One deployment, and then the same container by hand."""
    engine = docker.from_env()
    number = len(kind.ours_s)
    token = await token_of(consumer)
    folder = a_script(
        home / f"{kind.name}-{number}", kind.script(), resources=RESOURCES, duration="3m"
    )
    posted = consumer.draas("deploy", folder, "-d", "--json")
    assert posted.code == 0, posted.err
    job = posted.event("posted")["job"]
    place = str(home / f"{kind.name}-{number}.events")
    spawn = multiprocessing.get_context("spawn")
    reader = spawn.Process(
        target=read_log, args=(market.url, token, path_of(job), place), daemon=True
    )
    reader.start()
    container = await container_of(engine, job)
    like = engine.api.inspect_container(container.id)
    before = {name: cpu_of(market, name) for name in ("agent", "scheduler")}
    await asyncio.to_thread(reader.join, 300)
    used = {name: cpu_of(market, name) - cpu for name, cpu in before.items()}
    data = Path(place).read_bytes()
    assert texts_of(data) == kind.expected(), "not what was printed"
    ours = float(Path(place + ".at").read_text()) - first_ms(data) / 1000
    theirs, lines = await asyncio.to_thread(with_docker, engine, like, home / "docker.out")
    assert lines == kind.lines
    kind.ours_s.append(ours)
    kind.docker_s.append(theirs)
    told = ", ".join(f"{name} {cpu:.2f} CPU s" for name, cpu in used.items())
    print(f"{kind.name}: docker logs -f {theirs:.2f} s, ours {ours:.2f} s ({told})", flush=True)
    engine.close()


async def main(lines: int, rounds: int) -> None:
    """Measure, print, and judge."""
    kinds = [Kind("lines of 80", lines, 80), Kind("lines of 8000", max(1, lines // 40), 8000)]
    with tempfile.TemporaryDirectory(prefix="draas-bench-") as folder:
        home = Path(folder)
        options = ("--agents", "1", "--agent-cpus", "2", "--agent-memory", "2G")
        market = start_market(home / "market", *options, env=CAP)
        try:
            consumer = market.consumer()
            for kind in kinds:
                for _ in range(rounds):
                    await one_round(market, consumer, kind, home)
        finally:
            await asyncio.to_thread(market.stop)
    held = all(kind.share >= SHARE for kind in kinds)
    result = {
        kind.name.replace(" ", "_"): {
            "lines": kind.lines * rounds,
            "docker_mib_s": round(
                kind.lines * kind.width / 2**20 / statistics.median(kind.docker_s), 2
            ),
            "ours_mib_s": round(
                kind.lines * kind.width / 2**20 / statistics.median(kind.ours_s), 2
            ),
            "share": round(kind.share, 2),
        }
        for kind in kinds
    }
    print(json.dumps(result | {"lost_or_reordered": 0, "holds": held}))
    if not held:
        raise SystemExit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    asyncio.run(main(options.lines, options.rounds))
