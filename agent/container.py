"""One run's container with all that belongs to it: control group, network, results space, meter, log.

Every verb is safe to repeat, since after a crash nobody knows how far it had come.
"""

from __future__ import annotations

import asyncio
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from agent import lease, network, results
from agent.cgroup import Counters, Mounts, parse_mounts, read_counters, remove_group
from agent.engine import Engine, EngineFacts
from agent.health import Prober
from agent.isolation import (
    MIB,
    ImageFacts,
    Place,
    RunKey,
    cgroup_parent,
    create_body,
    labels,
    mount_point,
)
from agent.logs import Follower, Spool
from agent.meter import Meter, Sample
from agent.observed import Absent, Container
from agent.restart import Exit
from chain.clock import unix_ms
from chain.job import Digest, Resources
from chain.manifest import Manifest
from chain.trace import mark, traced
from chain.wire import Health

OOM_CODE = 137
LAST_LINES_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Machine:
    """What all runs of an agent share."""

    engine: Engine
    facts: EngineFacts
    mounts: Mounts

    async def ensure_image(self, digest: Digest, name: str) -> ImageFacts:
        """As `Engine.ensure_image`."""
        return await self.engine.ensure_image(digest, name)

    def room(self, left: Resources, key: RunKey, need: Resources) -> Resources:
        """All that is left."""
        return left

    def container(
        self, key: RunKey, manifest: Manifest, folder: Path, notify: Callable[[], None]
    ) -> RunContainer:
        """The container of a run, made or not."""
        return RunContainer(self, key, manifest, folder, notify)


async def this_machine(engine: Engine) -> Machine:
    """Look at the Engine and the kernel."""
    facts = await engine.facts()
    text = await asyncio.to_thread(Path("/proc/mounts").read_text)
    return Machine(engine, facts, parse_mounts(text, facts.cgroup_version))


class RunContainer:
    """The container of one run.

    Args:
        folder: the run's files: ledger, log, results.
        notify: called in the event loop when there are new log lines.
    """

    def __init__(
        self,
        machine: Machine,
        key: RunKey,
        manifest: Manifest,
        folder: Path,
        notify: Callable[[], None] = lambda: None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._machine = machine
        self._engine = machine.engine
        self._key = key
        self._manifest = manifest
        self.folder = folder
        self._notify = notify
        self._follower: Follower | None = None
        self._oom_kills = 0
        self._made = (
            ""  # the container that we made ourselves and have not started: no need to ask about it
        )
        self.oom_kills_before = 0  # of the starts before this one
        self.health: Health = ""
        self.ill_why = ""
        self.on_health: Callable[[], None] = lambda: None  # told when a page has changed its mind
        self._prober: Prober | None = None
        check = manifest.healthcheck
        if check is not None and check.http:
            self._prober = Prober(check, manifest.ports[0], lambda: self.on_health())
        self.cgroup = cgroup_parent(key, machine.facts.systemd)
        self.meter = Meter(folder / "usage.jsonl")
        self.spool = Spool(folder / "log.jsonl")
        self._has_printed = self.spool.length > 0

    @property
    def _space(self) -> Path:
        return self.folder / "space"

    @traced("create")
    async def create(self, image: ImageFacts) -> str:
        """Make the container and what it needs; its id.

        Raises:
            Unavailable: the Engine, the kernel or the firewall refuses.
            InvalidInput: the manifest or image cannot be run in isolation.
        """
        body = create_body(self._key, self._manifest, image, await self._place())
        self._made = await self._engine.create(self._key.container_name, body)
        return self._made

    async def _place(self) -> Place:
        source, egress = "", self._manifest.reserved().egress_kib_s
        mount_point(self._manifest.results)  # refused before anything is mounted
        if results.can_mount() and self._machine.facts.local:
            size = self._manifest.resources.disk_mib
            await asyncio.to_thread(results.mount_space, self._space, size)
            source = str(self._space)
        name = await network.open_network(self._engine, self._key, egress) if egress else ""
        return Place(self.cgroup, source, name, self._machine.facts.has_init)

    @traced("start")
    async def start(self, container_id: str, again: bool = False) -> str:
        """Start it; "" when it runs, else why it cannot.

        Args:
            again: it ran before; what it needs of this machine may have gone with a reboot meanwhile.
        """
        self._made = ""
        if again:
            await self._place()
        return await self._engine.start(container_id)

    async def look(self, container_id: str) -> Container | Absent:
        """What the Engine says of it, and how the program is."""
        if container_id and container_id == self._made:
            return Container("created")
        seen = await self._engine.inspect(container_id) if container_id else Absent()
        self.health = ""
        if not isinstance(seen, Container) or seen.status != "running":
            return seen
        if self._prober is not None:
            self._prober.watch(seen.address, seen.started_ms)
            found = self._prober.checks
            ill_why = f"its health check failed: {found.why}"
            seen = replace(seen, health=found.health, ill_why=ill_why)
        self.health, self.ill_why = seen.health, seen.ill_why
        return seen

    async def end_start(self, seen: Container, why: str) -> tuple[Exit, int]:
        """The program has ended, to be started again: as `note_exit`; what belongs to this start alone is let go.

        Returns:
            how it ended, and the processes killed for memory so far.
        """
        ended = await self.note_exit(seen, why)
        counters, _ = await asyncio.to_thread(self._read)
        self.oom_kills_before = counters.oom_kills if counters else 0
        self._oom_kills = 0
        self._follower = None
        return ended, self.oom_kills_before

    def say(self, at_ms: int, text: str) -> None:
        """Put a notice of the agent's own into the program's log."""
        self.spool.note(at_ms, text)
        self._notify()

    def follow(self, container_id: str) -> None:
        """Read its output on, unless that is done or under way; tried again when it failed."""
        if self.spool.full:
            return
        if self._follower is None or (self._follower.done.is_set() and self._follower.failed):
            self._follower = Follower(self._engine, container_id, self.spool, self._printed)

    def _printed(self) -> None:
        lines = [] if self._has_printed else self.spool.read(-1, 1)
        if lines:
            self._has_printed = True
            mark("first_log_line", self._key.job_id, self._key.attempt, lines[0].at_ms)
        self._notify()

    async def sample(self, seen: Container) -> None:
        """Meter it, at its end by the Engine's own times."""
        if seen.started_ms == 0:
            return
        counters, sent = await asyncio.to_thread(self._read)
        self._oom_kills = max(self._oom_kills, counters.oom_kills if counters else 0)
        ended = seen.status == "exited"
        at_ms = seen.finished_ms if ended else unix_ms()
        await self.meter.add(Sample(at_ms, seen.started_ms, ended, counters, sent))

    def _read(self) -> tuple[Counters | None, int | None]:
        egress = self._manifest.reserved().egress_kib_s
        sent = network.sent_bytes(self._key) if egress else 0
        return read_counters(self._machine.mounts, self.cgroup), sent

    async def renew_lease(self, container_id: str, pid: int, seconds: float) -> None:
        """Let it go on for so long from now without a word of ours."""
        lease.renew(self.folder, container_id, pid, seconds)

    async def note_exit(self, seen: Container | Absent, why: str) -> Exit:
        """Take the last sample and read the output to its end; how it ended."""
        if not isinstance(seen, Container) or seen.started_ms == 0:
            await self.meter.flush()
            now_ms = unix_ms()
            code = OOM_CODE if isinstance(seen, Absent) else 127
            started_ms = now_ms - self.meter.totals.wall_ms
            return Exit(code, started_ms, now_ms, why)
        await self.sample(seen)
        await self._last_lines()
        if seen.exit_code != 0 and (seen.oom_killed or self._oom_kills > self.oom_kills_before):
            limit = self._manifest.reserved().memory_mib
            why = f"killed: out of memory (limit {limit} MiB)"
            return Exit(OOM_CODE, seen.started_ms, seen.finished_ms, why)
        return Exit(seen.exit_code, seen.started_ms, seen.finished_ms, why or seen.error)

    async def _last_lines(self) -> None:
        if self._follower is not None:
            try:
                await asyncio.wait_for(self._follower.done.wait(), LAST_LINES_SECONDS)
            except TimeoutError:
                await self._follower.close()

    async def take_results(self, within_s: float = math.inf) -> tuple[Path | None, str]:
        """The results as plain files in a folder of our own, None when there are none; and what was left out of them.

        Args:
            within_s: seconds after which no more is taken.
        """
        target = self.folder / "results"
        await asyncio.to_thread(shutil.rmtree, target, ignore_errors=True)
        if not self._space.is_dir():
            return None, ""
        limit = self._manifest.resources.disk_mib * MIB
        until = time.monotonic() + within_s
        taken = await asyncio.to_thread(results.take_over, self._space, target, limit, until)
        return (target if taken.files else None), results.left_words(taken.left)

    async def stop(self, container_id: str, seconds: int) -> None:
        """SIGTERM, and SIGKILL after so many seconds."""
        await self._engine.stop(container_id, seconds)

    async def clean(self, container_id: str) -> None:
        """Remove container, network, results space and control group. Ledger and log stay as evidence."""
        await self._let_go()
        name = self._key.container_name
        container_id = container_id or await self._engine.named(name, labels(self._key))
        if container_id:
            await self._engine.remove(container_id)
        if self._manifest.reserved().egress_kib_s:
            await network.close_network(self._engine, self._key)
        await asyncio.to_thread(self._remove_local)

    def _remove_local(self) -> None:
        results.unmount_space(self._space)
        shutil.rmtree(self.folder / "results", ignore_errors=True)
        remove_group(self._machine.mounts, self.cgroup)

    async def close(self) -> None:
        """Let go of the container without touching it: the next start takes it up again."""
        await self._let_go()
        await self.meter.flush()
        self.meter.close()
        self.spool.close()

    async def _let_go(self) -> None:
        if self._prober is not None:
            await self._prober.close()
        if self._follower is not None:
            await self._follower.close()
