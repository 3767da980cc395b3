"""Runs on the real Engine, each with a folder of its own; whatever they leave behind is removed and is a failure."""

from __future__ import annotations

import asyncio
import io
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import docker
import pytest

from agent.container.container import RunContainer
from agent.container.here import this_machine
from agent.container.host import Wanted
from agent.container.restart import Exit
from agent.container.runtime import RuntimeName, RuntimeSetting, offered
from agent.engine.engine import Engine
from agent.engine.isolation import LABEL_AGENT, MIB, RunKey
from agent.observed import Container
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


async def of_agent(engine: Engine, agent: Address) -> dict[str, str]:
    """Containers that carry this agent's label: id → name."""
    filters = {"label": f"{LABEL_AGENT}={agent}"}
    found = await engine.ask(lambda api: api.containers(all=True, filters=filters))
    return {item["Id"]: item["Names"][0].lstrip("/") for item in found}


@dataclass
class Bench:
    """Makes runs, and drives them to their end without a chain."""

    engine: Engine
    folder: Path
    runtime: RuntimeSetting = "runc"
    dns: tuple[str, ...] = ()
    made: list[tuple[RunContainer, list[str]]] = field(default_factory=list)
    log_bytes: int = MIB

    async def run(self, manifest: Manifest, key: RunKey | None = None) -> RunContainer:
        """A run of its own, or a second object for the run of `key`."""
        key = key or RunKey(JobId("0x" + secrets.token_hex(32)), 1, AGENT)
        machine = await this_machine(self.engine, self.runtime)
        dns = self.dns or machine.dns
        machine = replace(machine, dns=dns, log_bytes=self.log_bytes)
        run = RunContainer(machine, Wanted(key, manifest, self.folder / key.short))
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

    def log_files(self, run: RunContainer) -> list[Path]:
        """Where the Engine keeps a run's output."""
        client = docker.from_env()
        try:
            path = client.api.inspect_container(run._key.container_name)["LogPath"]
        finally:
            client.close()
        return sorted(Path(path).parent.glob("*.log*"))

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
    assert await of_agent(engine, AGENT) == {}


@pytest.fixture
def texts() -> Callable[[RunContainer], list[str]]:
    """The lines that a run has printed."""
    return lambda run: [line.text for line in run.spool.read(-1, 100_000)]


@pytest.fixture(params=["runc", "gvisor"])
async def runtime(request: pytest.FixtureRequest, engine: Engine) -> RuntimeName:
    """Each container runtime of ours that this Engine has."""
    name: RuntimeName = request.param
    if name not in offered("auto", await engine.facts()):
        pytest.skip(f"{name} is not registered with this Engine")
    return name


HOSTILE = """FROM {base}
RUN cp -L $(command -v python3) /rootpy && chmod 4755 /rootpy && mkdir /data && chmod 777 /data \\
 && echo toor:x:0:0::/: >>/etc/passwd && echo app:x:1234:1234::/: >>/etc/passwd
VOLUME /data
USER {user}
"""


@pytest.fixture(scope="session")
def hostile_image(python_image: Digest) -> Iterator[Digest]:
    """An image with a volume, a setuid program of root's, and another name for root as its user."""
    with _built(HOSTILE.format(base=python_image, user="toor")) as image:
        yield image


@pytest.fixture(scope="session")
def app_image(hostile_image: Digest) -> Iterator[Digest]:
    """The same with an honest user that has a name."""
    with _built(f"FROM {hostile_image}\nUSER app:app\n") as image:
        yield image


@contextmanager
def _built(dockerfile: str) -> Iterator[Digest]:
    client = docker.from_env()
    try:
        file = io.BytesIO(dockerfile.encode())
        image, _ = client.images.build(fileobj=file, rm=True, forcerm=True, network_mode="none")
        yield Digest(str(image.id))
        client.images.remove(image.id, force=True, noprune=True)
    finally:
        client.close()
