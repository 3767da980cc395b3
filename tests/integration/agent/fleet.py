"""Runs on a real Swarm, driven to their end without a chain."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import docker

from agent.container.host import Wanted
from agent.container.restart import Exit
from agent.engine.engine import Engine
from agent.engine.isolation import RunKey
from agent.observed import Container
from agent.settings import FleetSettings
from agent.swarm.fleet import Fleet, open_fleet
from agent.swarm.task import RunTask
from chain.errors import DraasError, Unavailable
from chain.job import Address, Digest, JobId, Resources
from chain.manifest import Manifest
from tests.swarm_engines import SwarmEngine

AGENT = Address("0x" + "12" * 20)
PORT = 5190
LEASE_S = 60.0


def a_key() -> RunKey:
    """A run of its own."""
    return RunKey(JobId("0x" + secrets.token_hex(32)), 1, AGENT)


@dataclass
class Bench:
    """Makes runs on the fleet, and cleans them away."""

    fleet: Fleet
    folder: Path
    made: list[tuple[RunTask, str]] = field(default_factory=list)

    def run(self, manifest: Manifest, key: RunKey | None = None) -> RunTask:
        """A run, or another object for the run of `key`."""
        key = key or a_key()
        folder = self.folder / key.short
        return self.fleet.container(Wanted(key, manifest, folder))

    async def start(self, manifest: Manifest, image: Digest, key: RunKey | None = None) -> RunTask:
        """A started run."""
        key = key or a_key()
        run = self.run(manifest, key)
        self.made.append((run, key.container_name))
        name = await run.create(await self.fleet.ensure_image(image, ""))
        await run.renew_lease(name, 0, LEASE_S)
        fault = await run.start(name)
        assert fault == "", fault
        return run

    async def end(self, run: RunTask, renew: bool = True) -> Exit:
        """Watch a run to its end, renewing its lease or not."""
        while True:
            try:
                seen = await run.look("x")
                assert isinstance(seen, Container)
                run.follow("x")
                if seen.status == "exited":
                    return await run.note_exit(seen, "")
                await run.sample(seen)
                if renew:
                    await run.renew_lease("x", seen.pid, LEASE_S)
            except Unavailable:
                pass  # as the agent: once more
            await asyncio.sleep(0.3)

    async def clean(self) -> None:
        """Remove every run; what still goes away is waited for."""
        for run, name in self.made:
            await cleaned(run, name)
            await run.close()
        self.fleet.close()


async def cleaned(run: RunTask, name: str) -> None:
    """Clean a run, as the agent does it: again until it is done."""
    for _ in range(60):
        try:
            await run.clean(name)
            return
        except DraasError:
            await asyncio.sleep(0.5)
    raise AssertionError(f"{name} cannot be cleaned away")


async def a_bench(manager: SwarmEngine, folder: Path, home: Path) -> Bench:
    """The fleet behind the manager; its key is in `home`, which agents share."""
    engine = Engine(manager.client())
    settings = FleetSettings("python:3.11-slim", PORT)
    return Bench(await open_fleet(engine, AGENT, settings, home), folder)


def texts(run: RunTask) -> list[str]:
    """What it has printed."""
    return [line.text for line in run.spool.read(-1, 100_000)]


def kernel_ns(engine: SwarmEngine, but: str = "") -> int:
    """What the kernel has counted for all containers of a node that have ended, and for those named `but`."""
    root = Path("/sys/fs/cgroup/cpuacct" + engine.group)
    below = [path for path in root.iterdir() if path.is_dir() and path.name != but]
    live = sum(int((path / "cpuacct.usage").read_text()) for path in below)
    return int((root / "cpuacct.usage").read_text()) - live


def kill_program(engine: SwarmEngine) -> None:
    """Kill our program on a node; the Swarm starts it again."""
    client = engine.client()
    try:
        name = "com.docker.swarm.service.name=draas-node-1212121212"
        (found,) = client.containers.list(filters={"label": name})
        found.kill()
    finally:
        client.close()


def left_behind(engine: SwarmEngine) -> list[str]:
    """What runs have left on a node."""
    client: docker.DockerClient = engine.client()
    try:
        found = [str(one.name) for one in client.containers.list(all=True)]
        found += [str(one.name) for one in client.volumes.list()]
        found += [str(one.name) for one in client.networks.list()]
        return [name for name in found if name.startswith("draas-1212") and "node" not in name]
    finally:
        client.close()


ONE_CORE = Resources(1000, 64, 0)
