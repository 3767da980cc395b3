"""Hostile programs in real containers, an honest one beside them, and what the host could notice of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.container.container import RunContainer
from agent.container.restart import Exit
from agent.container.runtime import RuntimeName
from agent.meter.cgroup import directory_of
from chain.job import Digest
from chain.manifest import Manifest
from tests.integration.agent.conftest import Bench

PROGRAMS = Path(__file__).resolve().parents[2] / "programs"
RUN = "import os; exec(compile(os.environ.pop('CODE'), 'program', 'exec'))"
GAP_MS = 3000  # a pause that a neighbour may make on a busy machine
DENIED = {
    "EPERM", "EACCES", "EROFS", "ENOENT", "ENOSYS", "ESRCH", "EXDEV", "ENODEV", "ENXIO", "ENOTSUP", "EAFNOSUPPORT",
    "ENOTDIR", "EPROTONOSUPPORT",
}  # fmt: skip


def hostile(program: str, *words: str, **resources: str | float) -> Manifest:
    """A job that runs one of our programs."""
    code = (PROGRAMS / f"{program}.py").read_text()
    return Manifest.model_validate(
        {
            "command": ["python3", "-c", RUN, *words],
            "environment": {"CODE": code},
            "resources": {"cpus": 1, "memory": "128M", "disk": "8M"} | resources,
        }
    )


@dataclass(frozen=True)
class Tried:
    """What came of it."""

    run: RunContainer
    exit: Exit
    lines: list[str]

    @property
    def told(self) -> dict[str, Any]:
        """What the program said of its tries, each in a line of JSON."""
        found: dict[str, Any] = {}
        for line in self.lines:
            found |= json.loads(line)
        return found


async def attempt(bench: Bench, runtime: RuntimeName, image: Digest, manifest: Manifest) -> Tried:
    """Run a job to its end under this runtime."""
    bench.runtime = runtime
    run, ended = await bench.whole(manifest, image)
    bench.runtime = "runc"
    assert run.runtime == runtime
    return Tried(run, ended, [line.text for line in run.spool.read(-1, 100_000)])


def counted(run: RunContainer, controller: str, name: str) -> int:
    """A figure of a run's group, after its end too."""
    mounts = run._machine.mounts
    root = mounts.roots["" if mounts.version == 2 else controller]
    return int((root / directory_of(run.cgroup) / name).read_text())


@dataclass
class Neighbour:
    """An honest program: at the end, how often it worked, how often it could not, and its longest pause."""

    pid: int
    ticks: int = 0
    failed: int = 0
    longest_ms: int = 0

    def did_not_notice(self) -> bool:
        """Whether it worked on at its pace."""
        return self.ticks > 0 and self.failed == 0 and self.longest_ms < GAP_MS


@asynccontextmanager
async def beside(bench: Bench, image: Digest) -> AsyncIterator[Neighbour]:
    """An honest program that works while the body runs."""
    run, container_id = await bench.start(hostile("bombs", "neighbour", cpus=0.5), image)
    while run.spool.length == 0:
        await asyncio.sleep(0.05)
    seen = await run.look(container_id)
    neighbour = Neighbour(getattr(seen, "pid", 0))
    yield neighbour
    await run.stop(container_id, 5)
    ended = await bench.end(run, container_id)
    assert ended.code == 0
    vars(neighbour).update(json.loads(run.spool.read(-1, 10)[-1].text))
