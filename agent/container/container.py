"""One run's container with all that belongs to it: control group, network, results space, meter, log.

Every verb is safe to repeat, since after a crash nobody knows how far it had come.
"""

from __future__ import annotations

import asyncio
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from agent.container import lease, network, results
from agent.container.flood import Brake
from agent.container.here import Machine
from agent.container.host import Wanted
from agent.container.limits import MemoryUse, hit_process_limit, why_failed
from agent.container.restart import Exit
from agent.container.secrets import WITHHELD, SecretSpace
from agent.engine.health import Prober
from agent.engine.isolation import (
    MIB,
    ImageFacts,
    Place,
    cgroup_parent,
    create_body,
    labels,
    mount_point,
    pids_under,
    user_of,
)
from agent.meter.cgroup import Counters, moment, read_counters, remove_group
from agent.meter.meter import Meter, Sample
from agent.observed import Absent, Container
from agent.output.output import Output
from agent.output.spool import Spool
from chain.clock import unix_ms
from chain.errors import InvalidInput
from chain.trace import traced
from chain.wire import Health

OOM_CODE = 137


class RunContainer:
    """The container of one run."""

    def __init__(self, machine: Machine, wanted: Wanted) -> None:
        key, manifest, folder = wanted.key, wanted.manifest, wanted.folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._machine = machine
        self._engine = machine.engine
        self._key = key
        self._manifest = manifest
        self.folder = folder
        self._url = wanted.url
        self.ready = False  # its first port takes connections; found out by `agent.serve.ready`
        self._memory = MemoryUse()
        self._full_of_processes = False
        self._peak_counts = True  # no start before this one had all its processes
        self.runtime = wanted.runtime
        # the container that we made ourselves and have not started: no need to ask about it
        self._made = ""
        self.oom_kills_before = 0  # of the starts before this one
        self.health: Health = ""
        self.ill_why = ""
        self.on_health: Callable[[], None] = lambda: None  # told when a page has changed its mind
        self._prober: Prober | None = None
        check = manifest.healthcheck
        if check is not None and check.http:
            self._prober = Prober(check, manifest.ports[0], lambda: self.on_health())
        self.cgroup = cgroup_parent(key, machine.facts.systemd)
        self.meter = Meter(folder / "usage.jsonl", wanted.seal)
        self._looked_at = ""  # the container, by the Engine's id
        self.spool = Spool(folder / "output.log", machine.log_bytes)
        local = machine.mounts if machine.facts.local else None
        cpus = manifest.reserved().cpu_millis
        self.brake = Brake(machine.engine, local, self.spool, self.cgroup, cpus)
        self.secrets = SecretSpace(folder, manifest.secrets)
        self._output = Output(key, self.spool, wanted.notify, self.secrets.to_hide)

    @property
    def _space(self) -> Path:
        return self.folder / results.SPACE

    @traced("create")
    async def create(self, image: ImageFacts, gpus: tuple[str, ...] = ()) -> str:
        """Make the container and what it needs, with these devices by their ids; its id.

        Raises:
            Unavailable: the Engine, the kernel or the firewall refuses.
            InvalidInput: the manifest or image cannot be run in isolation.
        """
        chosen = self._machine.runtime_of(self._manifest)
        if not chosen.registered:
            raise InvalidInput(f"It cannot run here: {chosen.why_not}.", "Ask for another runtime.")
        self.runtime = chosen.name
        self.meter.bind(image.digest)
        place = replace(
            await self._place(),
            runtime=chosen.registered,
            gpus=gpus,
            secrets_source=await asyncio.to_thread(self.secrets.prepare, user_of(image)),
            secret_env=self.secrets.environment(),
        )
        body, name = create_body(self._key, self._manifest, image, place), self._key.container_name
        self._made = await self._engine.create(name, body)
        return self._made

    async def _place(self) -> Place:
        source, egress = "", self._manifest.reserved().egress_kib_s
        mount_point(self._manifest.results)  # refused before anything is mounted
        if results.can_mount() and self._machine.facts.local:
            size = self._manifest.resources.disk_mib
            await asyncio.to_thread(results.mount_space, self._space, size)
            source = str(self._space)
        name = await network.open_network(self._engine, self._key, egress) if egress else ""
        here = self._machine
        return Place(
            self.cgroup,
            source,
            name,
            init=here.facts.has_init,
            log_mib=here.log_bytes // MIB,
            url=self._url,
            dns=here.dns,
            pids=pids_under(self.runtime),
        )

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
        self._looked_at = container_id
        if container_id and container_id == self._made:
            return Container("created")
        seen = await self._engine.inspect(container_id) if container_id else Absent()
        self.health = ""
        if not isinstance(seen, Container) or seen.status != "running":
            if self._prober is not None:
                self._prober.stop()
            return seen
        if self._prober is not None:
            self._prober.watch(seen.address, seen.started_ms)
            found = self._prober.checks
            ill_why = f"its health check failed: {found.why}"
            seen = replace(seen, health=found.health, ill_why=ill_why)
        if self.secrets.wanted and seen.ill_why:  # what a check has printed may be one
            seen = replace(seen, ill_why="its health check failed")
        self.health, self.ill_why = seen.health, seen.ill_why
        return seen

    async def end_start(self, seen: Container, why: str) -> tuple[Exit, int]:
        """The program has ended, to be started again: as `note_exit`; what belongs to this start alone is let go.

        Returns:
            how it ended, and the processes killed for memory so far.
        """
        ended = await self._end(seen, why)
        counters, _ = await asyncio.to_thread(self._read)
        self.oom_kills_before = counters.oom_kills if counters else 0
        self._memory.next_start()
        self._output.forget_start()
        self._peak_counts = self._peak_counts and not self._full_of_processes
        self._full_of_processes = False
        return ended, self.oom_kills_before

    def say(self, at_ms: int, text: str) -> None:
        """Put a notice of the agent's own into the program's log."""
        self._output.say(at_ms, text)

    def follow(self, container_id: str) -> None:
        """Read its output on, unless that is done or under way; tried again when it failed."""
        if not self.secrets.lacks:  # else it is not known what to hide
            self._output.follow(self._engine, container_id)

    async def sample(self, seen: Container) -> None:
        """Meter it, at its end by the Engine's own times."""
        if seen.started_ms == 0:
            return
        sample = await asyncio.to_thread(self._sample, seen)
        self._memory.see(sample.counters)
        if seen.status != "exited":
            await self.brake.watch(self._looked_at)
        await self.meter.add(sample)

    def _sample(self, seen: Container) -> Sample:
        counters, sent = self._read()
        ended, (mono_ms, boot) = seen.status == "exited", moment()
        return Sample(
            at_ms=seen.finished_ms if ended else unix_ms(),
            started_ms=seen.started_ms,
            ended=ended,
            counters=counters,
            egress_bytes=sent,
            egress_from=network.bridge_index(self._key) if sent else 0,
            mono_ms=mono_ms,
            boot=boot,
            container=self._looked_at,
        )

    def _read(self) -> tuple[Counters | None, int | None]:
        egress = self._manifest.reserved().egress_kib_s
        sent = network.sent_bytes(self._key) if egress else 0
        mounts, most = self._machine.mounts, pids_under(self.runtime)
        self._full_of_processes = self._full_of_processes or hit_process_limit(
            mounts, self.cgroup, most, self._peak_counts
        )
        return read_counters(mounts, self.cgroup), sent

    async def renew_lease(self, container_id: str, pid: int, seconds: float) -> None:
        """Let it go on for so long from now without a word of ours."""
        lease.renew(self.folder, container_id, pid, seconds)

    async def note_exit(self, seen: Container | Absent, why: str) -> Exit:
        """Take the last sample and the last lines; how it ended."""
        ended = await self._end(seen, why)
        if self.secrets.lacks and isinstance(seen, Container) and seen.started_ms:
            self._output.say(ended.finished_ms, WITHHELD)
        self.spool.end()
        return ended

    async def _end(self, seen: Container | Absent, why: str) -> Exit:
        if not isinstance(seen, Container) or seen.started_ms == 0:
            if self.meter.totals.at_ms and isinstance(seen, Absent):
                last = self.meter.totals  # what it used before it was removed is in its group yet
                gone = Container("exited", started_ms=last.started_ms, finished_ms=last.at_ms)
                await self.sample(gone)
            await self.meter.flush()
            now_ms = unix_ms()
            code = OOM_CODE if isinstance(seen, Absent) else 127
            started_ms = now_ms - self.meter.totals.wall_ms
            return Exit(code, started_ms, now_ms, why)
        await self.sample(seen)
        await self._output.last_lines()
        reserved = self._manifest.reserved().memory_mib
        unsaid = not why and seen.exit_code == OOM_CODE and self._memory.filled(reserved)
        killed = seen.oom_killed or self._memory.kills > self.oom_kills_before or unsaid
        most = pids_under(self.runtime) if self._full_of_processes else 0
        limit = why_failed(seen.exit_code, reserved if killed else 0, most)
        code = OOM_CODE if killed and seen.exit_code != 0 else seen.exit_code
        told = (limit if killed else why or limit) or seen.error
        return Exit(code, seen.started_ms, seen.finished_ms, told)

    async def take_results(self, within_s: float = math.inf) -> tuple[Path | None, str]:
        """The results as plain files in a folder of our own, None when there are none; and what was left out of them.

        Args:
            within_s: seconds after which no more is taken.
        """
        target, limit = self.folder / "results", self._manifest.resources.disk_mib * MIB
        until = time.monotonic() + within_s
        return await asyncio.to_thread(results.take_anew, self._space, target, limit, until)

    async def stop(self, container_id: str, seconds: int) -> None:
        """SIGTERM, and SIGKILL after so many seconds."""
        self.brake.release()
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
        self.secrets.remove()
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
        await self._output.let_go()
