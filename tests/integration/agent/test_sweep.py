"""What an agent's runs have left on the real Engine and the machine is removed; what is another's, or still needed, is
not touched."""

from __future__ import annotations

import io
import os
import secrets
import subprocess
import tarfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import pytest

from agent.container import results
from agent.container.container import RunContainer
from agent.container.here import Machine, this_machine
from agent.container.host import Wanted
from agent.container.network import bridge_of
from agent.engine.engine import Engine
from agent.engine.isolation import RunKey, labels
from agent.meter.cgroup import directory_of
from agent.runs.record import RunRecord, folder_of, save
from agent.runs.runs import Runs
from agent.sweep.pulled import Pulled
from agent.sweep.sweep import Rules, Sweeper
from chain.job import Address, Digest, JobId, Resources
from chain.manifest import parse_manifest
from tests.unit.agent.builders import a_running_record, an_ended_record

MANIFEST = parse_manifest(
    'command: ["sleep", "300"]\nresources: {cpus: 0.1, memory: 16M, egress: 1M}'
)
RULES = Rules(keep_s=3600, disk_mib=100_000, orphan_s=3600)


class KnownRuns(Runs):
    """Runs in memory, as far as a sweep asks about them."""

    def __init__(self, known: dict[RunKey, tuple[RunRecord, Path]]) -> None:
        super().__init__(Resources(0, 0, 0))
        for key, (record, folder) in known.items():
            found: Any = SimpleNamespace(record=record, folder=folder, key=key)
            self._runs[key.text] = found


@dataclass
class Place:
    """A machine with an agent's home."""

    engine: Engine
    machine: Machine
    home: Path
    agent: Address
    image: Digest
    made: list[tuple[RunContainer, str]]

    async def a_run(self, record: RunRecord | None, agent: Address | None = None) -> RunKey:
        """A container with all that belongs to it, and its record."""
        key = RunKey(JobId("0x" + secrets.token_hex(32)), 1, agent or self.agent)
        folder = folder_of(self.home, key.job_id, 1)
        run = RunContainer(self.machine, Wanted(key, MANIFEST, folder))
        made = await run.create(await self.engine.ensure_image(self.image, ""))
        assert await run.start(made) == ""
        self.made.append((run, made))
        if record is not None:
            save(folder, replace(record, agent=key.agent))
        return key

    def sweeper(self, live: dict[RunKey, RunRecord], rules: Rules = RULES) -> Sweeper:
        """As the agent makes it."""
        known = {key: (record, folder_of(self.home, key.job_id, 1)) for key, record in live.items()}
        runs, pulled = KnownRuns(known), Pulled(self.home / "agent" / "pulled.json")
        return Sweeper(self.home, self.agent, self.machine, runs, pulled, rules)

    def left(self, key: RunKey) -> list[str]:
        """What there is of a run."""
        client = docker.from_env()
        try:
            mine = {"name": f"^/?{key.container_name}$"}
            found = ["container"] * len(client.containers.list(all=True, filters=mine))
            found += ["network"] * len(client.networks.list(names=[f"^{key.container_name}$"]))
        finally:
            client.close()
        rules = subprocess.run(["iptables", "-w", "-S"], capture_output=True, text=True, check=True)
        found += ["fence"] if bridge_of(key) in rules.stdout else []
        group = directory_of(f"/draas/{key.agent[2:12].lower()}/{key.short}")
        if any((root / group).exists() for root in self.machine.mounts.all_roots()):
            found.append("group")
        if os.path.ismount(folder_of(self.home, key.job_id, 1) / "space"):
            found.append("mount")
        return found


WHOLE = ["container", "network", "fence", "group", "mount"]


@pytest.fixture
async def place(engine: Engine, tmp_path: Path, busybox: Digest) -> AsyncIterator[Place]:
    agent = Address("0x" + secrets.token_hex(20))
    place = Place(engine, await this_machine(engine), tmp_path / "home", agent, busybox, [])
    yield place
    for run, made in place.made:
        await run.clean(made)
        await run.close()


async def test_what_is_left_of_runs_that_are_over_goes_and_nothing_else(place: Place) -> None:
    cleaned = an_ended_record(settled=True, cleaned=True)
    over = await place.a_run(replace(cleaned, paid=True))
    lives = await place.a_run(a_running_record())
    unknown = await place.a_run(None)
    neighbour = await place.a_run(
        replace(cleaned, paid=True), Address("0x" + secrets.token_hex(20))
    )
    client = docker.from_env()
    try:
        named = labels(over)
        stranger = client.containers.run("busybox", "sleep 300", labels=named, detach=True,
                                         network_mode="none")  # fmt: skip
        await place.sweeper({lives: a_running_record()}).sweep()
        assert place.left(over) == []
        assert place.left(lives) == WHOLE
        assert place.left(unknown) == WHOLE[:4]  # it runs: not yet
        assert place.left(neighbour)[:4] == WHOLE[:4]
        stranger.reload()
        assert stranger.status == "running"
        stranger.remove(force=True)

        eager = replace(RULES, orphan_s=-1)
        await place.sweeper({lives: a_running_record()}, eager).sweep()
        assert place.left(unknown) == []
        assert place.left(lives) == WHOLE
    finally:
        client.close()


async def test_folders_go_when_they_are_old_and_mounts_below_them_first(place: Place) -> None:
    paid = an_ended_record(settled=True, cleaned=True, paid=True)
    old, new = (folder_of(place.home, JobId("0x" + secrets.token_hex(32)), 1) for _ in "12")
    for folder in (old, new):
        save(folder, paid)
    results.mount_space(old / "space", 1)
    (old / "space" / "file").write_text("x")
    os.utime(old / "run.json", (1, 1))
    await place.sweeper({}).sweep()
    assert not old.exists()
    assert new.exists()


def an_image(client: docker.DockerClient, name: str) -> Digest:
    """An image of 3 MiB that nobody else has."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("data")
        entry.size = 3 * 1024**2
        tar.addfile(entry, io.BytesIO(os.urandom(entry.size)))
    client.api.import_image_from_data(packed.getvalue(), repository=name, tag="latest")
    return Digest(str(client.images.get(f"{name}:latest").id))


async def test_pulled_images_go_when_the_budget_is_passed_and_others_stay(place: Place) -> None:
    client = docker.from_env()
    names = [f"draas-sweep-{secrets.token_hex(6)}" for _ in range(3)]
    try:
        pulled, needed, built = (an_image(client, name) for name in names)
        note = Pulled(place.home / "agent" / "pulled.json")
        for digest in (pulled, needed, Digest("sha256:" + "0" * 64)):
            note.begins(digest)
        assert "built" not in note.all()
        record = a_running_record()
        offer = record.offer.model_copy(
            update={"assignment": record.offer.assignment.model_copy(update={"image": needed})}
        )
        live = {RunKey(record.job_id, 1, place.agent): replace(record, offer=offer)}

        await place.sweeper(live).sweep()
        assert client.images.get(pulled)  # there is room
        sweeper = place.sweeper(live, replace(RULES, disk_mib=1))
        await sweeper.sweep()
        with pytest.raises(docker.errors.ImageNotFound):
            client.images.get(pulled)
        assert client.images.get(needed)
        assert client.images.get(built)
        assert set(Pulled(place.home / "agent" / "pulled.json").all()) == {needed}
        assert "left of what is set aside" in sweeper.room(1)
    finally:
        for name in names:
            for image in client.images.list(name):
                client.images.remove(image.id, force=True)
        client.close()
