"""What runs leave on a machine, removed once nobody needs it: level-triggered, a little in each pass, safe to kill.

Two things must agree before anything goes: its name and label say that it is ours, and the run's own record that the
run is over. A run whose record is not there may be of a home that is lost: what still runs of it is left alone until
the chain, which hears no report of it, has given its job to another. An Engine or a disk that does not answer removes
nothing.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from agent.container.here import Machine
from agent.runs.record import folder_of
from agent.runs.runs import Runs
from agent.sweep.belongings import Belonging, belongings, discard, drop_image, image_mib
from agent.sweep.folders import Folder, folders, is_cleaned, remove, tidy_machine
from agent.sweep.layers import forget_layers, layers_of
from agent.sweep.pulled import Pulled
from chain.clock import unix_ms
from chain.errors import DraasError
from chain.job import Address, Digest

log = structlog.get_logger()
PASS_S = 60.0
A_PASS = 200  # things that are removed in one pass, of each kind
SPARE_MIB = 512  # of the disk, that nobody is offered
YOUNG_MS = 600_000  # a folder that was written to since is left: it may be one that just came
A_RUN_MIB = 64  # of log files and ledger, beside what the job itself may write


@dataclass(frozen=True, slots=True)
class Rules:
    """How much may lie around, and for how long.

    Args:
        keep_s: seconds for which a run's folder stays after the run is over: its log and ledger are evidence.
        disk_mib: for pulled images and run folders.
        orphan_s: seconds after which what runs without a record is stopped.
    """

    keep_s: int
    disk_mib: int
    orphan_s: float


@dataclass(slots=True)
class Room:
    """What the last look at the disk found, in MiB."""

    free_mib: int = 0
    used_mib: int = 0
    looked: bool = False


def may_go(one: Belonging, over: bool | None, up_s: float, rules: Rules) -> bool:
    """Whether a thing on the Engine is a leftover.

    Args:
        over: whether its run is over, by its record; None when there is no record.
        up_s: seconds since this agent took up its runs.
    """
    if over is not None:
        return over
    return not one.running or up_s > rules.orphan_s


def which_images(
    images: Mapping[Digest, int],
    used_ms: Mapping[Digest, int],
    kept: Collection[Digest],
    excess_mib: int,
) -> list[Digest]:
    """The images to remove so that the excess is gone, the one longest unused first.

    Args:
        images: MiB of each.
        used_ms: Unix milliseconds of each one's last use.
        kept: needed by runs.
    """
    found: list[Digest] = []
    for digest in sorted(images, key=lambda one: used_ms.get(one, 0)):
        if excess_mib <= 0:
            break
        if digest not in kept:
            found.append(digest)
            excess_mib -= images[digest]
    return found


def shortage(need_mib: int, room: Room, rules: Rules) -> str:
    """Why there is no room for one more run that writes so much; "" when there is."""
    want = need_mib + A_RUN_MIB
    if room.free_mib - SPARE_MIB < want:
        free = max(0, room.free_mib - SPARE_MIB)
        return f"{want} MiB of disk are wanted and {free} are free"
    left = rules.disk_mib - room.used_mib
    if room.looked and left < want:
        return f"{want} MiB of disk are wanted and {max(0, left)} are left of what is set aside"
    return ""


class Sweeper:
    """Looks at the machine every minute.

    Args:
        home: of the agent.
        pulled: the images that are ours to remove.
    """

    def __init__(
        self, home: Path, agent: Address, machine: Machine, runs: Runs, pulled: Pulled, rules: Rules
    ) -> None:
        self._home = home
        self._agent = agent
        self._machine = machine
        self._runs = runs
        self._pulled = pulled
        self._rules = rules
        self._began = time.monotonic()
        self._room = Room()

    async def work(self) -> None:
        """Sweep for ever."""
        while True:
            try:
                await self.sweep()
            except (DraasError, OSError) as error:
                log.warning("sweep.postponed", error=str(error)[:300])
            except Exception:
                log.exception("sweep.failed")
            await asyncio.sleep(PASS_S)

    def room(self, need_mib: int) -> str:
        """Why there is no room on the disk for one more run; "" when there is."""
        self._room.free_mib = shutil.disk_usage(self._home).free // 1024**2
        return shortage(need_mib, self._room, self._rules)

    async def sweep(self) -> None:
        """One pass.

        Raises:
            Unavailable: the Docker Engine does not answer.
            OSError: the disk does not.
        """
        await self._engine_things()
        live = self._live()
        await asyncio.to_thread(
            tidy_machine, self._home, self._agent, self._machine.mounts, live, A_PASS
        )
        found = await asyncio.to_thread(folders, self._home, live)
        await self._folders(found)
        await asyncio.to_thread(forget_layers, layers_of(self._home), time.time())
        await self._images()

    async def _engine_things(self) -> None:
        up_s, removed = time.monotonic() - self._began, 0
        for one in await belongings(self._machine.engine, self._agent):
            over = await asyncio.to_thread(self._is_over, one)
            if not may_go(one, over, up_s, self._rules) or removed >= A_PASS:
                continue
            done = await discard(self._machine.engine, one)
            removed += done
            log.info("sweep.leftover", kind=one.kind, name=one.key.container_name, removed=done)

    def _is_over(self, one: Belonging) -> bool | None:
        """Whether the thing's run is done with it; None when nothing is known of the run."""
        run = self._runs.get(one.key.job_id, one.key.attempt)
        if run is not None:
            return run.record.cleaned
        return is_cleaned(folder_of(self._home, one.key.job_id, one.key.attempt))

    def _live(self) -> set[str]:
        """The runs that are still looked after, as their folders are called."""
        return {run.folder.name for run in self._runs.all()}

    async def _folders(self, found: list[Folder]) -> None:
        """Those that are old go, and while there is too little room, the oldest of the others."""
        young, oldest = unix_ms() - YOUNG_MS, unix_ms() - self._rules.keep_s * 1000
        used_mib, removed = sum(one.mib for one in found), 0
        over_mib = self._over_mib(used_mib)
        old = (one for one in found if one.may_go and one.at_ms < young)
        for one in sorted(old, key=lambda one: one.at_ms):
            if removed >= A_PASS or (one.at_ms >= oldest and over_mib <= 0):
                break
            await asyncio.to_thread(remove, one)
            removed += 1
            used_mib, over_mib = used_mib - one.mib, over_mib - one.mib
        if removed:
            log.info("sweep.folders", removed=removed)
        self._room.used_mib = used_mib

    def _over_mib(self, used_mib: int) -> int:
        """By how much the run folders alone pass the budget, or the disk is too full."""
        free_mib = shutil.disk_usage(self._home).free // 1024**2
        return max(used_mib - self._rules.disk_mib, SPARE_MIB - free_mib)

    async def _images(self) -> None:
        images: dict[Digest, int] = {}
        used = self._pulled.all()
        for digest in used:
            size = await image_mib(self._machine.engine, digest)
            if size is None:
                await asyncio.to_thread(self._pulled.gone, digest)
            else:
                images[digest] = size
        folders_mib = self._room.used_mib
        excess = self._over_mib(folders_mib + sum(images.values()))
        for digest in which_images(images, used, self._needed(), excess):
            if digest not in self._needed() and await drop_image(self._machine.engine, digest):
                await asyncio.to_thread(self._pulled.gone, digest)
                log.info("sweep.image", digest=digest, mib=images.pop(digest))
        self._room.used_mib = folders_mib + sum(images.values())
        self._room.looked = True

    def _needed(self) -> set[Digest]:
        """Images of runs that have not ended."""
        live = (run.record for run in self._runs.all())
        return {Digest(record.offer.assignment.image) for record in live if record.holds_resources}


def sweeper_of(home: Path, agent: Address, machine: Machine, runs: Runs, rules: Rules) -> Sweeper:
    """An agent's sweeper, which from now on knows of the images that are pulled."""
    pulled = Pulled(home / "agent" / "pulled.json")
    machine.engine.pulls, machine.engine.needs = pulled.begins, pulled.used
    return Sweeper(home, agent, machine, runs, pulled, rules)
