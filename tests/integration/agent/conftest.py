"""Runs on the real Engine, each with a folder of its own; whatever they leave behind is removed and is a failure."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.container import RunContainer, this_machine
from agent.engine import Engine
from agent.isolation import RunKey
from agent.observed import Container
from agent.restart import Exit
from chain.job import Address, Digest, JobId
from chain.manifest import Manifest, parse_manifest

AGENT = Address("0x" + secrets.token_hex(20))


def a_manifest(
    command: list[str], cpus: float = 1, memory: str = "64M", more: str = ""
) -> Manifest:
    """A manifest as a consumer writes it."""
    words = ", ".join(f'"{word}"' for word in command)
    text = f"command: [{words}]\nresources: {{cpus: {cpus}, memory: {memory}{more}}}\n"
    return parse_manifest(text)


@dataclass
class Bench:
    """Makes runs, and drives them to their end without a chain."""

    engine: Engine
    folder: Path
    made: list[tuple[RunContainer, list[str]]] = field(default_factory=list)

    async def run(self, manifest: Manifest, key: RunKey | None = None) -> RunContainer:
        """A run of its own, or a second object for the run of `key`."""
        key = key or RunKey(JobId("0x" + secrets.token_hex(32)), 1, AGENT)
        machine = await this_machine(self.engine)
        run = RunContainer(machine, key, manifest, self.folder / key.short)
        self.made.append((run, []))
        return run

    async def start(self, manifest: Manifest, image: Digest) -> tuple[RunContainer, str]:
        """A started run and its container's id."""
        run = await self.run(manifest)
        facts = await self.engine.ensure_image(image, "")
        container_id = await run.create(facts)
        self.made[-1][1].append(container_id)
        assert await run.start(container_id) == ""
        run.follow(container_id)
        return run, container_id

    async def end(self, run: RunContainer, container_id: str, every_s: float = 0.1) -> Exit:
        """Watch a run to its end."""
        while True:
            seen = await run.look(container_id)
            assert isinstance(seen, Container)
            if seen.status == "exited":
                return await run.note_exit(seen, "")
            await run.sample(seen)
            await asyncio.sleep(every_s)

    async def whole(self, manifest: Manifest, image: Digest) -> tuple[RunContainer, Exit]:
        """Start a run and watch it to its end."""
        run, container_id = await self.start(manifest, image)
        return run, await self.end(run, container_id)


@pytest.fixture
def engine() -> Iterator[Engine]:
    """The Docker Engine of this machine."""
    engine = Engine()
    yield engine
    engine.close()


@pytest.fixture
async def bench(engine: Engine, tmp_path: Path) -> AsyncIterator[Bench]:
    """Runs of this test; all of them are cleaned away after it."""
    bench = Bench(engine, tmp_path)
    yield bench
    for run, ids in bench.made:
        await run.clean(ids[0] if ids else "")
        await run.close()
    assert await engine.of_agent(AGENT) == {}


@pytest.fixture
def texts() -> Callable[[RunContainer], list[str]]:
    """The lines that a run has printed."""
    return lambda run: [line.text for line in run.spool.read(-1, 100_000)]
