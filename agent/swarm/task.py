"""One run as a service of the Swarm: one task that is never restarted, on the node that the agent has chosen.

Swarm places the task and keeps its resources free; looking, stopping, metering and collecting go to the node itself.
Every verb is safe to repeat, since after a crash nobody knows how far it had come.
"""

from __future__ import annotations

import asyncio
import math
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docker.errors import NotFound

from agent.container import lease
from agent.container.host import Wanted
from agent.container.limits import why_failed
from agent.container.restart import Exit
from agent.container.results import left_words
from agent.container.secrets import SecretSpace
from agent.engine.call import call
from agent.engine.engine import Engine
from agent.engine.isolation import MIB, ImageFacts, labels, mount_point
from agent.meter.cgroup import Counters
from agent.meter.meter import Meter, Sample
from agent.observed import Absent, Container
from agent.output.output import Output
from agent.output.spool import Spool
from agent.swarm.api import ONCE
from agent.swarm.spec import keeper_body, keeper_of, run_task, volume_of
from agent.swarm.starting import has_ended, started
from agent.swarm.take import take_archive
from agent.swarm.where import KILLED_CODE, Where
from chain.clock import unix_ms
from chain.errors import InvalidInput, Unavailable
from chain.job import Digest
from chain.trace import traced
from chain.wire import Health

if TYPE_CHECKING:
    from agent.swarm.fleet import Fleet

SETTLE_TRIES, SETTLE_S = 20, 0.1  # for a node to see that a control group is gone


class RunTask:
    """The service of one run."""

    def __init__(self, fleet: Fleet, wanted: Wanted) -> None:
        wanted.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fleet = fleet
        self._key = wanted.key
        self._manifest = wanted.manifest
        self.folder = wanted.folder
        self._at = Where(fleet, wanted.key, wanted.folder)
        self._oom_kills = 0
        self._looked = time.monotonic()
        self.oom_kills_before, self.ready, self.ill_why = 0, False, ""
        self.health: Health = ""
        self.runtime = wanted.runtime
        self.on_health: Callable[[], None] = lambda: None
        self.meter = Meter(wanted.folder / "usage.jsonl", wanted.seal)
        self.spool = Spool(wanted.folder / "output.log", fleet.log_bytes)
        self.secrets = SecretSpace(wanted.folder)  # a fleet takes no jobs with secrets
        self._output = Output(wanted.key, self.spool, wanted.notify)

    @traced("create")
    async def create(self, image: ImageFacts, gpus: tuple[str, ...] = ()) -> str:
        """Choose its node, have the image and the results space there; the name of the service to come. A fleet offers
        no GPUs.

        Raises:
            Unavailable: manager or node refuses.
            InvalidInput: no node has room, or the manifest or image cannot be run in isolation.
        """
        mount_point(self._manifest.results)
        self.runtime = "runc"
        self.meter.bind(image.digest)
        node = self._fleet.place(self._key, self._manifest.reserved())
        if node is None:
            raise InvalidInput("No node of the fleet has room for it.", "Try another agent.")
        self._at.put(node, image.digest)
        lease.drop(self.folder)  # its lease is on the node
        engine = await self._at.engine()
        await self._fleet.give_image(engine, node.id, image.digest)
        systemd = (await engine.facts()).systemd
        parent = "draas-keepers.slice" if systemd else "/draas-keepers"
        body = keeper_body(self._key, self._manifest, self._fleet.settings.image, parent)
        fault = await engine.start(await engine.create(keeper_of(self._key), body))
        if fault:
            raise Unavailable(f"The results space cannot be kept: {fault}.", "See the node.")
        await self._fleet.swarm.make_network(self._key.container_name, labels(self._key))
        return self._key.container_name

    @traced("start")
    async def start(self, container_id: str, again: bool = False) -> str:
        """Have the Swarm run it, after an earlier end anew; "" when it runs, else why it cannot."""
        placed, swarm, engine = self._at.known, self._fleet.swarm, await self._at.engine()
        if placed.container and await has_ended(engine, placed.container):
            await self._let_go(engine)
        image = await self._fleet.ensure_image(Digest(placed.image), "")
        init = (await engine.facts()).has_init
        task = run_task(self._key, self._manifest, image, placed.node, init)
        await swarm.make_service(container_id, task, ONCE, labels(self._key))
        return await started(self._at, swarm, container_id)

    async def _let_go(self, engine: Engine) -> None:
        """Remove the service and container of an earlier start, whose output was read."""
        await self._fleet.swarm.remove_service(self._key.container_name)
        await engine.remove(self._at.known.container)
        self._output.forget_start()
        self._at.change(container="", started_ms=0, printed=self.spool.last_stamp())

    async def look(self, container_id: str) -> Container | Absent:
        """What its node says of it.

        Raises:
            Unavailable: the node does not answer, and may yet: its container has a lease.
        """
        if not container_id or self._at.placed is None:
            return Absent()
        self._looked = time.monotonic()
        try:
            engine, container = await self._at.engine(), await self._at.container()
            if not container:
                return Container("created")
            seen = await engine.inspect(container)
        except Unavailable:
            if not self._at.is_lost():
                raise
            return self._at.lose()
        if isinstance(seen, Container):
            self.health, self.ill_why = seen.health, seen.ill_why
            if seen.started_ms and not self._at.known.started_ms:
                self._at.change(container=container, started_ms=seen.started_ms)
        return seen

    def follow(self, container_id: str) -> None:
        """Read its output on, unless that is under way; from another machine a stream may break unseen."""
        engine, placed = self._at.opened, self._at.placed
        if engine is not None and placed is not None and placed.container:
            self._output.follow(engine, placed.container, again=True, past=placed.printed)

    async def sample(self, seen: Container) -> None:
        """Meter it by its node's counters and clock."""
        if seen.started_ms == 0:
            return
        ended = seen.status == "exited"
        found = await self._usage(ended)
        self._oom_kills = max(self._oom_kills, int(found["oom_kills"]))
        if not ended and not found["read"]:
            return  # it began this moment
        memory = (int(found["memory_bytes"]), int(found["memory_peak_bytes"]))
        counters = Counters(int(found["cpu_ns"]), *memory, int(found["oom_kills"]))
        since_ms = int((time.monotonic() - self._looked) * 1000)  # it may have ended since
        at_ms = seen.finished_ms if ended else int(found["now_ms"]) - since_ms
        container = self._at.known.container
        await self.meter.add(
            Sample(at_ms, seen.started_ms, ended, counters, 0, container=container)
        )

    async def _usage(self, ended: bool) -> dict[str, Any]:
        """What the node has counted; at the end, once nothing can be added to that."""
        for _ in range(SETTLE_TRIES):
            found = await self._at.ask("usage")
            if found["killed"]:
                (self.folder / lease.ENDED_NAME).touch()
            if not ended or found["settled"]:
                break
            await asyncio.sleep(SETTLE_S)
        return found

    async def renew_lease(self, container_id: str, pid: int, seconds: float) -> None:
        """Let it go on for so long from now without a word of ours; the node sees to it."""
        until = time.time() + seconds
        answer = await self._at.ask("lease", seconds=seconds, fresh=pid == 0)
        if answer["done"]:
            self._at.change(leased_until=until)

    async def stop(self, container_id: str, seconds: int) -> None:
        """SIGTERM, and SIGKILL after so many seconds."""
        engine, container = await self._at.engine(), await self._at.container()
        if container:
            await engine.stop(container, seconds)

    async def note_exit(self, seen: Container | Absent, why: str) -> Exit:
        """Take the last sample and read the output to its end; how it ended."""
        ended = await self._end(seen, why)
        self.spool.end()
        return ended

    async def _end(self, seen: Container | Absent, why: str) -> Exit:
        self._fleet.release(self._key)
        self._at.change(ended=True)
        if not isinstance(seen, Container) or seen.started_ms == 0 or self._at.lost:
            await self.meter.flush()
            code = KILLED_CODE if self._at.lost or isinstance(seen, Absent) else 127
            now_ms = unix_ms()
            reason = why or (seen.error if isinstance(seen, Container) else "")
            return Exit(code, now_ms - self.meter.totals.wall_ms, now_ms, reason)
        await self.sample(seen)
        await self._output.last_lines()
        killed = seen.oom_killed or self._oom_kills > self.oom_kills_before
        limit = why_failed(seen.exit_code, self._manifest.reserved().memory_mib * killed, 0)
        code, told = KILLED_CODE if limit else seen.exit_code, limit or why or seen.error
        return Exit(code, seen.started_ms, seen.finished_ms, told)

    async def end_start(self, seen: Container, why: str) -> tuple[Exit, int]:
        """It has ended, to be started again: how, and the processes killed for memory so far."""
        ended = await self._end(seen, why)
        self._at.change(ended=False)
        self._fleet.place(self._key, self._manifest.reserved())
        self.oom_kills_before = self._oom_kills
        return ended, self._oom_kills

    def say(self, at_ms: int, text: str) -> None:
        """Put a notice of the agent's own into its log."""
        self._output.say(at_ms, text)

    async def take_results(self, within_s: float = math.inf) -> tuple[Path | None, str]:
        """The results as plain files in a folder of our own, None when there are none, or their node is gone; and what
        was left out of them."""
        target = self.folder / "results"
        await asyncio.to_thread(shutil.rmtree, target, ignore_errors=True)
        if self._at.placed is None or self._at.lost:
            return None, ""
        engine, keeper = await self._at.engine(), keeper_of(self._key)
        until = time.monotonic() + within_s
        place, limit = mount_point(self._manifest.results), self._manifest.resources.disk_mib * MIB
        try:
            chunks, _ = await call(lambda: engine.api.get_archive(keeper, place))
        except NotFound:  # it was removed from outside
            return None, ""
        taken = await call(lambda: take_archive(chunks, target, limit, until))
        return (target if taken.files else None), left_words(taken.left)

    async def clean(self, container_id: str) -> None:
        """Remove service, containers, results space and network. Ledger and log stay as evidence.

        Raises:
            Unavailable: something of it is still in use, or its node, which is up, does not answer.
        """
        await self._output.let_go()
        if self._at.placed is not None:
            swarm, name = self._fleet.swarm, self._key.container_name
            await swarm.remove_service(name)
            if self._at.node is not None and self._at.node.up:
                await self._clean_node()
            await swarm.remove_network(name)
        self._fleet.forget(self._key)
        await asyncio.to_thread(shutil.rmtree, self.folder / "results", ignore_errors=True)

    async def _clean_node(self) -> None:
        engine = await self._at.engine()
        for container in (await self._at.container(), keeper_of(self._key)):
            if container:
                await engine.remove(container)
        with suppress(NotFound):
            await call(lambda: engine.api.remove_volume(volume_of(self._key), force=True))
        await self._at.ask("drop")

    async def close(self) -> None:
        """Let go of it without touching it: the next start takes it up again."""
        await self._output.let_go()
        await self.meter.flush()
        self.meter.close()
        self.spool.close()
